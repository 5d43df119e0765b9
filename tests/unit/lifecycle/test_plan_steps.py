"""What each step waits for, and what was changed by hand: a container, a network, a port."""

from dataclasses import replace

import pytest

from stack.config.model import Ready
from stack.engines.running import AnonymousVolume, SeenContainer, shown
from stack.engines.steps import (
    AwaitReady,
    AwaitRoute,
    MakeImage,
    PlaceConfig,
    RemoveContainer,
    RestartContainer,
    StartContainer,
)
from stack.layout.topology import Container
from stack.lifecycle.plan import is_silent, plan_down, plan_restart
from tests.unit.plan_world import SHOP, Simulator, changed, keys, orders, with_state


def seen_otherwise(name: str, **changes: object) -> Simulator:
    """Give the settled shop, with one container that is seen in another way."""
    world = Simulator().converge()
    world._keep(
        replace(seen, **changes) if seen.name == name else seen  # type: ignore[arg-type]
        for seen in world.running.containers
    )
    return world


def reasons(world: Simulator) -> dict[str, str]:
    """Say why each container is removed."""
    steps = [step for step in world.plan().steps if isinstance(step, RemoveContainer)]
    return {step.seen.name: step.why for step in steps}


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("shop-nginx-1", {"published": frozenset({(8081, 8080)})}, "the engine lost its port"),
        ("shop-nginx-1", {"published": frozenset()}, "the engine lost its port"),
        ("shop-ws-1", {"networks": frozenset({"default"})}, "it was disconnected from a network"),
        ("shop-ws-2", {"state": "restarting"}, "it is restarting"),
        ("shop-ws-2", {"state": "created"}, "it is created"),
    ],
)
def test_what_was_changed_by_hand_is_made_anew(
    name: str, changes: dict[str, object], why: str
) -> None:
    assert reasons(seen_otherwise(name, **changes)) == {name: why}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("shop-nginx-1", {"published": frozenset({(8080, 8080), (9, 9)})}),
        ("shop-nginx-1", {"published": None}),
        ("shop-ws-1", {"networks": frozenset({"default", "data", "more"})}),
        ("shop-ws-1", {"networks": None}),
    ],
)
def test_what_is_as_it_was_made_stays(name: str, changes: dict[str, object]) -> None:
    assert keys(seen_otherwise(name, **changes).plan()) == []


def test_a_lost_network_replaces_those_on_it_and_comes_first() -> None:
    world = Simulator().converge()
    world.running = replace(world.running, networks={"default": False})
    assert set(reasons(world)) == {"shop-api-1", "shop-ws-1", "shop-ws-2", "shop-db-1"}
    assert set(reasons(world).values()) == {"data is gone or changed"}
    after = orders(world.plan().steps)
    assert all("create network data" in after[f"start {name}"] for name in reasons(world))


def test_a_lost_volume_replaces_those_that_mount_it_and_comes_first() -> None:
    world = Simulator().converge()
    world.running = replace(world.running, volumes=frozenset())
    assert reasons(world) == {"shop-db-1": "db is gone or changed"}
    assert "create volume db" in orders(world.plan().steps)["start shop-db-1"]


def test_a_folder_is_no_volume_that_could_be_lost() -> None:
    api = {"mounts": (replace(SHOP.container("db").mounts[0], source="./db"),)}
    wanted = changed(api=api)
    assert keys(Simulator().converge(wanted).plan(wanted)) == []


def test_only_the_front_waits_for_its_configuration() -> None:
    after = orders(Simulator().plan().steps)
    waiting = {step for step, first in after.items() if "configure nginx" in first}
    assert waiting == {"start shop-nginx-1", "route /", "route /x"}


def test_a_container_is_asked_once_it_runs_the_front_runs_and_its_needs_answer() -> None:
    after = orders(Simulator().plan().steps)
    assert after["ready shop-ws-1"] == (
        "start shop-ws-1",
        "start shop-nginx-1",
        "ready shop-db-1",
    )
    assert after["ready shop-nginx-1"] == ("start shop-nginx-1",)


def test_a_route_is_proved_once_the_front_and_its_service_answer() -> None:
    after = orders(Simulator().plan().steps)
    assert after["route /"] == ("configure nginx", "ready shop-nginx-1", "ready shop-api-1")
    assert after["route /x"] == ("configure nginx", "ready shop-nginx-1")


@pytest.mark.parametrize("state", ["exited", "paused"])
def test_a_front_that_does_not_run_needs_no_reload(state: str) -> None:
    world = with_state(state, "shop-nginx-1")
    assert not [s for s in world.plan(is_config_loaded=False).steps if isinstance(s, PlaceConfig)]


def test_a_configuration_that_is_not_loaded_is_put_in_place_again() -> None:
    world = Simulator().converge()
    (step,) = world.plan(is_config_loaded=False).changes
    assert isinstance(step, PlaceConfig)
    assert step.container_id == front_of(world).id


