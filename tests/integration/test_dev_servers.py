"""A dev server on this machine works through the printed address, or `up` says what is in the way.

Next and Vite are the real ones, and what they show is seen in a real Chromium.
"""

import json
import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from stack.layout.topology import FrontRoute
from stack.probe.exchange import Target
from stack.proof.ready import Ready, Watch
from stack.proof.route import prove
from tests.browser.conftest import PATIENCE, chromium
from tests.integration.containers import eventually
from tests.integration.dev_servers import SOURCES, Server, running
from tests.integration.projects import SITE, Project, free_port
from tests.npm import installed
from tests.unit.fake_engine import FakeEngine

__all__ = ["chromium"]  # a fixture of the tests of the page

pytestmark = pytest.mark.alone
EVERYWHERE = "0.0.0.0"


@pytest.fixture(scope="session")
def packages() -> Path:
    return installed(SOURCES)


def wait_until_compiled(server: Server) -> None:
    """Wait until the page is compiled: on a busy machine that takes longer than `up` waits."""
    eventually(lambda: httpx.get(f"http://127.0.0.1:{server.port}/", timeout=180), 180)


def click(button: Locator) -> None:
    """Click, and see that a handler was there: it comes with the page's scripts."""
    button.click()
    expect(button).not_to_have_text("0", timeout=1000)


def save_edit(server: Server, page: Page) -> None:
    """Save an edit, and see it come; while Next is still at its first build it misses one."""
    server.page.write_text(server.page.read_text().replace("before", "after") + "// again\n")
    expect(page.locator("h1")).to_have_text("after", timeout=10_000)


@pytest.mark.parametrize("kind", ["next", "vite"])
def test_the_page_is_alive_and_hot_reload_arrives(
    project: Project, packages: Path, chromium: Browser, kind: str
) -> None:
    with running(packages, kind, EVERYWHERE) as server:
        wait_until_compiled(server)
        project.write({"app": {"host": server.port}}, {"/": "app"})
        said = project.stack("up", "--strict")
        assert f"✓ {project.name} is up" in said
        assert f"http://localhost:{project.port}/  app  200 OK" in said
        page = chromium.new_page()
        page.set_default_timeout(3 * PATIENCE)
        expect.set_options(timeout=3 * PATIENCE)
        page.goto(f"http://localhost:{project.port}/")
        expect(page.locator("h1")).to_have_text("before")
        button = page.locator("main button")
        eventually(lambda: click(button), 120)
        eventually(lambda: save_edit(server, page), 90)
        expect(button).not_to_have_text("0")  # it was not loaded anew
        page.close()


def test_an_origin_that_next_refuses_is_said_with_the_edit(packages: Path) -> None:
    """At 127.0.0.1 the page comes, and its socket gets the bare word `Unauthorized`."""
    with running(packages, "next", EVERYWHERE) as server:
        wait_until_compiled(server)
        front = Target("", "127.0.0.1", server.port, "/")
        ready = Ready(FakeEngine(), "it", front, "", lambda: "", Watch(time.monotonic()))
        proof = prove(ready, FrontRoute("/", "app", "host", websocket=False, port=server.port))
    assert proof.seen.status == 200
    assert "Next.js refuses its hot-reload socket" in proof.problem
    assert proof.told
    assert proof.told.fix == "write: allowedDevOrigins: ['127.0.0.1'] in next.config"


@pytest.mark.parametrize("kind", ["next", "vite"])
def test_a_loopback_address_is_said_with_the_flag(
    project: Project, packages: Path, kind: str
) -> None:
    flags = {"next": "next dev -p {} -H 0.0.0.0", "vite": "vite --port {} --host 0.0.0.0"}
    with running(packages, kind, "127.0.0.1") as server:
        wait_until_compiled(server)
        project.write({**SITE, "app": {"host": server.port}}, {"/": "site", "/app": "app"})
        event = project.events("up")[-1]
        assert (event["event"], event["ok"]) == ("up", False)
        (warning,) = event["warnings"]
        assert f"port {server.port} is open on 127.0.0.1 only" in warning["message"]
        command = flags[kind].format(server.port)
        assert warning["hint"] == f"start it on all addresses: {command}"


def test_up_is_green_only_if_every_route_answers(project: Project) -> None:
    nothing = free_port()
    project.write({**SITE, "app": {"host": nothing}}, {"/": "site", "/app": "app"})
    done = project.run("up")
    assert done.returncode == 0
    assert f"! {project.name} is up; 1 of 2 routes does not answer" in done.stdout
    assert "✓" not in done.stdout
    assert f"/app: nothing listens on port {nothing}" in done.stdout
    assert not (project.folder / "stack-failure").exists()
    status = project.run("status", "--json")
    assert (status.returncode, json.loads(status.stdout)["ok"]) == (1, False)


@pytest.mark.parametrize("flag", ["--strict", "--ci"])
def test_strict_fails_and_leaves_the_bundle(project: Project, flag: str) -> None:
    nothing = free_port()
    project.write({**SITE, "app": {"host": nothing}}, {"/": "site", "/app": "app"})
    done = project.run("up", flag, "--json")
    event = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, event["event"], event["ok"]) == (1, "up", False)
    (why,) = json.loads((project.folder / "stack-failure" / "failures.json").read_text())
    assert why["message"] == f"/app: nothing listens on port {nothing}"
