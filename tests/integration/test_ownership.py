"""A project is a name and a folder: what another one made is never touched."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from docker.errors import NotFound

from stack.layout import images
from stack.layout.images import Source
from tests.integration.projects import (
    Project,
    compose,
    free_port,
    remove_labelled,
)
from tests.integration.storing import STORED, belongings, clone_of, kept

COMMANDS = (
    ("up",),
    ("up", "--dry-run"),
    ("down",),
    ("down", "--volumes", "--yes"),
    ("restart",),
    ("exec", "redis", "true"),
    ("logs",),
    ("status",),
    ("doctor",),
    ("token",),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_another_clone_is_refused_and_told_what_to_do(
    owner: Project, tmp_path: Path, command: tuple[str, ...]
) -> None:
    before, clone = belongings(owner), clone_of(owner, tmp_path / "a clone")
    said = clone.fails(*command)
    assert f"name: {owner.name} is in use by the stack of {owner.folder}" in said
    assert f"cd {owner.folder} && stack down" in said
    assert belongings(owner) == before


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] not in {"up", "token"}])
def test_a_refused_look_leaves_no_file(
    owner: Project, tmp_path: Path, command: tuple[str, ...]
) -> None:
    clone = clone_of(owner, tmp_path / "clone")
    clone.fails(*command)
    assert not (clone.folder / ".stack").exists()


def test_images_are_of_nobody(owner: Project, tmp_path: Path) -> None:
    clone = clone_of(owner, tmp_path / "clone")
    assert {row["service"] for row in clone.json("images")} == {"nginx", "redis"}


def test_a_link_to_the_folder_is_the_same_project(owner: Project, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(owner.folder)
    linked = replace(owner, folder=tmp_path / "link")
    assert "is up to date" in linked.stack("up")
    assert "is up to date" in owner.stack("up", "--file", f"{tmp_path}/link/stack.yaml")


def test_the_stacks_of_this_machine_are_listed(owner: Project) -> None:
    mine = [one for one in owner.json("list")["stacks"] if one["project"] == owner.name]
    assert mine == [
        {
            "project": owner.name,
            "folder": str(owner.folder),
            "file": "stack.yaml",
            "front": f"http://localhost:{owner.port}",
            "state": "running",
            "volumes": 1,
        }
    ]
    assert any(
        line.split()[:2] == [owner.name, "running"] for line in owner.stack("list").split("\n")
    )


def break_yaml(folder: Path) -> None:
    (folder / "stack.yaml").write_text("services: [")


def unset_variable(folder: Path) -> None:
    text = (folder / "stack.yaml").read_text()
    (folder / "stack.yaml").write_text(text.replace("images:", "images: ${NOT_SET:?}\nimages2:"))


BROKEN: dict[str, Callable[[Path], None]] = {
    "broken": break_yaml,
    "variable": unset_variable,
    "missing": lambda folder: (folder / "stack.yaml").unlink(),
    "no static folder": lambda folder: shutil.rmtree(folder / "site"),
    "no .stack": lambda folder: shutil.rmtree(folder / ".stack"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_whatever_became_of_the_files_it_can_be_seen_and_stopped(
    storing: Project, how: str
) -> None:
    BROKEN[how](storing.folder)
    assert f"{storing.name}-redis-1" in storing.run("status").stdout
    assert f"{storing.name}-redis-1 | " in storing.stack("logs", "redis")
    assert storing.stack("exec", "redis", "echo", "here") == "here\n"
    storing.stack("down", "--volumes", "--yes")
    assert belongings(storing) == set()


def test_nothing_is_not_well(storing: Project) -> None:
    assert storing.run("status", "--project", storing.name).returncode == 0
    storing.stack("down")
    assert storing.run("status", "--project", storing.name).returncode == 1
    break_yaml(storing.folder)
    assert "stack.yaml:" in storing.fails("status", code=2)


def test_down_names_the_step_for_the_project_that_it_was_about(
    storing: Project, tmp_path: Path
) -> None:
    said = replace(storing, folder=tmp_path).stack("down", "--project", storing.name)
    assert f"(stack down --volumes --project {storing.name} removes them)" in said


def test_a_changed_name_leaves_the_old_one_to_be_seen_and_stopped(storing: Project) -> None:
    file = storing.folder / "stack.yaml"
    file.write_text(file.read_text().replace(storing.name, f"{storing.name}-new"))
    for command in ("status", "down"):
        assert f"stack down --project {storing.name}" in storing.run(command).stdout
    assert f"stack down --project {storing.name}" in storing.fails("up")  # it has the port
    storing.stack("down", "--project", storing.name, "--volumes", "--yes")
    assert belongings(storing) == set()


def test_a_stack_is_stopped_by_its_name_from_anywhere(storing: Project, tmp_path: Path) -> None:
    elsewhere = replace(storing, folder=tmp_path)
    elsewhere.stack("down", "--project", storing.name)
    (left,) = [one for one in storing.json("list")["stacks"] if one["project"] == storing.name]
    assert (left["state"], left["volumes"]) == ("down, data kept", 1)
    said = elsewhere.fails("down", "--project", f"{storing.name}-other", code=2)
    assert "this machine has no stack of that name" in said


def test_what_compose_made_is_neither_replaced_nor_removed_nor_mounted(foreign: Project) -> None:
    before = belongings(foreign)
    for command in (("up",), ("down", "--volumes", "--yes"), ("restart",)):
        said = foreign.fails(*command)
        assert f"container {foreign.name}-cache-1" in said
        assert f"docker compose --project-name {foreign.name} down" in said
        assert "stack adopt" in said
    assert belongings(foreign) == before


def test_a_volume_that_compose_left_is_somebody_elses(foreign: Project) -> None:
    compose(foreign, "down")
    said = foreign.fails("up")
    assert f"volume {foreign.name}_redis" in said
    assert "docker compose" not in said  # nothing of it runs that could be stopped
    assert f"volume {foreign.name}_redis" in foreign.fails("down", "--volumes", "--yes")
    assert foreign.client.volumes.get(f"{foreign.name}_redis")


@pytest.mark.parametrize("kind", ["container", "network", "volume"])
def test_what_was_made_by_hand_under_a_name_of_ours_is_left_alone(
    project: Project, source: Source, kind: str
) -> None:
    project.write(STORED, {"/": "site"})
    image = images.recipe_for("redis", source).reference
    client = project.client
    make: dict[str, Callable[[], object]] = {
        "container": lambda: client.containers.create(image, name=f"{project.name}-redis-1"),
        "network": lambda: client.networks.create(f"{project.name}_default"),
        "volume": lambda: client.volumes.create(f"{project.name}_redis"),
    }
    made = make[kind]()
    try:
        said = project.fails("up")
        assert "something made by hand" in said
        assert f"{kind} {project.name}" in said
        made.reload()  # type: ignore[attr-defined]  # it is still there
    finally:
        made.remove()  # type: ignore[attr-defined]
    assert "is up" in project.stack("up")


def test_two_stack_files_of_one_folder_share_nothing(project: Project) -> None:
    project.write(STORED, {"/": "site"})
    other = replace(project, name=f"{project.name}-b", port=free_port())
    text = (project.folder / "stack.yaml").read_text()
    text = text.replace(project.name, other.name).replace(str(project.port), str(other.port))
    (project.folder / "other.yaml").write_text(text)
    try:
        project.stack("up")
        project.stack("up", "--file", "other.yaml")
        assert project.secrets().isdisjoint(other.secrets())
        project.stack("down", "--volumes", "--yes")
        assert "is up to date" in project.stack("up", "--file", "other.yaml")
    finally:
        remove_labelled(project.client, other.name)


def test_files_of_the_former_layout_are_moved_and_nothing_is_lost(storing: Project) -> None:
    state, outer = storing.state, storing.folder / ".stack"
    for path in [*state.iterdir()]:
        path.rename(outer / path.name)
    state.rmdir()
    before = storing.client.volumes.get(f"{storing.name}_redis").attrs["CreatedAt"]
    storing.stack("up")
    assert kept(storing) == "yes"
    assert not (outer / "secrets").exists()
    assert storing.client.volumes.get(f"{storing.name}_redis").attrs["CreatedAt"] == before


def test_what_is_asked_is_what_runs(project: Project) -> None:
    project.write(STORED, {"/": "site"})
    file, published = project.folder / "stack.yaml", free_port()
    text = file.read_text()
    file.write_text(text.replace(f"port: {project.port}", f"port: {published}"))
    project.stack("up")
    file.write_text(text)
    assert project.json("status")["ok"] is True
    assert "200" in project.stack("restart", "redis")


def test_nobody_removes_a_network_that_others_are_on(storing: Project) -> None:
    client, image = storing.client, storing.container("redis").attrs["Image"]
    name, network = f"{storing.name}x", f"{storing.name}_default"
    guest = client.containers.create(image, ["sleep", "1000"], entrypoint="", name=name)
    try:
        guest.start()
        client.networks.get(network).connect(guest)
        said = storing.fails("down")
        assert f"is still used by {name}" in said
        assert f"docker network disconnect --force {network} {name}" in said
    finally:
        guest.remove(force=True)
    storing.stack("down")
    with pytest.raises(NotFound):
        client.networks.get(network)


def test_what_others_made_beside_it_keeps_nobody_from_seeing_and_stopping_it(
    storing: Project,
) -> None:
    labels = {"com.docker.compose.project": storing.name}
    foreign = storing.client.volumes.create(f"{storing.name}_foreign", labels=labels)
    try:
        said = storing.fails("up")
        assert f"volume {storing.name}_foreign" in said
        assert "docker compose" not in said  # that would remove what is ours, too
        assert f"{storing.name}-redis-1" in storing.stack("status")
        assert storing.stack("exec", "redis", "echo", "here") == "here\n"
        storing.stack("down", "--volumes", "--yes")
        assert belongings(storing) == {str(foreign.id)}
    finally:
        foreign.remove()


def test_a_former_state_takes_nothing_of_another_clone(project: Project) -> None:
    project.write(STORED, {"/": "site"})
    former = project.folder / ".stack" / "secrets"
    former.mkdir(parents=True)
    (former / "nextauth-secret").write_text("x" * 43)
    labels = {
        "com.docker.compose.project": project.name,
        "com.docker.compose.volume": "redis",
        "dev.stack.project": project.name,
        "dev.stack.folder": "/another/clone",
        "dev.stack.file": "stack.yaml",
    }
    volume = project.client.volumes.create(f"{project.name}_redis", labels=labels)
    try:
        assert "the stack of /another/clone" in project.fails("up")
        project.fails("down", "--volumes", "--yes")
        assert project.client.volumes.get(str(volume.name))
    finally:
        volume.remove()


def test_a_pipe_in_the_state_does_not_hold_down_up(storing: Project) -> None:
    memory = storing.state / "memory.json"
    memory.unlink()
    os.mkfifo(memory)
    storing.stack("down")
    assert storing.containers() == []


def test_no_secret_is_made_beside_those_of_a_former_version(storing: Project) -> None:
    state, outer = storing.state, storing.folder / ".stack"
    for path in [*state.iterdir()]:
        path.rename(outer / path.name)
    state.rmdir()
    for command in ("token", "render"):
        assert "stack up moves them" in storing.fails(command)
    storing.stack("up")
    assert kept(storing) == "yes"
