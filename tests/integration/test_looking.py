"""Looking changes nothing: no file, no secret, no container, and no way out of .stack by a link."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.projects import SITE, WS_ROUTE, Project, everything
from tests.integration.storing import kept

SERVICES = {**SITE, "ws": {"preset": "realtime", "needs": []}}
ROUTES = {"/": "site", **WS_ROUTE}
LOOKS = (
    ("up", "--dry-run"),
    ("status",),
    ("doctor",),
    ("logs",),
    ("down",),
    ("list",),
    ("exec", "ws", "true"),
    ("render", "--check"),
)


def files(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Give mode, time and content of everything below a folder."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_before_the_first_up_a_look_leaves_nothing(
    project: Project, command: tuple[str, ...]
) -> None:
    project.write(SERVICES, ROUTES)
    before = files(project.folder)
    project.run(*command)
    assert files(project.folder) == before
    assert everything(project) == []


@pytest.mark.parametrize("command", [*LOOKS[:4], ("token",), ("list",)], ids=" ".join)
def test_a_look_at_what_runs_changes_no_file(demo: Project, command: tuple[str, ...]) -> None:
    before = files(demo.folder)
    demo.stack(*command)
    assert files(demo.folder) == before


def test_render_makes_no_secret_that_a_container_still_has(storing: Project) -> None:
    shutil.rmtree(storing.folder / ".stack")
    storing.stack("render")
    assert kept(storing) == "yes"
    storing.stack("up")
    assert kept(storing) == "yes"


def test_a_dry_run_names_the_files_that_up_makes(project: Project) -> None:
    project.write(SERVICES, ROUTES)
    steps = project.json("up", "--dry-run")["steps"]
    wanted = {
        "make secret nextauth-secret",
        "make secret ws-api-key",
        "give ws its secrets",
        f"write .stack/{project.name}/compose.yaml",
    }
    assert wanted <= set(steps)
    project.stack("up")
    assert project.json("up", "--dry-run")["steps"] == []
    (project.state / "secrets" / "ws-api-key").unlink()
    (first, *_) = project.json("up", "--dry-run")["steps"]
    assert first == f"make secret ws-api-key (again, from {project.name}-ws-1)"
    before = project.container("ws").id
    project.stack("up")
    assert project.container("ws").id == before  # it is the same secret


def a_link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def a_pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path, _: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(path.parent)  # the address of a socket is short
        made.bind(path.name)


PLACES = (
    "",
    "secrets",
    "nginx",
    "secrets/nextauth-secret",
    "secrets/ws.d",
    "secrets/ws.d/nextauth-secret",
    "nginx/nginx.conf",
    "compose.yaml",
    "memory.json",
    "lock",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", [a_link, a_pipe, a_socket])
def test_nothing_below_the_state_is_opened_but_plain_files(
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[[Path, Path], None],
    place: str,
) -> None:
    monkeypatch.chdir(project.folder)
    project.write(SERVICES, ROUTES)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "precious"
    elsewhere.write_text("precious")
    path = project.state / place if place else project.folder / ".stack"
    path.parent.mkdir(parents=True, exist_ok=True)
    kind(path, elsewhere)
    for command in (("up",), ("up", "--dry-run"), ("token",), ("status",)):
        said = project.fails(*command)
        assert f"{path}: is " in said or ".stack" in said
        assert "rm " in said
    assert elsewhere.read_text() == "precious"
    assert everything(project) == []


@pytest.mark.parametrize("name", ["/dev/null", "/dev/full"])
def test_init_force_replaces_regular_files_only(project: Project, name: str) -> None:
    before = Path(name).stat()
    said = project.fails("init", "--force", "--file", name, code=2)
    assert f"{name}: is not a regular file" in said
    assert Path(name).stat().st_rdev == before.st_rdev


def test_init_force_follows_no_link(project: Project) -> None:
    (project.folder / "mine").write_text("mine")
    (project.folder / "stack.yaml").symlink_to("mine")
    assert "not a regular file" in project.fails("init", "--force", code=2)
    assert (project.folder / "mine").read_text() == "mine"
