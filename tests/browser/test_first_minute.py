"""`make up` on a fresh checkout: calm, and two addresses at which alice and bob see each other.

The checkout is a copy with a name and a port of its own, so that no other demo is touched.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from playwright.sync_api import expect

from stack.layout import images
from tests.browser.conftest import ROOT, Open, entered, say
from tests.integration.projects import Project, environment, project_in

NEEDED = ("Makefile", "README.md", "LICENSE", "pyproject.toml", "stack.yaml")
FOLDERS = ("stack", "templates", "services", "docs")
COLUMNS = 80
LINK = re.compile(r"^  (http://localhost:\d+/#token=\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Checkout:
    """A copy of this checkout, and what `make up` printed in it."""

    project: Project
    said: str

    @property
    def links(self) -> list[str]:
        return LINK.findall(self.said)


def make(folder: Path, target: str) -> str:
    """Run make, which has to succeed, and give all that it printed."""
    done = subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def checkout(
    docker_client: docker.DockerClient,
    source: images.Source,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Checkout]:
    folder = tmp_path_factory.mktemp("checkout")
    for name in NEEDED:
        shutil.copy(ROOT / name, folder / name)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    with project_in(docker_client, folder, source) as project:
        text = (folder / "stack.yaml").read_text()
        text = text.replace("name: demo", f"name: {project.name}\nimages: {source}", 1)
        (folder / "stack.yaml").write_text(text.replace("8080", str(project.port)))
        yield Checkout(project, make(folder, "up"))


def test_the_output_is_calm(checkout: Checkout) -> None:
    lines = [line for line in checkout.said.splitlines() if not LINK.match(line)]
    assert not [
        line for line in lines if re.search("warn|notice|debconf|deprecat", line, re.IGNORECASE)
    ]
    assert not [line for line in lines if len(line) > COLUMNS]
    assert lines[0] == "  making .venv with python3"
    ours = re.compile(r"  \S.*|✓ it-\w+ is up in [\d.]+ s|")
    assert not [line for line in lines if not ours.fullmatch(line)]
    stages = [line for line in lines if line.startswith("  ok")]
    assert stages
    assert all(re.fullmatch(r"  ok {5}[ \d]{3}\.\d\d s  \S.*", line) for line in stages)


def test_the_second_time_it_installs_nothing_and_gives_fresh_links(checkout: Checkout) -> None:
    said = make(checkout.project.folder, "up")
    assert "installing" not in said
    assert "is up to date in" in said
    assert len(LINK.findall(said)) == 2


def test_alice_and_bob_see_each_other(checkout: Checkout, address: Open) -> None:
    alice, bob = map(address, checkout.links)
    for page, me, other in ((alice, "alice", "bob"), (bob, "bob", "alice")):
        entered(page, "room:1")
        expect(page.locator("#people li")).to_have_text(sorted([f"{me} (you)", other]))
        expect(page.locator("#signed-in")).to_contain_text(f"Signed in as {me}.")
    say(bob, "Hello Alice")
    expect(alice.locator("#log .said")).to_contain_text([re.compile("bob.*Hello Alice", re.DOTALL)])
    say(alice, "Hello Bob")
    expect(bob.locator("#log .body")).to_have_text(["Hello Alice", "Hello Bob"])


def test_the_links_outlast_a_lunch_break(checkout: Checkout, address: Open) -> None:
    page = address(checkout.links[0])
    expect(page.locator("#fact-expiry")).to_contain_text(re.compile("in 1[12] h"))


def test_the_tokens_are_in_the_terminal_only(checkout: Checkout, address: Open) -> None:
    entered(address(checkout.links[0]), "room:1")
    tokens = [link.partition("token=")[2] for link in checkout.links]
    folder = checkout.project.folder
    kept = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 2**20]
    texts = [path.read_bytes() for path in kept if ".venv" not in path.parts]
    logs = checkout.project.stack("logs", "--tail", "1000").encode()
    assert len(tokens) == 2
    assert not [token for token in tokens for text in (*texts, logs) if token.encode() in text]
