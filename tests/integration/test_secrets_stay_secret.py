"""Secrets stay secret: what is planted in a real stack is found in no bundle, tar or output."""

import contextlib
import json
import shutil
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.integration.planted import table
from tests.integration.projects import SITE, Project

PLANTED = Path(table.__file__).parent


def planted_service(python_image: str, **more: Any) -> dict[str, Any]:
    """Describe the service that tells all that it knows, and then serves."""
    return {
        "image": python_image,
        "command": ["python", "/planted/table.py", *table.COMMAND],
        "volumes": ["./planted:/planted:ro"],
        "env": {**table.ENV, **table.READABLE_ENV},
        "env_file": "app.env",
        "port": 8000,
        "ready": {"command": ["true", *table.HEALTH]},
        "needs": ["redis"],
    } | more


@pytest.fixture
def planted(project: Project, python_image: str) -> Project:
    """A project with secrets wherever there may be some; not started."""
    shutil.copytree(PLANTED, project.folder / "planted", ignore=shutil.ignore_patterns("__*"))
    quoted = [f"{name}='{value}'" for name, value in table.ENV_FILE.items()]
    (project.folder / "app.env").write_text("\n".join(quoted) + "\n")
    (project.folder / "built").mkdir()
    lines = [
        f"FROM {python_image}",
        *(f"ARG {name}" for name in table.BUILD_ARGS),
        *(f'ENV {name}="{value}"' for name, value in table.IMAGE_ENV.items()),
        *(f'LABEL {name}="{value}"' for name, value in table.LABELS.items()),
        f'RUN echo "$NPM_AUTH $PIP_PASSWORD" > /told; echo {" ".join(table.BUILD_ARGS.values())}',
        'CMD ["sh", "-c", "cat /told; echo $IMAGE_API_KEY; exec python -m http.server 8000"]',
    ]
    (project.folder / "built" / "Dockerfile").write_text("\n".join(lines) + "\n")
    return project


def write(planted: Project, python_image: str, **more: Any) -> None:
    services = {
        **SITE,
        "redis": {"preset": "redis"},
        "leaky": planted_service(python_image),
        "built": {"build": {"context": "./built", "args": dict(table.BUILD_ARGS)}, "port": 8000},
        **more,
    }
    planted.write(services, {"/": "site", "/leaky": "leaky", "/built": "built"})


def leaks(planted: Project, shown: dict[str, bytes]) -> list[str]:
    """Name every planted secret that is found somewhere, the form it has there, and where."""
    wanted = {}
    for name, value in [*table.values().items(), *((each, each) for each in planted.secrets())]:
        for how, text in table.forms(value).items():
            wanted[name, how] = text
    return [
        f"{name} as {how} in {file}"
        for (name, how), text in wanted.items()
        for file, content in shown.items()
        if text.encode() in content or text in file
    ]


def files_of(folder: Path) -> dict[str, bytes]:
    """Map what lies in a bundle and in its tar to the content."""
    found = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with tarfile.open(folder.with_suffix(".tar.gz")) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file:
                found[f"tar: {member.name}"] = file.read()
    return found


def test_an_up_that_fails_tells_no_secret(planted: Project, python_image: str) -> None:
    ends = planted_service(python_image, command=["sh", "-c", "env; echo no database; exit 5"])
    write(planted, python_image, ends={**ends, "needs": ["leaky", "built"]})
    done = planted.run("up", "--ci", "--timeout", "30")
    assert done.returncode == 1
    shown = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    shown |= files_of(planted.folder / "stack-failure")
    found = leaks(planted, shown)
    assert not found, "\n".join(found[:50])
    readable = b"".join(shown.values()).decode()
    wanted = [*table.READABLE_ENV.values(), *table.READABLE_LINES, *table.LABELS]
    assert not [text for text in wanted if text not in readable]
    (why,) = json.loads((planted.folder / "stack-failure" / "failures.json").read_text())
    assert why["message"].startswith("ends: ended with exit code 5")


def test_a_bundle_of_a_green_stack_tells_no_secret_and_changes_nothing(
    planted: Project, python_image: str
) -> None:
    write(planted, python_image)
    planted.stack("up", "--timeout", "60")
    for path in ("/leaky?token=query-one-1&code=query-two-2", "/nowhere?sig=query-three-3"):
        headers = {"Authorization": "Custom header-one-1", "Cookie": "sid=header-two-2"}
        request = urllib.request.Request(planted.url + path, headers=headers)  # noqa: S310
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=5).close()  # noqa: S310
    before = seen(planted)
    said = planted.json("bundle")
    assert seen(planted) == before
    folder = planted.folder / "stack-bundle"
    assert said["folder"] == str(folder)
    shown = files_of(folder)
    asked = [b"query-one", b"query-two", b"query-three", b"header-one", b"header-two"]
    assert not [text for text in asked if any(text in content for content in shown.values())]
    assert not leaks(planted, shown)
    explains(planted, folder)
    (planted.folder / "stack.yaml").write_text("name: [\n")
    planted.stack("bundle")
    shown = files_of(folder)
    assert not leaks(planted, shown)
    assert any(f"logs/{planted.name}-leaky-1.log" in name for name in shown)
    assert "stack.yaml:" in (folder / "summary.md").read_text()


def seen(planted: Project) -> dict[str, str]:
    """Give the state of all containers and files, but for the bundle itself."""
    found = {
        str(each.name): json.dumps(each.attrs["State"]["StartedAt"])
        for each in planted.containers()
    }
    for path in planted.folder.rglob("*"):
        if "stack-bundle" not in str(path):
            found[str(path)] = f"{path.lstat().st_mtime_ns} {path.lstat().st_mode}"
    return found


def explains(planted: Project, folder: Path) -> None:
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    wanted = {"summary.md", "versions.json", "status.json", "plan.json", ".gitignore"}
    assert wanted | {"rendered/compose.yaml", "rendered/nginx.conf"} <= names
    assert f"logs/{planted.name}-nginx-1.log" in names
    assert "missing.json" not in names
    assert '"/nowhere"' in (folder / "logs" / f"{planted.name}-nginx-1.log").read_text()
    status = json.loads((folder / "status.json").read_text())
    assert {row["route"] for row in status["routes"]} == {"/", "/leaky", "/built"}
    versions = json.loads((folder / "versions.json").read_text())
    assert {"stack", "Python", "Docker Engine", "Nginx"} <= versions.keys()
    assert "| ✓ |" in (folder / "summary.md").read_text()