def front_of(world: Simulator) -> SeenContainer:
    return next(seen for seen in world.running.containers if seen.service == "nginx")


def test_with_some_services_only_no_network_is_made_anew() -> None:
    world = Simulator().converge()
    world.running = replace(world.running, networks={"default": False, "data": False})
    assert "remove network data" in keys(world.plan())
    assert "remove network data" not in keys(world.plan(only=["api"]))


@pytest.mark.parametrize("way", ["probe", "ready", "healthcheck"])
def test_a_container_that_can_be_asked_is_not_silent(way: str) -> None:
    said = {"probe": "ask", "ready": Ready(tcp=1), "healthcheck": ("CMD", "true")}[way]
    assert is_silent(Container("job", "i"))
    assert not is_silent(replace(Container("job", "i"), **{way: said}))  # type: ignore[arg-type]


@pytest.mark.parametrize(("service", "is_built"), [("api", True), ("ws", False)])
def test_only_an_image_of_a_dockerfile_can_be_left_behind(service: str, is_built: bool) -> None:
    world, wanted = Simulator().converge(), changed(**{service: {"user": "9"}})
    steps = [step for step in world.plan(wanted).steps if isinstance(step, RemoveContainer)]
    assert {step.is_built for step in steps} == {is_built}


def test_a_network_is_removed_only_after_the_containers_on_it() -> None:
    world = Simulator().converge()
    networks = {**world.running.networks, "default": True}
    world.running = replace(world.running, networks=networks)
    steps = world.plan().steps
    removals = {str(step.key) for step in steps if isinstance(step, RemoveContainer)}
    assert removals
    assert set(orders(steps)["remove network default"]) == removals


def test_a_restart_acts_on_the_replica_that_its_step_names() -> None:
    running = Simulator().converge().running
    steps = plan_restart(SHOP, running, ["ws"]).steps
    restarts = [step for step in steps if isinstance(step, RestartContainer)]
    waits = [step for step in steps if isinstance(step, AwaitReady)]
    assert [step.seen for step in restarts] == list(running.of("ws"))
    wanted = SHOP.container("ws")
    assert [(step.container, step.number) for step in waits] == [(wanted, 1), (wanted, 2)]


def test_only_a_dockerfile_with_an_unknown_context_is_built_in_any_case() -> None:
    def forced(contexts: dict[str, str]) -> set[str]:
        steps = Simulator(contexts=contexts).plan().steps
        return {s.container.service for s in steps if isinstance(s, MakeImage) and s.is_forced}

    assert forced({"api": ""}) == {"api"}
    assert forced({}) == {"api"}
    assert forced({"api": "context-1"}) == set()


def test_each_step_of_down_is_named_by_what_it_removes() -> None:
    running = replace(
        Simulator().converge().running, left=(AnonymousVolume("ws", 1, "/c", "f" * 64),)
    )
    steps = plan_down(running, volumes=True).steps
    assert {str(s.key) for s in steps if not isinstance(s, RemoveContainer)} == {
        "remove network data",
        "remove network default",
        "remove volume db",
        f"remove volume {shown('f' * 64)}",
    }


def test_a_stopped_container_starts_again_only_once_its_needs_answer() -> None:
    steps = with_state("exited", "shop-api-1", "shop-db-1").plan().steps
    starts = {str(step.key): step.seen.name for step in steps if isinstance(step, StartContainer)}
    assert starts["start shop-api-1"] == "shop-api-1"
    assert "ready shop-db-1" in orders(steps)["start shop-api-1"]


def test_a_container_that_runs_and_cannot_be_asked_is_not_waited_for() -> None:
    assert "ready shop-api-1" not in orders(with_state("running", "shop-api-1").plan().steps)


def test_each_route_is_proved_as_itself() -> None:
    steps = Simulator().plan().steps
    assert [step.route for step in steps if isinstance(step, AwaitRoute)] == list(SHOP.routes)


def test_a_name_is_free_before_the_container_that_gets_it_starts() -> None:
    world = Simulator().converge()
    world._keep(
        replace(seen, number=7) if seen.name == "shop-db-1" else seen
        for seen in world.running.containers
    )
    assert "remove container shop-db-1" in orders(world.plan().steps)["start shop-db-1"]


def test_two_replicas_that_are_new_take_the_place_of_both_once() -> None:
    plan = Simulator().converge().plan(changed(ws={"user": "1"}))
    assert keys(plan) == [
        "remove container shop-ws-1", "start shop-ws-1",
        "remove container shop-ws-2", "start shop-ws-2",
    ]  # fmt: skip


def test_an_image_that_was_built_by_another_tool_is_built_again_when_asked() -> None:
    world = Simulator(contexts={"api": ""}).converge()
    assert world.running.images["shop-api"].context == ""  # no label says what it was built from
    assert "image shop-api" in keys(world.plan())
