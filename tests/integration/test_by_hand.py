"""Whatever somebody did to a running stack by hand, `up` heals it or says the exact next step."""

import shutil
import time

import docker
import httpx
import pytest

from stack.engines.running import shown
from tests.integration.conftest import Neighbour
from tests.integration.hands import HANDS, Hand, cut_from_network, pause, pause_the_front, rename
from tests.integration.projects import SITE, Project, compose
from tests.integration.storing import STORED, kept


@pytest.mark.parametrize("change", HANDS)
def test_up_heals_it(owner: Project, change: Hand) -> None:
    change(owner)
    owner.stack("up")
    assert {str(one.name).removeprefix(f"{owner.name}-") for one in owner.containers()} == {
        "nginx-1",
        "redis-1",
    }
    assert {one.status for one in owner.containers()} == {"running"}
    assert httpx.get(owner.url).text == "<p>the static page</p>\n"
    assert kept(owner) == "yes"
    assert "is up to date" in owner.stack("up")


def test_a_store_that_is_frozen_is_told_with_the_next_step(owner: Project) -> None:
    owner.container("redis").kill("SIGSTOP")
    until_unhealthy(owner)
    assert "stack restart redis" in owner.fails("up", "--timeout", "3")
    owner.stack("restart", "redis")
    assert "is up to date" in owner.stack("up")


@pytest.mark.parametrize("change", [pause, pause_the_front, rename, cut_from_network])
def test_down_removes_it_whatever_was_done(project: Project, change: Hand) -> None:
    project.write(STORED, {"/": "site"})
    project.stack("up")
    change(project)
    project.stack("down")
    assert project.containers() == []


def test_a_volume_that_was_removed_is_made_anew(project: Project) -> None:
    project.write(STORED, {"/": "site"})
    project.stack("up")
    project.container("redis").remove(force=True)
    project.client.volumes.get(f"{project.name}_redis").remove()
    project.stack("up")
    assert project.client.volumes.get(f"{project.name}_redis")
    assert "is up to date" in project.stack("up")


def test_a_network_made_anew_by_hand_is_told_with_the_next_step(project: Project) -> None:
    project.write(STORED, {"/": "site"})
    project.stack("up")
    project.stack("down")
    project.client.networks.create(f"{project.name}_data", internal=True)
    said = project.fails("up")
    assert f"network {project.name}_data" in said
    assert "stack adopt" in said
    project.stack("adopt", "--yes")
    project.stack("up")
    assert "is up to date" in project.stack("up")


@pytest.mark.parametrize("number", ["two", "-1", "", "1e3", "\u0661"])
def test_a_label_that_is_no_number_is_no_bug(
    project: Project, python_image: str, number: str
) -> None:
    project.write(STORED, {"/": "site"})
    project.stack("up")
    redis = project.container("redis")
    labels = {**redis.labels, "com.docker.compose.container-number": number}
    odd = project.client.containers.create(python_image, labels=labels)
    assert str(odd.name) in project.run("status").stdout
    project.stack("up")
    with pytest.raises(docker.errors.NotFound):
        odd.reload()


SLEEP = ["sh", "-c", "trap exit TERM; sleep 1000 & wait"]  # ends when it is told to
ANONYMOUS = "FROM {base}\nVOLUME /data /gone\n"


def test_data_in_a_volume_without_a_name_outlives_a_new_container(
    project: Project, python_image: str
) -> None:
    folder = project.folder / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text(ANONYMOUS.format(base=python_image))
    app = {
        "build": "./app",
        "command": SLEEP,
        "port": 80,
        "ready": {"command": ["true"]},
    }
    project.write({**SITE, "app": app}, {"/": "site"})
    project.stack("up")
    project.stack("exec", "app", "sh", "-c", "echo mine > /data/mine")
    project.write({**SITE, "app": {**app, "env": {"A": "1"}}}, {"/": "site"})
    project.stack("up")
    assert project.stack("exec", "app", "cat", "/data/mine") == "mine\n"
    project.container("app").rename(f"{project.name}-odd")
    project.stack("up")
    assert project.stack("exec", "app", "cat", "/data/mine") == "mine\n"
    assert "is up to date" in project.stack("up")
    said = project.stack("down")
    assert "volumes kept: 2 anonymous (stack down --volumes removes them)" in said
    assert "volumes kept: 2 anonymous" in project.stack("down")
    project.stack("up")
    assert project.stack("exec", "app", "cat", "/data/mine") == "mine\n"
    used = [one["Name"] for one in project.container("app").attrs["Mounts"]]
    project.stack("down")
    assert "delete all data in the volumes 2 anonymous" in project.fails(
        "down", "--volumes", code=2
    )
    project.stack("down", "--volumes", "--yes")
    assert len(used) == 2
    assert not {str(one.name) for one in project.client.volumes.list()}.intersection(used)


