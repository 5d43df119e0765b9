"""A running demo for the page's tests, and real browser windows that look at it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from stack.layout import images
from tests.integration.conftest import docker_client, python_image, source
from tests.integration.projects import WS_ROUTE, Project, project_in

__all__ = ["docker_client", "python_image", "source"]  # fixtures of the integration tests

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
OPTIONS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 20_000  # milliseconds; the machine may be busy

Open = Callable[[str], Page]
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that is here: it needs an engine and a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def demo(
    docker_client: docker.DockerClient,
    source: images.Source,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Project]:
    """The demo as `make up` starts it, under a name and a port of its own."""
    folder = tmp_path_factory.mktemp("page")
    services = yaml.safe_load((ROOT / "stack.yaml").read_text())["services"]
    shutil.copytree(ROOT / "services/web/public", folder / "services/web/public")
    with project_in(docker_client, folder, source) as project:
        project.write(services, {"/": "web", **WS_ROUTE})
        project.stack("up")
        yield project


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; `make browser` installs it.

    Closed with the module: while it runs, this thread has an event loop, and tests of others have
    theirs.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def address(chromium: Browser) -> Iterator[Open]:
    """Open an address in a window of its own; errors of the page fail."""
    errors: list[str] = []
    contexts = []

    def open_one(url: str) -> Page:
        context = chromium.new_context()
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def window(address: Open, demo: Project) -> Open:
    """Open the page in a window of its own, signed in by a token, or by none if it is empty."""

    def open_one(token: str) -> Page:
        return address(f"{demo.url}/#token={token}" if token else f"{demo.url}/")

    return open_one


def entered(page: Page, channel: str) -> None:
    """Wait until the page says that it is subscribed."""
    expect(page.locator("#log .note", has_text=f"Subscribed to {channel}.").last).to_be_visible()
    expect(page.locator("#send")).to_be_enabled()


def say(page: Page, text: str) -> None:
    """Send a message, and wait until the server has it."""
    page.fill("#message", text)
    page.click("#send")
    expect(page.locator("#message")).to_have_value("")
