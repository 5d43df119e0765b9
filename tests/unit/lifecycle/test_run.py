"""Steps run at the same time where they may, and nothing goes on behind the caller's back."""

import threading
from collections.abc import Iterator

import pytest

from stack.engines.steps import Key, Kind, Plan, Step, Verb
from stack.errors import StackError
from stack.lifecycle.run import Finished, Result, Started, critical_path, run

WITHIN = 10.0  # seconds; only a failing test waits so long


def key_of(name: str) -> Key:
    return Key(Verb.START, Kind.CONTAINER, name)


def step_of(name: str, after: str) -> Step:
    return Step(key_of(name), tuple(map(key_of, after.split())))


def plan_of(**after: str) -> Plan:
    return Plan(tuple(step_of(name, needs) for name, needs in after.items()))


def carried_out(plan: Plan, fails: str = "", called_off: list[str] | None = None) -> list[Result]:
    def perform(step: Step) -> None:
        if step.key.name == fails:
            raise StackError(f"{step.key}: no")

    calls = [] if called_off is None else called_off
    return list(run(plan, perform, lambda: calls.append("off")))


def finished(results: list[Result]) -> dict[str, bool]:
    return {r.step.key.name: r.error is None for r in results if isinstance(r, Finished)}


def test_nothing_to_do() -> None:
    assert carried_out(Plan(())) == []


def test_a_step_begins_after_what_it_waits_for() -> None:
    results = carried_out(plan_of(a="", b="a", c="b"))
    words = [(type(result).__name__, result.step.key.name) for result in results]
    assert words == [(kind, key) for key in "abc" for kind in ("Started", "Finished")]


def test_independent_steps_are_under_way_together() -> None:
    meeting = threading.Barrier(20)
    plan = plan_of(**{f"s{number}": "" for number in range(20)})

    def perform(_: Step) -> None:
        meeting.wait(WITHIN)

    results = list(run(plan, perform, lambda: None))
    assert len(finished(results)) == 20


def test_after_a_failure_nothing_new_begins() -> None:
    off: list[str] = []
    results = carried_out(plan_of(a="", b="a", c="b"), "a", off)
    assert finished(results) == {"a": False}
    assert off


def test_what_is_under_way_is_told_to_give_up_and_seen_to_its_end() -> None:
    off, begun = threading.Event(), threading.Event()

    def perform(step: Step) -> None:
        if step.key.name == "fails":
            begun.wait(WITHIN)
            raise StackError("no")
        begun.set()
        assert off.wait(WITHIN)

    results = list(run(plan_of(waits="", fails="", later="waits"), perform, off.set))
    assert finished(results) == {"waits": True, "fails": False}


def test_a_bug_comes_out_and_leaves_no_thread() -> None:
    def perform(_: Step) -> None:
        raise ZeroDivisionError

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(run(plan_of(a=""), perform, lambda: None))
    assert threading.active_count() == before


@pytest.mark.parametrize("moment", [0, 1, 2], ids=["first start", "second start", "first end"])
def test_ctrl_c_calls_off_and_leaves_no_thread(moment: int) -> None:
    before, off = threading.active_count(), threading.Event()

    def perform(step: Step) -> None:
        if step.key.name == "waits":
            off.wait(WITHIN)

    def consume(results: Iterator[Result]) -> None:
        for index, _ in enumerate(results):
            if index == moment:
                raise KeyboardInterrupt

    stream = run(plan_of(waits="", quick="", later="quick"), perform, off.set)
    with pytest.raises(KeyboardInterrupt):
        consume(stream)
    stream.close()  # type: ignore[attr-defined]
    assert off.is_set()
    assert threading.active_count() == before


def test_times_are_measured_from_the_beginning() -> None:
    for result in carried_out(plan_of(a="", b="a")):
        if isinstance(result, Finished):
            assert 0 <= result.start <= result.end < WITHIN


def test_started_comes_before_finished() -> None:
    first, second = carried_out(plan_of(a=""))
    assert isinstance(first, Started)
    assert isinstance(second, Finished)


def test_the_critical_path_follows_what_was_waited_for() -> None:
    a, b, c, d = plan_of(a="", b="", c="a b", d="").steps
    results = [Finished(a, 0, 5), Finished(b, 0, 2), Finished(c, 5, 9), Finished(d, 0, 8)]
    assert [item.step.key.name for item in critical_path(results)] == ["a", "c"]


def test_no_steps_have_no_critical_path() -> None:
    assert critical_path([]) == []
