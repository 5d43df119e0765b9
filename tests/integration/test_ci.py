"""`stack up --ci`: no terminal, and on failure one folder that explains it without any secret."""

import json
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest

from tests.integration.projects import REALTIME, SITE, WS_ROUTE, Project, echo_service
from tests.integration.storing import clone_of

TOKEN = jwt.encode({"sub": "alice", "exp": int(time.time()) + 600}, "k" * 32, "HS256")
FROM_A_FILE = "sk-live-51Hx0pQz"  # under a name that does not say that it is secret
WRITTEN = "correct-horse-battery"  # a password in an environment variable
# A service that tells all that it knows, and ends.
LEAK = f"""\
cat /run/secrets/*; echo
env
echo 'GET /ws?token={TOKEN} HTTP/1.1'
echo 'Authorization: Bearer {TOKEN}'
echo "redis://default:$(cat /run/secrets/redis-password)@redis:6379/0"
echo no database
exit 5
"""


@dataclass(frozen=True)
class Failed:
    """A project whose `up --ci` failed, and how."""

    project: Project
    done: subprocess.CompletedProcess[str]

    @property
    def folder(self) -> Path:
        return self.project.folder / "stack-failure"

    @property
    def hidden(self) -> set[bytes]:
        """Everything that may be shown nowhere."""
        values = {*self.project.secrets(), TOKEN.rpartition(".")[2], FROM_A_FILE, WRITTEN}
        return {value.encode() for value in values}


@pytest.fixture
def failed(project: Project, python_image: str) -> Failed:
    (project.folder / "app.env").write_text(f"STRIPE={FROM_A_FILE}\nDEBUG=true\n")
    leaky = echo_service(
        python_image,
        command=["sh", "-c", LEAK],
        needs=["redis", "postgres"],
        env={"ADMIN_PASSWORD": WRITTEN},
        env_file="app.env",
    )
    project.write({**SITE, **REALTIME, "leaky": leaky}, {"/": "site", "/app": "leaky", **WS_ROUTE})
    return Failed(project, project.run("up", "--ci"))


def test_a_failure_leaves_what_explains_it_and_no_secret(failed: Failed) -> None:
    assert failed.done.returncode == 1
    assert "no database" in failed.done.stderr
    assert f"saved the evidence: {failed.folder}" in failed.done.stdout
    assert_it_is_explained(failed)
    assert_nothing_is_leaked(failed)


def assert_it_is_explained(failed: Failed) -> None:
    (why,) = json.loads((failed.folder / "failures.json").read_text())
    assert why["message"].startswith("leaky: ended with exit code 5; asked TCP port 8000")
    assert why["probe"] == "TCP port 8000"
    assert why["log"][-1] == "no database"
    assert {"last_answer"} <= why.keys()
    name = f"{failed.project.name}-leaky-1"
    assert "no database" in (failed.folder / "logs" / f"{name}.log").read_text()
    inspected = json.loads((failed.folder / "inspect" / f"{name}.json").read_text())
    assert inspected["State"]["ExitCode"] == 5
    assert "DEBUG=true" in inspected["Config"]["Env"]  # what is no secret stays readable
    for kind, more in (("logs", 1), ("inspect", 0)):  # and the errors of the front
        assert len(list((failed.folder / kind).iterdir())) == 6 + more
    rendered = {path.name for path in (failed.folder / "rendered").iterdir()}
    assert rendered == {"compose.yaml", "nginx.conf"}


def assert_nothing_is_leaked(failed: Failed) -> None:
    shown = {"stdout": failed.done.stdout.encode(), "stderr": failed.done.stderr.encode()}
    files = {str(path): path.read_bytes() for path in failed.folder.rglob("*") if path.is_file()}
    archived = unpacked(failed.folder.with_suffix(".tar.gz"))
    assert len(archived) == len(files) > 10
    for name, content in {**shown, **files, **archived}.items():
        assert not [value for value in failed.hidden if value in content], name


def unpacked(path: Path) -> dict[str, bytes]:
    """Map each file in a tar to its content."""
    with tarfile.open(path) as archive:
        found = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in found.items() if file}


def test_success_says_plain_lines_and_leaves_nothing(echoing: Project) -> None:
    done = echoing.run("up", "--ci")
    assert done.returncode == 0
    assert f"{echoing.name} is up in" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert not list(echoing.folder.glob("stack-failure*"))


def test_a_build_that_fails_is_explained_too(project: Project, python_image: str) -> None:
    (project.folder / "app").mkdir()
    (project.folder / "app" / "Dockerfile").write_text(f"FROM {python_image}\nRUN echo oh; false\n")
    project.write({**SITE, "app": {"build": "./app", "port": 80}}, {"/": "site", "/app": "app"})
    said = project.fails("up", "--ci")
    (why,) = json.loads((project.folder / "stack-failure" / "failures.json").read_text())
    assert "the build failed" in why["message"]
    assert why["message"].splitlines()[0] in said


def test_what_is_refused_before_anything_starts_is_kept_too(owner: Project, tmp_path: Path) -> None:
    clone = clone_of(owner, tmp_path / "clone")
    assert "is in use by" in clone.fails("up", "--ci")
    assert "is in use by" in (clone.folder / "stack-failure" / "summary.md").read_text()
