"""What another folder or another tool made is taken over by consent, and loses no data."""

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path

from docker.errors import NotFound

from stack.layout import images
from stack.layout.images import Source
from tests.integration.projects import SITE, Project, compose
from tests.integration.storing import COMPOSE_FILE, STORED, belongings, clone_of, kept


def test_a_moved_folder_is_adopted_with_its_data(storing: Project) -> None:
    moved = replace(storing, folder=storing.folder.with_name(f"{storing.name} moved here"))
    shutil.move(storing.folder, moved.folder)
    said = moved.fails("up")
    assert f"the stack of {storing.folder}, a folder that no longer exists" in said
    assert "stack adopt" in said
    assert "not confirmed" in moved.fails("adopt", code=2)
    assert "next: stack up" in moved.stack("adopt", "--yes")
    moved.stack("up")
    assert kept(moved) == "yes"
    assert "is up to date" in moved.stack("up")
    moved.stack("down", "--volumes", "--yes")
    assert belongings(moved) == set()
    storing.folder.mkdir()  # the fixture goes on from there


def test_adopting_keeps_the_secrets_of_what_still_runs(storing: Project) -> None:
    moved = replace(storing, folder=storing.folder.with_name("elsewhere"))
    secrets = storing.secrets()
    shutil.copytree(storing.folder, moved.folder, ignore=shutil.ignore_patterns(".stack"))
    shutil.rmtree(storing.folder)
    moved.stack("adopt", "--yes")
    assert moved.secrets() <= secrets
    moved.stack("up")
    assert moved.secrets() & secrets
    assert kept(moved) == "yes"
    moved.stack("down", "--volumes", "--yes")
    storing.folder.mkdir()  # the fixture goes on from there


def test_what_compose_made_is_adopted_by_consent_and_its_volume_is_never_deleted(
    foreign: Project,
) -> None:
    said = foreign.fails("adopt", code=2)
    assert "stack adopt --yes" in said
    foreign.stack("adopt", "--yes")
    foreign.stack("up")
    assert foreign.stack("exec", "redis", "cat", "/data/theirs") == "theirs\n"
    assert f"docker volume rm {foreign.name}_redis" in foreign.stack("down", "--volumes", "--yes")
    assert foreign.client.volumes.get(f"{foreign.name}_redis")


def test_adopting_says_what_becomes_of_names_that_are_not_used(project: Project) -> None:
    project.write(STORED, {"/": "site"})
    labels = {"com.docker.compose.project": project.name, "com.docker.compose.volume": "redis"}
    volume = project.client.volumes.create(f"{project.name}-data", labels=labels)
    network = project.client.networks.create(f"{project.name}_front", labels=labels)
    own = project.client.networks.create(f"{project.name}-net", labels=labels)
    try:
        said = project.stack("adopt", "--yes")
        assert f"leave alone volume {volume.name}" in said
        assert f"leave alone network {own.name}" in said
        assert f"remove network {network.name}" in said
        project.stack("up")
        assert "is up to date" in project.stack("up")
        assert str(own.name) not in project.stack("down", "--volumes", "--yes")
        assert project.client.volumes.get(str(volume.name))
        own.reload()  # it is still there
    finally:
        own.remove()
        volume.remove()


def test_consent_names_the_volumes_that_compose_gave_no_name(
    project: Project, source: Source
) -> None:
    project.write(STORED, {"/": "site"})
    image = images.recipe_for("redis", source).reference
    text = COMPOSE_FILE.format(name=project.name, image=image).replace('"redis:/data"', '"/anon"')
    (project.folder / "compose.yaml").write_text(text)
    compose(project, "up", "--detach")
    # The image itself has one as well, at /data.
    used = {one["Destination"]: one["Name"] for one in project.container("cache").attrs["Mounts"]}
    lines = [
        f"leave alone volume {name} (no name, {place} of {project.name}-cache-1)"
        for place, name in used.items()
    ]
    assert "/anon" in used
    try:
        project.fails("adopt", code=2)
        for said in (project.run("adopt").stdout, project.stack("adopt", "--yes")):
            assert [line for line in lines if line not in said] == []
        for name in used.values():
            assert project.client.volumes.get(name)
    finally:
        project.remove()
        for name in used.values():
            with contextlib.suppress(NotFound):  # it went with its container, where that was there
                project.client.volumes.get(name).remove()


def test_a_moved_stack_goes_on_with_its_volumes_without_a_name(
    project: Project, python_image: str
) -> None:
    (project.folder / "app").mkdir()
    (project.folder / "app" / "Dockerfile").write_text(f"FROM {python_image}\nVOLUME /data\n")
    project.write({**SITE, "app": {"build": "./app", "command": ["sleep", "99"]}}, {"/": "site"})
    project.stack("up")
    project.stack("exec", "app", "sh", "-c", "echo mine > /data/mine")
    moved = replace(project, folder=project.folder.with_name("moved"))
    shutil.move(project.folder, moved.folder)
    moved.stack("adopt", "--yes")
    moved.stack("up")
    assert moved.stack("exec", "app", "cat", "/data/mine") == "mine\n"
    moved.stack("down", "--volumes", "--yes")
    project.folder.mkdir()  # the fixture goes on from there


def test_a_living_clone_is_not_adopted(owner: Project, tmp_path: Path) -> None:
    before, clone = belongings(owner), clone_of(owner, tmp_path / "clone")
    assert f"cd {owner.folder} && stack down" in clone.fails("adopt", "--yes")
    assert belongings(owner) == before
