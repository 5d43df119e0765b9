"""A bundle says that a stack is well only where that was seen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.projects import SITE, Project


@pytest.fixture
def ended(project: Project) -> Project:
    """A project that was up once."""
    project.write(SITE, {"/": "site"})
    project.stack("up")
    project.stack("down")
    return project


def says(project: Project) -> str:
    """Make a bundle, and give its first cause with the next step."""
    said = project.json("bundle")["says"]
    assert "everything runs" not in said
    summary = (project.folder / "stack-bundle" / "summary.md").read_text()
    assert said.removeprefix(f"stack {project.name}: ") in summary
    return summary


def test_of_a_stranger_with_the_same_name_it_says_what_status_says(foreign: Project) -> None:
    refusal = foreign.fails("status")
    said = says(foreign)
    assert f"name: {foreign.name} is in use by the Docker Compose project" in said
    assert f"docker compose --project-name {foreign.name} down" in said
    assert said.count("is in use by") == 1
    assert refusal.splitlines()[0].removeprefix("error: ") in said


def test_where_nothing_runs_it_says_so(ended: Project) -> None:
    said = says(ended)
    assert f"nothing of {ended.name} runs" in said
    assert "**Next step**\n\n```text\nstack up\n```" in said


def folder_at(path: Path) -> None:
    path.unlink()
    path.mkdir()


def other_bytes_at(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize("spoil", [folder_at, other_bytes_at])
@pytest.mark.parametrize("name", ["nginx/nginx.conf", "compose.yaml"])
def test_a_file_that_cannot_be_read_is_the_cause(
    ended: Project, name: str, spoil: Callable[[Path], None]
) -> None:
    path = ended.state / name
    spoil(path)
    said = says(ended)
    assert f"{path}: not readable" in said
    assert f"mv {path} {path}.old" in said
    assert said.count(f"{path}: not readable") == 1


def test_a_stack_that_is_well_is_said_to_be(demo: Project) -> None:
    assert "everything runs and every route answers" in demo.json("bundle")["says"]
