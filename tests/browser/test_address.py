"""Where a real browser finds the front, and where not."""

import json
from collections.abc import Iterator

import docker
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from stack.layout import images
from tests.browser.conftest import CHROMIUM, OPTIONS, PATIENCE
from tests.integration.projects import SITE, Project, echo_service, project_in

FOREIGN = "evil.example"
SOCKET = """url => new Promise(resolve => {
  const socket = new WebSocket(url);
  socket.onopen = () => resolve("open");
  socket.onclose = event => resolve(`closed ${event.code}`);
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for which a foreign name leads to this machine, as an attacker's DNS makes it."""
    rules = f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1"
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, rules])
        yield one
        one.close()


@pytest.fixture(scope="module")
def front(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: images.Source,
    python_image: str,
) -> Iterator[Project]:
    """A page, and an echo for its socket."""
    with project_in(docker_client, tmp_path_factory.mktemp("browsed"), source) as one:
        services = {**SITE, "echo": echo_service(python_image)}
        one.write(services, {"/": "site", "/ws": {"to": "echo", "websocket": True}})
        one.stack("up")
        yield one


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("host", ["localhost", "{name}.localhost", "127.0.0.1", "[::1]"])
def test_the_page_and_its_socket_are_there(page: Page, front: Project, host: str) -> None:
    place = f"{host.format(name=front.name)}:{front.port}"
    answer = page.goto(f"http://{place}/")
    assert answer
    assert answer.status == 200
    assert page.evaluate(SOCKET, f"ws://{place}/ws") == "open"


def test_a_page_of_another_name_gets_nothing(page: Page, front: Project) -> None:
    place = f"{FOREIGN}:{front.port}"
    answer = page.goto(f"http://{place}/")
    assert answer
    assert answer.status == 421
    assert json.dumps([FOREIGN]) in page.inner_text("pre")
    assert page.evaluate(SOCKET, f"ws://{place}/ws") == "closed 1006"
    read = page.evaluate("async () => (await fetch('/.stack/generation')).status")
    assert read == 421