@pytest.fixture
def with_anonymous(project: Project, python_image: str) -> Project:
    """A project that runs, with data in a volume that nobody named."""
    (project.folder / "app").mkdir()
    (project.folder / "app" / "Dockerfile").write_text(ANONYMOUS.format(base=python_image))
    app = {"build": "./app", "command": SLEEP, "needs": ["redis"]}
    project.write({**STORED, "app": app}, {"/": "site"})
    project.stack("up")
    return project


def volumes_of(project: Project, service: str) -> list[str]:
    """Give what the engine calls the volumes of a container."""
    return sorted(
        one["Name"] for one in project.container(service).attrs["Mounts"] if "Name" in one
    )


def test_the_volumes_of_a_service_that_went_are_deleted_with_the_others(
    with_anonymous: Project,
) -> None:
    used = volumes_of(with_anonymous, "app")
    with_anonymous.write(STORED, {"/": "site"})
    with_anonymous.stack("up")
    assert "volumes kept: redis, 2 anonymous" in with_anonymous.stack("down")
    with_anonymous.stack("down", "--volumes", "--yes")
    assert not {str(one.name) for one in with_anonymous.client.volumes.list()}.intersection(used)
    assert "volumes kept" not in with_anonymous.stack("down")


def test_without_a_folder_to_remember_them_they_are_named(with_anonymous: Project) -> None:
    used = volumes_of(with_anonymous, "app")
    shutil.rmtree(with_anonymous.folder / ".stack")
    try:
        said = with_anonymous.stack("down")
        assert f"2 anonymous (docker volume rm {' '.join(used)} removes them)" in said
        assert not (with_anonymous.folder / ".stack").exists()
    finally:
        for name in used:
            with_anonymous.client.volumes.get(name).remove()


def test_a_volume_that_somebody_else_uses_is_told_with_the_step(
    with_anonymous: Project, neighbour: Neighbour
) -> None:
    used = volumes_of(with_anonymous, "app")
    names: dict[str, str] = {}
    for service in ("redis", "app"):
        ours = with_anonymous.container(service)
        other = neighbour("sleep", "99", volumes_from=[str(ours.name)]).get_wrapped_container()
        names |= dict.fromkeys(volumes_of(with_anonymous, service), str(other.name))
    for _ in range(2):
        said = with_anonymous.fails("down", "--volumes", "--yes")
        volume = next(name for name in names if f"volume {shown(name)}: is still used by" in said)
        assert f"is still used by {names[volume]}\n" in said
        assert f"hint: docker rm --force {names[volume]}\n" in said
        assert "hint: stack down --volumes\n" in said
        with_anonymous.client.containers.get(names[volume]).remove(force=True)
    with_anonymous.stack("down", "--volumes", "--yes")
    assert not {str(one.name) for one in with_anonymous.client.volumes.list()}.intersection(used)


def test_a_container_of_an_image_committed_from_ours_is_not_ours(project: Project) -> None:
    project.write(STORED, {"/": "site"})
    project.stack("up")
    image = project.container("redis").commit("it-committed", project.name)
    copy = project.client.containers.create(str(image.id))
    try:
        for command in (("up",), ("restart", "redis"), ("down", "--volumes", "--yes")):
            project.run(*command)
            copy.reload()  # it is still there
        said = project.fails("up")
        assert f"container {copy.name}" in said
        assert f"hint: docker rm --force {copy.name}\n" in said
        assert [one.name for one in project.containers()] == [copy.name]
    finally:
        copy.remove(force=True)
        project.client.images.remove(str(image.id))


def test_down_removes_what_compose_ran_once(project: Project) -> None:
    project.write(STORED, {"/": "site"})
    project.stack("up")
    file = str(project.state / "compose.yaml")
    compose(project, "--file", file, "run", "--detach", "--entrypoint", "", "redis", *SLEEP)
    assert "is up to date" in project.stack("up")
    project.stack("down")
    assert project.containers() == []


def until_unhealthy(owner: Project) -> None:
    """Return when the engine calls a frozen store unhealthy.

    If it was frozen before its first check, failures count only after the start period.
    """
    while owner.container("redis").health != "unhealthy":
        time.sleep(0.2)
