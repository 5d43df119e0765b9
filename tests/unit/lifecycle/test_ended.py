"""What ends with an error has failed; what nobody can ask and ends with 0 did its work, once."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stack.engines.base import Exit
from stack.engines.running import DONE, Running, SeenContainer, SeenImage
from stack.engines.steps import AwaitReady, Key, Kind, StartContainer, Verb
from stack.layout.topology import Container, Topology
from stack.lifecycle import ended
from stack.lifecycle.plan import plan_up
from stack.probe.exchange import Target
from stack.project.state import State
from stack.proof.ready import NotReadyError, Ready, Watch
from tests.unit.fake_engine import FakeEngine

JOB = Container("migrate", "i")
WEB = Container("web", "i", port=80, probe="ask")
SHOP = Topology("shop", 8080, (JOB, WEB), (), (), ())
STEP = AwaitReady(Key(Verb.AWAIT, Kind.CONTAINER, "shop-job-1"), container=JOB, number=1)
ENDED = SeenContainer(
    "j", "shop-migrate-1", "migrate", 1, "exited", "Exited (0) 1 day ago", "f", ""
)


def readiness(engine: FakeEngine, **exits: int) -> Ready:
    watch = Watch(time.monotonic() + 60)
    for name, code in exits.items():
        watch.note(Exit(f"shop-{name}-1", code))
    return Ready(engine, "shop", Target("", "127.0.0.1", 80, "/"), "g", lambda: "", watch)


def test_a_process_that_ends_at_once_fails_with_its_log() -> None:
    engine = FakeEngine(codes={"shop-migrate-1": 3}, lines={"shop-migrate-1": ["no table"]})
    with pytest.raises(NotReadyError) as caught:
        readiness(engine, migrate=3).await_container(STEP)
    assert caught.value.message == "migrate: ended with exit code 3 soon after its start"
    assert (caught.value.hint, caught.value.evidence) == ("stack logs migrate", ("no table",))


@pytest.mark.parametrize("code", [0, None])
def test_what_did_its_work_or_lives_is_well(code: int | None) -> None:
    readiness(FakeEngine(codes={"shop-migrate-1": code}), migrate=0).await_container(STEP)


def test_who_runs_for_long_is_not_waited_for() -> None:
    start = time.monotonic()
    readiness(FakeEngine(codes={"shop-migrate-1": None})).await_container(STEP)
    assert time.monotonic() - start < 0.5


def test_who_was_just_started_has_to_live_a_moment() -> None:
    engine = FakeEngine(codes={"shop-migrate-1": None}, started=datetime.now(UTC).isoformat())
    start = time.monotonic()
    readiness(engine).await_container(STEP)
    assert time.monotonic() - start > 0.7


def test_who_answered_and_ended_meanwhile_is_told() -> None:
    engine = FakeEngine(codes={"shop-web-1": 1, "shop-migrate-1": 0})
    found = list(ended.failures(readiness(engine, web=1, migrate=0), SHOP))
    assert [(name, error.answer) for name, error in found] == [("shop-web-1", "exit code 1")]


@pytest.mark.parametrize("code", [None, -1])
def test_who_came_back_or_was_replaced_is_no_failure(code: int | None) -> None:
    engine = FakeEngine(codes={"shop-web-1": code})
    assert list(ended.failures(readiness(engine, web=1), SHOP)) == []


def test_work_that_was_done_is_remembered(tmp_path: Path) -> None:
    state = State(tmp_path, "shop")
    state.prepare()
    engine = FakeEngine(codes={"shop-migrate-1": 0, "shop-web-1": 0}, running=Running())
    ended.remember_done(readiness(engine, migrate=0, web=0), SHOP, state)
    assert ended.remembered(state) == {"id-shop-migrate-1"}


def planned(seen: SeenContainer, container: Container = JOB, *, done: bool = True) -> list[str]:
    running = Running((seen,), images={"i": SeenImage("")}).with_done({seen.id} if done else ())
    layout = replace(SHOP, containers=(container,))
    plan = plan_up(
        layout, running, {"migrate": "f"}, {}, is_config_current=True, is_config_loaded=True
    )
    return [type(step).__name__ for step in plan.steps]


def test_work_that_was_done_is_not_started_again() -> None:
    assert planned(ENDED) == []


@pytest.mark.parametrize(
    ("seen", "container", "done"),
    [
        (ENDED, JOB, False),  # a worker, stopped by hand or with the machine
        (replace(ENDED, status="Exited (1) 1 day ago"), JOB, True),
        (ENDED, replace(JOB, probe="ask"), True),
    ],
    ids=["not seen to end", "failed since", "has something to ask for"],
)
def test_anything_else_is_started(seen: SeenContainer, container: Container, done: bool) -> None:
    assert planned(seen, container, done=done) == [StartContainer.__name__, AwaitReady.__name__]


def test_done_is_a_state_of_its_own() -> None:
    (seen,) = Running((ENDED,)).with_done({"j"}).containers
    assert seen.state == DONE
