"""Whatever ends `stack up`, and whoever else runs it, the next one makes the whole of it."""

import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from stack.layout.images import Source
from stack.project.state import State
from tests.integration.projects import (
    REALTIME,
    SITE,
    STACK,
    WS_ROUTE,
    Project,
    environment,
    labelled,
    project_in,
    remove_labelled,
)

SERVICES = {
    **SITE,
    "redis": REALTIME["redis"],
    "ws": {"preset": "realtime", "needs": ["redis"]},
}
ROUTES = {"/": "site", **WS_ROUTE}
MOMENTS = random.Random(7)  # of the time that an undisturbed `up` takes
KILLS = sorted(MOMENTS.uniform(0.1, 1.0) for _ in range(10))
INTERRUPTS = sorted(MOMENTS.uniform(0.2, 0.8) for _ in range(4))
ENDINGS = {
    signal.SIGINT: (130, "error: interrupted"),
    signal.SIGTERM: (143, "error: terminated"),
}
WITH_POSTGRES = KILLS[2::4]  # its first start takes long, so only some


@pytest.fixture(scope="module")
def lean(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: Source,
) -> Iterator[tuple[Project, float]]:
    """A project that was up once, and the seconds that this took."""
    with project_in(docker_client, tmp_path_factory.mktemp("lean"), source) as project:
        project.write(SERVICES, ROUTES)
        project.stack("up")  # makes images
        remove_labelled(docker_client, project.name)
        begun = time.monotonic()
        project.stack("up")
        yield project, time.monotonic() - begun


@pytest.mark.parametrize("moment", KILLS, ids="{:.2f}".format)
def test_a_killed_up_is_made_good_by_the_next(lean: tuple[Project, float], moment: float) -> None:
    project, seconds = lean
    more = {"postgres": REALTIME["postgres"]} if moment in WITH_POSTGRES else {}
    project.write(SERVICES | more, ROUTES)
    remove_labelled(project.client, project.name)
    with begun(project) as process:
        end_at(process, moment * seconds, signal.SIGKILL)
    project.stack("up")
    assert shape(project) == expected(project, *more)


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: str(number.name))
@pytest.mark.parametrize("moment", INTERRUPTS, ids="{:.2f}".format)
def test_an_up_that_is_told_to_end_leaves_nothing_half_done(
    lean: tuple[Project, float], moment: float, number: signal.Signals
) -> None:
    project, seconds = lean
    project.write(SERVICES, ROUTES)
    remove_labelled(project.client, project.name)
    with begun(project) as process:
        end_at(process, moment * seconds, number)
        _, said = process.communicate(timeout=60)
    left, whole = shape(project)["containers"], expected(project)["containers"]
    check_ending(process.returncode, number, said)
    if process.returncode == -number:  # Python was starting, or ending
        assert left in ({}, whole)
    assert left.items() <= whole.items()
    project.stack("up")
    assert shape(project) == expected(project)


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: str(number.name))
@pytest.mark.parametrize("moment", INTERRUPTS, ids="{:.2f}".format)
def test_a_down_that_is_told_to_end_goes_on_when_asked_again(
    lean: tuple[Project, float], moment: float, number: signal.Signals
) -> None:
    project, _ = lean
    project.write(SERVICES, ROUTES)
    project.stack("up")
    with begun(project, "down") as process:
        end_at(process, moment, number)
        _, said = process.communicate(timeout=60)
    check_ending(process.returncode, number, said)
    project.stack("down")
    left = shape(project)
    assert (left["containers"], left["networks"]) == ({}, [])
    assert left["volumes"] == [f"{project.name}_redis"]


def check_ending(code: int, number: signal.Signals, said: str) -> None:
    """See that a command that was told to end said so; 0: it had come to its end before."""
    assert code in {ENDINGS[number][0], 0, -number}, said
    assert code != ENDINGS[number][0] or ENDINGS[number][1] in said
    assert "Traceback" not in said


def test_an_up_waits_for_another(lean: tuple[Project, float]) -> None:
    project, _ = lean
    remove_labelled(project.client, project.name)
    lock = project.state / "lock"
    with begun(project) as first:
        wait_for(lambda: lock.exists() and str(first.pid) in lock.read_text())
        first.send_signal(signal.SIGSTOP)  # it must not end before the second one asks
        with begun(project) as second:
            assert second.stdout
            assert f"waiting for process {first.pid}" in second.stdout.readline()
            first.send_signal(signal.SIGCONT)
            said = [process.communicate(timeout=60) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert "is up to date" in said[1][0]
    assert shape(project) == expected(project)


def test_who_waits_in_vain_is_told_for_whom(project: Project) -> None:
    project.write(SITE, {"/": "site"})
    with State(project.folder, project.name).lock(1, lambda _: None):
        holder = (project.state / "lock").read_text()
        said = project.fails("up", "--timeout", "0.2")
    assert f"{holder} is still running here" in said
    assert project.containers() == []


def test_the_lock_of_a_killed_command_is_free(project: Project) -> None:
    project.write(SITE, {"/": "site"})
    with begun(project) as process:
        lock = project.state / "lock"
        wait_for(lambda: lock.exists() and str(process.pid) in lock.read_text())
        process.kill()
    assert "waiting" not in project.stack("up", "--timeout", "30")


def begun(project: Project, command: str = "up") -> subprocess.Popen[str]:
    """Start `stack up`, and do not wait for it."""
    return subprocess.Popen(
        [STACK, command],
        cwd=project.folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_at(process: subprocess.Popen[str], seconds: float, number: signal.Signals) -> None:
    """Send a signal when the process is so old, unless it has ended before."""
    timer = threading.Timer(seconds, process.send_signal, [number])
    timer.start()
    timer.join()


def wait_for(condition: Any) -> None:
    """Return when the condition holds; at most 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def expected(project: Project, *more: str) -> dict[str, Any]:
    """Give the shape of the whole project, with more services than the lean ones."""
    name = project.name
    default, data = f"{name}_default", f"{name}_data"
    joined = {"nginx": {default}, "redis": {data}, "ws": {default, data}, "postgres": {data}}
    services = ["nginx", "redis", "ws", *more]
    return {
        "containers": {f"{name}-{each}-1": ("running", joined[each]) for each in services},
        "networks": sorted([data, default]),
        "volumes": sorted(f"{name}_{each}" for each in ["redis", *more]),
    }


def shape(project: Project) -> dict[str, Any]:
    """Give what there is of a project, but for what differs from one making to the next."""
    client, mine = project.client, labelled(project.name)
    return {
        "containers": {
            str(each.name): (each.status, {*each.attrs["NetworkSettings"]["Networks"]})
            for each in project.containers()
        },
        "networks": sorted(str(each.name) for each in client.networks.list(filters=mine)),
        "volumes": sorted(str(each.name) for each in client.volumes.list(filters=mine)),
    }
