"""What `pip install` gives a user: a wheel with all its parts, used in an empty folder."""

import subprocess
import sys
import uuid
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from stack.layout import images
from tests.integration.containers import made
from tests.integration.projects import Project, environment, free_port
from tests.integration.wire import signed_in

ROOT = Path(__file__).parents[2]
REFERENCES = """\
from stack.layout import images
print(*(images.recipe_for(n, s).reference for s in ("debian", "registry") for n in images.NAMES))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh virtual environment, in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    pip(folder / "bin" / "python", "install", str(wheel))
    return folder / "bin" / "python"


def pip(python: Path, *args: str) -> None:
    command = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, done.stderr


@pytest.fixture
def installed(
    docker_client: docker.DockerClient, python: Path, source: images.Source, tmp_path: Path
) -> Iterator[Project]:
    """An empty folder, and the installed command. The checkout has made all images."""
    for name in images.NAMES:
        made(docker_client, images.recipe_for(name, source))
    folder = tmp_path / f"it-{uuid.uuid4().hex[:10]}"  # a project is named after its folder
    folder.mkdir()
    command = python.with_name("stack")
    project = Project(docker_client, folder, source, folder.name, command=command)
    try:
        yield project
    finally:
        project.remove()


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.split("/")[0] for name in names}
    assert folders == {"stack", f"stack-{wheel.name.split('-')[1]}.dist-info"}
    assert {"stack/templates/nginx/dev.conf.j2", "stack/services/ws/Dockerfile"} <= set(names)
    rubbish = ("__pycache__", ".pyc", "/tests/", ".stack", "node_modules")
    assert [name for name in names if any(part in name for part in rubbish)] == []


def test_it_makes_the_very_images_of_the_checkout(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, "-I", "-c", REFERENCES], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    sources: tuple[images.Source, ...] = ("debian", "registry")
    wanted = [images.recipe_for(name, s).reference for s in sources for name in images.NAMES]
    assert done.stdout.split() == wanted


BAD_CONF = """\
http { server { listen 8080; location /ws { proxy_pass http://127.0.0.1:3002; } } }
"""


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (("lint", "bad.conf"), 0, "bad.conf:1  info WS001"),
        (("lint", "open.conf"), 2, "open.conf:2: unexpected end of file"),
        (("explain", "WS203"), 0, "WS203"),
        (("doctor", "ws://localhost:1/ws"), 1, "WS1"),
        (("schema",), 0, "json-schema.org"),
        (("bundle",), 0, "stack.yaml: not found"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_commands_need_no_package_that_only_the_tests_have(
    python: Path, tmp_path: Path, command: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "bad.conf").write_text(BAD_CONF)
    (tmp_path / "open.conf").write_text('events {}\nhttp { server_name "a; }\n')
    done = subprocess.run(
        [python.with_name("stack"), *command],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stdout + done.stderr


async def test_a_project_from_nothing_to_an_open_websocket(installed: Project) -> None:
    assert "wrote stack.yaml; next: stack up" in installed.stack("init")
    dev_port = move_ports(installed)
    installed.stack("render")
    assert {"compose.yaml", "nginx-dev.conf"} <= {path.name for path in installed.folder.iterdir()}
    assert installed.stack("render", "--check") == "nothing differs\n"
    said = installed.stack("up")
    assert "image stack/" not in said  # nothing was built again
    assert f"nothing listens on port {dev_port}" in said
    async with signed_in(installed, "room:1") as (client, _):
        await client.ask("publish", channel="room:1", data="hello")
        assert await client.pushed(1) == ["hello"]
    assert "removed in" in installed.stack("down", "--volumes", "--yes")
    assert installed.containers() == []


def move_ports(project: Project) -> int:
    """Give the starter file ports that are free here; the port of the dev server is returned."""
    file, dev_port = project.folder / "stack.yaml", free_port()
    text = file.read_text()
    assert ("port: 8080" in text, "host: 3000" in text) == (True, True)
    moved = text.replace("8080", str(project.port)).replace("3000", str(dev_port))
    file.write_text(moved)
    return dev_port
