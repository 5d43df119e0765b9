"""Convergence as a property: whatever runs, and wherever a run ends, the next plan finishes it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stack.engines.running import AnonymousVolume, Running, SeenImage
from stack.engines.steps import (
    AwaitReady,
    AwaitRoute,
    Key,
    MakeImage,
    PlaceConfig,
    RemoveAnonymous,
    RemoveContainer,
    RemoveVolume,
    RestartContainer,
    RunContainer,
    Step,
)
from stack.layout.topology import Container
from stack.lifecycle.plan import plan_down, plan_restart
from tests.examples import examples
from tests.unit.plan_world import SHOP, Simulator, changed, keys, orders, with_state, without


def test_from_nothing_everything_is_made_and_then_nothing_is_left_to_do() -> None:
    world = Simulator().converge()
    assert {seen.name for seen in world.running.containers} == {
        "shop-nginx-1", "shop-api-1", "shop-ws-1", "shop-ws-2", "shop-db-1"
    }  # fmt: skip
    assert keys(world.plan()) == []


def test_a_settled_project_only_looks_at_its_routes() -> None:
    assert {type(step) for step in Simulator().converge().plan().steps} == {AwaitRoute}


def test_every_dependency_is_a_step_that_stands_before() -> None:
    steps = Simulator().plan().steps
    assert len({step.key for step in steps}) == len(steps)
    known = {step.key for step in steps}
    assert all(set(step.after) <= known for step in steps)
    list(TopologicalSorter({step.key: step.after for step in steps}).static_order())


def test_an_own_image_waits_for_its_needs_and_a_preset_does_not() -> None:
    after = orders(Simulator().plan().steps)
    assert "ready shop-db-1" in after["start shop-api-1"]
    assert "ready shop-db-1" not in after["start shop-ws-1"]
    assert "start shop-db-1" in after["start shop-ws-1"]


def test_a_change_makes_only_that_container_anew() -> None:
    world, wanted = Simulator().converge(), changed(db={"environment": (("A", "b"),)})
    assert keys(world.plan(wanted)) == ["remove container shop-db-1", "start shop-db-1"]


def test_a_change_replaces_one_replica_after_another() -> None:
    plan = Simulator().converge().plan(changed(ws={"replicas": 3, "environment": (("A", "b"),)}))
    after = orders(plan.steps)
    assert after["remove container shop-ws-1"] == ()
    assert after["remove container shop-ws-2"] == ("ready shop-ws-1",)
    assert "remove container shop-ws-2" in after["start shop-ws-2"]
    assert "remove container shop-ws-2" not in after["start shop-ws-1"]  # each would wait for ever
    assert "ready shop-ws-2" not in after["start shop-ws-3"]  # a new one takes nobody's place


def test_the_old_replica_stays_until_the_new_one_before_it_answers_at_last() -> None:
    """As after an ``up`` whose first new replica did not become ready."""
    wanted = changed(ws={"environment": (("A", "b"),)})
    world = Simulator().converge()
    for step in world.plan(wanted).steps:
        if str(step.key) in {"remove container shop-ws-1", "start shop-ws-1"}:
            world.apply(step)
    world._keep(
        replace(seen, status="Up (unhealthy)") if seen.name == "shop-ws-1" else seen
        for seen in world.running.containers
    )
    after = orders(world.plan(wanted).steps)
    assert "ready shop-ws-1" in after["remove container shop-ws-2"]


def test_a_replica_goes_whatever_its_name_is() -> None:
    world = Simulator().converge()
    world._keep(
        replace(seen, name=f"1234_{seen.name}") if seen.name == "shop-ws-2" else seen
        for seen in world.running.containers
    )
    wanted = changed(ws={"environment": (("A", "b"),)})
    assert "remove container 1234_shop-ws-2" in keys(world.plan(wanted))
    assert keys(world.converge(wanted).plan(wanted)) == []


def test_fewer_replicas_that_are_new_take_the_place_of_all_old_ones() -> None:
    plan = Simulator().converge().plan(changed(ws={"replicas": 1, "environment": (("A", "b"),)}))
    order = keys(plan)
    after = orders(plan.steps)
    assert after["remove container shop-ws-2"] == ("ready shop-ws-1",)
    assert order.index("start shop-ws-1") < order.index("remove container shop-ws-2")


def test_replicas_that_do_not_run_are_replaced_at_once() -> None:
    plan = with_state("exited", "shop-ws-1", "shop-ws-2").plan(
        changed(ws={"environment": (("A", "b"),)})
    )
    assert {step.after for step in plan.steps if isinstance(step, RemoveContainer)} == {()}


def test_a_network_that_is_made_anew_waits_for_no_replica() -> None:
    networks = (("data", True), ("default", True))
    wanted = replace(changed(ws={"environment": (("A", "b"),)}), networks=networks)
    world = Simulator().converge()
    removed = [step for step in world.plan(wanted).steps if isinstance(step, RemoveContainer)]
    assert {step.after for step in removed} == {()}
    assert keys(world.converge(wanted).plan(wanted)) == []


def test_what_is_no_longer_there_goes_with_its_network() -> None:
    wanted = replace(without("ws", "db", "api"), networks=(("default", False),), routes=())
    made = keys(Simulator().converge().plan(wanted))
    assert set(made) == {
        f"remove container shop-{n}" for n in ("api-1", "ws-1", "ws-2", "db-1")
    } | {"remove network data"}
    assert made[-1] == "remove network data"


def test_volumes_of_what_is_gone_stay() -> None:
    plan = Simulator().converge().plan(replace(without("db", "ws", "api"), volumes=(), routes=()))
    assert not [step for step in plan.steps if isinstance(step, RemoveVolume)]


@pytest.mark.parametrize(
    ("replicas", "wanted"),
    [(1, ["remove container shop-ws-2"]), (3, ["start shop-ws-3"]), (2, [])],
)
def test_replicas(replicas: int, wanted: list[str]) -> None:
    assert keys(Simulator().converge().plan(changed(ws={"replicas": replicas}))) == wanted


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("exited", ["start shop-db-1"]),
        ("created", ["remove container shop-db-1", "start shop-db-1"]),
        ("dead", ["remove container shop-db-1", "start shop-db-1"]),
        ("paused", ["start shop-db-1"]),
        ("restarting", ["remove container shop-db-1", "start shop-db-1"]),
    ],
)
def test_a_container_that_does_not_run(state: str, wanted: list[str]) -> None:
    assert keys(with_state(state, "shop-db-1").plan()) == wanted


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "shop-old"}, "its name or its labels were changed"),
        ({"number": 0}, "its name or its labels were changed"),
        ({"networks": frozenset({"other"})}, "it was disconnected from a network"),
        ({"published": frozenset({(8080, 80)})}, ""),  # more than it needs
    ],
)
def test_a_container_that_somebody_changed_is_made_anew(
    change: Mapping[str, object], why: str
) -> None:
    world = Simulator().converge()
    world._keep(
        replace(seen, **change) if seen.service == "db" else seen  # type: ignore[arg-type]
        for seen in world.running.containers
    )
    removals = [step for step in world.plan().steps if isinstance(step, RemoveContainer)]
    assert [step.why for step in removals] == ([why] if why else [])
    assert keys(world.converge().plan()) == []
    assert "shop-db-1" in {seen.name for seen in world.running.containers}


def test_a_volume_that_is_gone_is_made_anew_for_who_mounted_it() -> None:
    world = Simulator().converge()
    world.running = replace(world.running, volumes=frozenset())
    made = keys(world.plan())
    assert made == ["remove container shop-db-1", "create volume db", "start shop-db-1"]
    assert keys(world.converge().plan()) == []


def test_a_network_that_became_internal_is_made_anew_with_all_on_it() -> None:
    world = Simulator().converge()
    wanted = replace(SHOP, networks=(("data", True), ("default", True)))
    after = orders(world.plan(wanted).steps)
    assert after["create network default"] == ("remove network default",)
    assert "remove container shop-db-1" not in after
    assert keys(world.converge(wanted).plan(wanted)) == []


def test_a_new_build_context_makes_image_and_container_anew() -> None:
    world = Simulator().converge()
    world.contexts = {"api": "context-2"}
    assert keys(world.plan()) == [
        "image shop-api",
        "remove container shop-api-1",
        "start shop-api-1",
    ]


def test_an_image_that_was_pulled_anew_is_used() -> None:
    world = Simulator().converge()
    images = {**world.running.images, "ws:1": SeenImage("another")}
    world.running = replace(world.running, images=images)
    assert "remove container shop-ws-2" in keys(world.plan())


def test_two_services_of_one_image_fetch_it_once() -> None:
    other = Container("other", "ws:1")
    made = keys(Simulator().plan(replace(SHOP, containers=(*SHOP.containers, other))))
    assert made.count("image ws:1") == 1


def test_two_services_of_one_image_that_was_removed_are_made_anew() -> None:
    shop = replace(SHOP, containers=(*SHOP.containers, Container("other", "ws:1")))
    world = Simulator().converge(shop)
    left = {name: image for name, image in world.running.images.items() if name != "ws:1"}
    world.running = replace(world.running, images=left)
    assert "remove container shop-other-1" in keys(world.plan(shop))


@pytest.mark.parametrize(
    ("current", "loaded", "is_placed"),
    [(True, True, False), (False, True, True), (True, False, True), (False, False, True)],
)
def test_the_configuration_is_placed_unless_current_and_loaded(
    current: bool, loaded: bool, is_placed: bool
) -> None:
    flags = {"is_config_current": current, "is_config_loaded": loaded}
    plan = Simulator().converge().plan(SHOP, None, **flags)
    found = [step.container_id for step in plan.steps if isinstance(step, PlaceConfig)]
    assert [bool(container) for container in found] == [True] * is_placed


def test_without_a_running_nginx_nothing_is_reloaded() -> None:
    (step,) = [step for step in Simulator().plan().steps if isinstance(step, PlaceConfig)]
    assert step.container_id is None


def test_only_touches_nothing_else() -> None:
    world = with_state("exited", "shop-ws-1")
    world.running = replace(world.running, networks={**world.running.networks, "old": False})
    wanted = changed(db={"user": "1"}, ws={"user": "1"}, api={"user": "1"})
    made = keys(world.plan(wanted, None, only=["db"]))
    assert made == ["remove container shop-db-1", "start shop-db-1"]


def test_only_brings_what_it_needs() -> None:
    made = keys(Simulator().plan(SHOP, None, only=["api"]))
    started = {key for key in made if key.startswith("start")}
    assert started == {"start shop-nginx-1", "start shop-api-1", "start shop-db-1"}


def test_a_volume_without_a_name_goes_on_in_the_next_container() -> None:
    world, volumes = Simulator().converge(), {"shop-ws-1": "e" * 64, "shop-ws-2": "f" * 64}
    world._keep(
        replace(seen, anonymous=(("/cache", volumes.get(seen.name, "d" * 64)),))
        for seen in world.running.containers
    )
    steps = world.plan(changed(ws={"user": "1"})).steps
    runs = {step.key.name: step.inherited for step in steps if isinstance(step, RunContainer)}
    assert runs == {name: (("/cache", volume),) for name, volume in volumes.items()}


def test_a_volume_without_a_name_that_was_left_goes_on_too() -> None:
    old, new = ("e" * 64, "f" * 64)
    left = [AnonymousVolume("ws", 2, "/cache", old), AnonymousVolume("ws", 2, "/cache", new)]
    left += [AnonymousVolume("ws", 0, "/cache", old), AnonymousVolume("gone", 1, "/cache", old)]
    world = Simulator(Running(left=tuple(left)))
    runs = [step for step in world.plan().steps if isinstance(step, RunContainer)]
    assert {step.key.name: step.inherited for step in runs if step.inherited} == {
        "shop-ws-2": (("/cache", new),)
    }


def test_down_with_volumes_removes_each_without_a_name_once() -> None:
    running = Simulator().converge().running
    seen = [replace(one, anonymous=(("/cache", "f" * 64),)) for one in running.containers]
    left = (AnonymousVolume("gone", 1, "/cache", "e" * 64),)
    running = replace(running, containers=(), one_offs=tuple(seen), left=left)
    found = [
        step.volume
        for step in plan_down(running, volumes=True).steps
        if isinstance(step, RemoveAnonymous)
    ]
    assert found == ["e" * 64, "f" * 64]


def test_down_takes_what_was_run_once_too() -> None:
    running = Simulator().converge().running
    once = replace(running.containers[0], id="once", name="shop-ws-run-1")
    steps = plan_down(replace(running, one_offs=(once,)), volumes=False).steps
    assert "remove container shop-ws-run-1" in orders(steps)


@pytest.mark.parametrize("volumes", [True, False])
def test_down_removes_all_but_volumes(volumes: bool) -> None:
    world = Simulator().converge()
    for step in plan_down(world.running, volumes=volumes).steps:
        world.apply(step)
    assert (world.running.containers, world.running.networks) == ((), {})
    assert world.running.volumes == (frozenset() if volumes else {"db"})


def test_down_takes_containers_before_what_they_use() -> None:
    left = (AnonymousVolume("ws", 1, "/cache", "f" * 64),)
    running = replace(Simulator().converge().running, left=left)
    steps = plan_down(running, volumes=True).steps
    removals = {step.key for step in steps if isinstance(step, RemoveContainer)}
    rest = [step for step in steps if not isinstance(step, RemoveContainer)]
    assert all(set(step.after) == removals for step in rest)


def test_down_of_nothing_is_nothing() -> None:
    assert plan_down(Running(), volumes=True).steps == ()


def test_restart_takes_one_replica_after_another_and_asks_each() -> None:
    plan = plan_restart(SHOP, Simulator().converge().running, ["ws"])
    restarts = orders(step for step in plan.steps if isinstance(step, RestartContainer))
    waits = orders(step for step in plan.steps if isinstance(step, AwaitReady))
    assert restarts == {"restart shop-ws-1": (), "restart shop-ws-2": ("ready shop-ws-1",)}
    assert waits == {
        "ready shop-ws-1": ("restart shop-ws-1",),
        "ready shop-ws-2": ("restart shop-ws-2",),
    }


def test_what_was_running_but_never_answered_is_waited_for() -> None:
    world = with_state("running", "shop-db-1")  # running, but not seen as healthy
    plan = world.plan()
    assert [str(s.key) for s in plan.steps if isinstance(s, AwaitReady)] == ["ready shop-db-1"]


def test_split_parts_the_plan() -> None:
    plan = Simulator().plan()
    images, rest = plan.split(MakeImage)
    assert {type(step) for step in images.steps} == {MakeImage}
    assert len(images.steps) + len(rest.steps) == len(plan.steps)
    known = {step.key for step in rest.steps}
    assert all(set(step.after) <= known for step in rest.steps)


WORLDS = [
    SHOP,
    changed(db={"user": "1"}, ws={"replicas": 4}),
    changed(ws={"replicas": 1}, api={"image": "api:2", "build": None}),
    replace(without("ws"), networks=(("data", True), ("default", True))),
    replace(without("api", "ws", "db"), networks=(("default", False),), volumes=(), routes=()),
]


def run_some(world: Simulator, steps: Sequence[Step], data: st.DataObject) -> None:
    """Apply any steps whose dependencies are done, in any order, and stop anywhere."""
    done = set[Key]()
    waiting = list(steps)
    for _ in range(data.draw(st.integers(0, len(steps)))):
        able = [step for step in waiting if done.issuperset(step.after)]
        step = data.draw(st.sampled_from(able))
        world.apply(step)
        waiting.remove(step)
        done.add(step.key)


def rename_all(world: Simulator, data: st.DataObject) -> None:
    """Hand the names of all containers round, as somebody may do by hand."""
    seen = world.running.containers
    names = data.draw(st.permutations([one.name for one in seen]))
    world._keep(replace(one, name=name) for one, name in zip(seen, names, strict=True))


@given(st.data())
@settings(max_examples=examples(150), deadline=None)
def test_wherever_runs_end_the_next_one_converges(data: st.DataObject) -> None:
    world = Simulator()
    for topology in data.draw(st.lists(st.sampled_from(WORLDS), max_size=3)):
        run_some(world, world.plan(topology).steps, data)
        if data.draw(st.booleans()):
            rename_all(world, data)
    wanted = data.draw(st.sampled_from(WORLDS))
    world.converge(wanted)
    assert keys(world.plan(wanted)) == []
    straight = Simulator().converge(wanted)
    assert world.shape() == straight.shape()
    assert world.running.volumes >= straight.running.volumes
