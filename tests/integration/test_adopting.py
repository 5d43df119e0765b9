"""What another folder or another tool made is taken over by consent, and loses no data."""

import shutil
from dataclasses import replace
from pathlib import Path

from tests.integration.projects import Project
from tests.integration.storing import STORED, belongings, clone_of, kept


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


def test_a_living_clone_is_not_adopted(owner: Project, tmp_path: Path) -> None:
    before, clone = belongings(owner), clone_of(owner, tmp_path / "clone")
    assert f"cd {owner.folder} && stack down" in clone.fails("adopt", "--yes")
    assert belongings(owner) == before
