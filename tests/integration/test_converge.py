"""`stack up` brings about what stack.yaml says, and touches nothing besides."""

from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from stack.engines.docker.request import PROJECT
from tests.integration.projects import SITE, Project, echo_service, labelled, remove_labelled

ROUTES = {"/": "site", "/echo": "echo"}
REDIS = {"redis": {"preset": "redis"}}


@pytest.fixture
def write(project: Project, python_image: str) -> Callable[..., None]:
    """Write a project of nginx, the echo service with what is given, and more services."""

    def _write(more: dict[str, Any] | None = None, **echo: Any) -> None:
        services = {**SITE, "echo": echo_service(python_image, **echo), **(more or {})}
        project.write(services, ROUTES)

    return _write


@pytest.fixture
def stranger(docker_client: docker.DockerClient, project: Project) -> Iterator[str]:
    """The name of another project, which begins like ours."""
    name = f"{project.name}-x"
    yield name
    remove_labelled(docker_client, name)


def test_a_second_up_changes_nothing(project: Project, write: Callable[..., None]) -> None:
    write(REDIS, replicas=2)
    project.stack("up")
    before = identities(project)
    assert "up to date" in project.stack("up")
    assert identities(project) == before


def test_only_what_changed_is_made_anew(project: Project, write: Callable[..., None]) -> None:
    write(REDIS)
    project.stack("up")
    before = identities(project)
    write(REDIS, env={"COLOUR": "blue"})
    project.stack("up")
    assert changed(before, project) == {"echo-1"}
    assert "COLOUR=blue" in project.container("echo").attrs["Config"]["Env"]


def test_a_changed_env_file_is_applied(project: Project, write: Callable[..., None]) -> None:
    settings = project.folder / "own.env"
    settings.write_text("COLOUR=blue\n")
    write(env_file="own.env")
    project.stack("up")
    before = identities(project)
    settings.write_text("COLOUR=red\n")
    project.stack("up")
    assert changed(before, project) == {"echo-1"}
    assert "COLOUR=red" in project.container("echo").attrs["Config"]["Env"]


def test_a_removed_service_goes_and_its_data_stay(
    project: Project, write: Callable[..., None]
) -> None:
    write(REDIS)
    project.stack("up")
    before = identities(project)
    write()
    project.stack("up")
    assert changed(before, project) == {"redis-1"}
    assert project.containers("redis") == []
    assert networks(project) == {f"{project.name}_default"}
    assert volumes(project) == {f"{project.name}_redis"}


def test_replicas_come_and_go(project: Project, write: Callable[..., None]) -> None:
    write()
    project.stack("up")
    before = identities(project)
    write(replicas=3)
    project.stack("up")
    assert changed(before, project) == {"echo-2", "echo-3"}
    write(replicas=1)
    project.stack("up")
    assert changed(before, project) == set()


def test_what_was_killed_starts_again(project: Project, write: Callable[..., None]) -> None:
    write()
    project.stack("up")
    before = identities(project)
    killed = project.container("echo")
    killed.kill()
    project.stack("up")
    assert changed(before, project) == {"echo-1"}
    assert project.container("echo").id == killed.id


def test_what_was_never_started_is_made_anew(
    project: Project, write: Callable[..., None], docker_client: docker.DockerClient
) -> None:
    """An `up` that was killed between create and start leaves a container without its networks."""
    write(REDIS, needs=["redis"])
    project.stack("up")
    whole = project.container("echo")
    half_made(docker_client, whole)
    project.stack("up")
    attached = project.container("echo").attrs["NetworkSettings"]["Networks"]
    assert attached.keys() == {f"{project.name}_default", f"{project.name}_data"}


def test_a_network_that_was_pruned_comes_back(project: Project, write: Callable[..., None]) -> None:
    write(REDIS)
    project.stack("up")
    before = identities(project)
    for each in project.containers():
        each.stop(timeout=1)
    project.client.networks.get(f"{project.name}_data").remove()
    project.stack("up")
    assert changed(before, project) == {"nginx-1", "echo-1", "redis-1"}
    assert project.container("nginx").id == before["nginx-1"][0]
    assert project.container("redis").id != before["redis-1"][0]


def test_what_belongs_to_others_is_left_alone(
    project: Project, write: Callable[..., None], stranger: str, python_image: str
) -> None:
    write(REDIS)
    project.stack("up")
    theirs = belongings(project.client, stranger, python_image)
    write()
    project.stack("up")
    project.stack("down", "--volumes", "--yes")
    for each in theirs:
        each.reload()  # raises NotFound if it is gone
    assert theirs[0].status == "running"


def test_a_volume_of_another_project_is_not_taken(
    project: Project, write: Callable[..., None], stranger: str
) -> None:
    """Project a_b with volume c and project a with volume b_c make the same name."""
    write(REDIS)
    mine = f"{project.name}_redis"
    project.client.volumes.create(mine, labels={PROJECT: stranger})
    said = project.fails("up")
    assert f"in use by the Docker Compose project {stranger}: volume {mine}" in said


def identities(project: Project) -> dict[str, tuple[str, str]]:
    """Give what tells a container from one made anew or restarted, by its short name."""
    return {
        str(each.name).removeprefix(f"{project.name}-"): (
            str(each.id),
            each.attrs["State"]["StartedAt"],
        )
        for each in project.containers()
    }


def changed(before: dict[str, tuple[str, str]], project: Project) -> set[str]:
    """Give the containers that came, went or were started since."""
    now = identities(project)
    return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


def networks(project: Project) -> set[str]:
    return {str(each.name) for each in project.client.networks.list(filters=labelled(project.name))}


def volumes(project: Project) -> set[str]:
    return {str(each.name) for each in project.client.volumes.list(filters=labelled(project.name))}


def belongings(client: docker.DockerClient, name: str, image: str) -> list[Any]:
    """Make a running container, a network and a volume of another project."""
    labels = {PROJECT: name}
    sleep = ["sleep", "600"]
    return [
        client.containers.run(image, sleep, name=f"{name}-1", labels=labels, detach=True),
        client.containers.create(image, sleep, name=f"{name}-echo-1", labels=labels),
        client.networks.create(f"{name}_default", labels=labels),
        client.volumes.create(f"{name}_redis", labels=labels),
    ]


def half_made(client: docker.DockerClient, whole: Container) -> None:
    """Put in the place of a container one with the same labels that was only created."""
    name, labels, image = whole.name, whole.labels, whole.attrs["Config"]["Image"]
    whole.remove(force=True)
    network = f"{labels[PROJECT]}_default"
    client.containers.create(image, ["sleep", "60"], name=name, labels=labels, network=network)
