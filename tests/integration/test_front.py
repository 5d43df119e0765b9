"""The front lives on: reloads, recreated containers, services that are away, dev servers."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import docker
import httpx
import pytest
from websockets.asyncio.client import ClientConnection

from stack.engines.docker.opening import open_engine
from stack.errors import StackError
from stack.layout.images import Source
from stack.lifecycle.front import place_config
from stack.probe.exchange import Target
from stack.project.state import State
from tests.integration.conftest import Neighbour
from tests.integration.echo.echo import Echo, Server
from tests.integration.projects import (
    SITE,
    WS_ROUTE,
    Project,
    echo_service,
    free_port,
    project_in,
)
from tests.integration.wire import Client, forge, opened

ROUTES = {"/": "site", "/echo": {"to": "echo", "websocket": True}, **WS_ROUTE}


@pytest.fixture(scope="module")
def front(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: Source,
    python_image: str,
) -> Iterator[Project]:
    """A running stack. Tests change it, and leave it complete."""
    with project_in(docker_client, tmp_path_factory.mktemp("front"), source) as one:
        services = {**SITE, "ws": {"preset": "realtime"}, "echo": echo_service(python_image)}
        one.write(services, ROUTES)
        one.stack("up")
        yield one


def generation(project: Project) -> str:
    return httpx.get(f"{project.url}/.stack/generation").text


def workers(project: Project) -> set[str]:
    """Give the process ids of Nginx's workers, but for those that only finish their work."""
    top = project.container("nginx").top(ps_args="-o pid,args")
    found = {pid for pid, *args in top["Processes"] if args[0].endswith("worker process")}
    assert found, top
    return found


@asynccontextmanager
async def open_sockets(project: Project, many: int) -> AsyncIterator[list[ClientConnection]]:
    url = f"{project.url.replace('http', 'ws')}/echo"
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(opened(url)) for _ in range(many)]
        for socket in sockets:
            await socket.recv()  # what reached the service
        yield sockets


async def echoes(socket: ClientConnection, text: str) -> bool:
    await socket.send(text)
    return await asyncio.wait_for(socket.recv(), 20) == text


# Reloads


async def test_a_reload_drops_none_of_200_open_sockets(front: Project) -> None:
    before, old_workers = generation(front), workers(front)
    async with open_sockets(front, 200) as sockets:
        add_route(front, "/more")
        await asyncio.to_thread(front.stack, "up")
        assert generation(front) != before
        assert workers(front).isdisjoint(old_workers)
        assert (await asyncio.to_thread(httpx.get, f"{front.url}/more/")).status_code == 200
        assert all([await echoes(socket, f"still {n}") for n, socket in enumerate(sockets)])


def add_route(project: Project, path: str) -> None:
    with (project.folder / "stack.yaml").open("a") as file:
        file.write(f"  {path}: site\n")  # routes come last


def test_an_unchanged_configuration_reloads_nothing(front: Project) -> None:
    before = (generation(front), workers(front))
    ids = {each.id for each in front.containers()}
    assert front.json("up", "--dry-run") == {"steps": []}
    assert "is up to date" in front.stack("up")
    assert (generation(front), workers(front)) == before
    assert {each.id for each in front.containers()} == ids


def test_a_configuration_that_nginx_refuses_leaves_the_old_one(front: Project) -> None:
    engine = open_engine(front.owner, frozenset, print)
    state, nginx = State(front.folder, front.name), str(front.container("nginx").id)
    before = (generation(front), workers(front), state.config.read_text())
    with pytest.raises(StackError, match=r"nginx refuses .*unknown directive \"sever\""):
        place_config(
            engine,
            state,
            "events {}\nsever {}\n",
            "0",
            nginx,
            Target("", "127.0.0.1", front.port, "/"),
        )
    assert (generation(front), workers(front), state.config.read_text()) == before
    assert [path.name for path in state.config.parent.iterdir()] == ["nginx.conf"]


# Containers that come and go


async def test_a_recreated_container_is_found_without_a_reload(
    front: Project, neighbour: Neighbour
) -> None:
    old, before = address(front), workers(front)
    front.container("ws").remove(force=True)
    for _ in range(2):  # it must not get its old address back
        neighbour("sleep", "60", network=f"{front.name}_default")
    front.stack("up")
    await sign_in(front)
    assert address(front) != old
    assert workers(front) == before


async def test_a_restarted_service_takes_the_next_connection(front: Project) -> None:
    before = workers(front)
    front.stack("restart", "ws")
    await sign_in(front)
    assert workers(front) == before


def address(project: Project) -> str:
    networks = project.container("ws").attrs["NetworkSettings"]["Networks"]
    return str(networks[f"{project.name}_default"]["IPAddress"])


async def sign_in(project: Project) -> None:
    async with opened(project.ws_url) as socket:
        assert "connect" in await Client(socket).ask("connect", token=forge(project))


def test_nginx_starts_although_a_service_is_away_and_says_so(front: Project) -> None:
    front.container("echo").remove(force=True)
    front.container("nginx").restart()
    answer = eventually_answers(f"{front.url}/echo")
    assert (answer.status_code, answer.headers["X-Stack-Down"]) == (502, "echo")
    assert "echo does not answer" in answer.text
    assert "stack logs echo" in answer.text
    assert httpx.get(front.url).status_code == 200
    before = workers(front)
    assert "Nginx cannot reach echo" in front.run("status").stdout
    front.stack("up")
    assert httpx.get(f"{front.url}/echo").status_code == 200
    assert workers(front) == before


def eventually_answers(url: str) -> httpx.Response:
    for _ in range(200):
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url)
        time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


async def test_restarting_nginx_does_not_wait_for_open_sockets(front: Project) -> None:
    async with open_sockets(front, 20):
        with stopping(front) as took:
            await asyncio.to_thread(front.stack, "restart", "nginx")
    assert took[0] < 1


async def test_down_does_not_wait_for_open_sockets(echoing: Project) -> None:
    echoing.stack("up")
    async with open_sockets(echoing, 20):
        with stopping(echoing) as took:
            await asyncio.to_thread(echoing.stack, "down")
    assert took[0] < 1
    assert echoing.containers() == []


@contextmanager
def stopping(project: Project) -> Iterator[list[float]]:
    """Give the seconds from Nginx's stop signal to its end, as the engine saw them."""
    took: list[float] = []
    since = time.time()
    yield took
    wanted = {"container": f"{project.name}-nginx-1", "event": ["kill", "die"]}
    seen = project.client.events(
        since=int(since), until=int(time.time()) + 1, filters=wanted, decode=True
    )
    nanos = [event["timeNano"] for event in seen if event["timeNano"] > since * 1e9]
    took.append((nanos[1] - nanos[0]) / 1e9)


# A dev server on this machine


@pytest.fixture(scope="module")
def dev(
    docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory, source: Source
) -> Iterator[tuple[Project, int]]:
    """A project whose app is a dev server on this machine, and the port of that."""
    with project_in(docker_client, tmp_path_factory.mktemp("dev"), source) as one:
        port = free_port()
        one.write({"app": {"host": port}}, {"/": "app"})
        yield one, port


@contextmanager
def dev_server(host: str, port: int) -> Iterator[None]:
    server = Server((host, port), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_up_succeeds_before_the_dev_server_runs(dev: tuple[Project, int]) -> None:
    project, port = dev
    said = project.stack("up")
    assert "Nginx cannot reach app" in said
    assert f"nothing listens on port {port}" in said
    assert str(port) in httpx.get(project.url).text


def test_a_dev_server_on_loopback_only_is_told_apart(dev: tuple[Project, int]) -> None:
    project, port = dev
    with dev_server("127.0.0.1", port):
        said = project.stack("up")
    assert f"port {port}" in said
    assert "127.0.0.1 only" in said


async def test_a_dev_server_and_its_hot_reload_socket_work(dev: tuple[Project, int]) -> None:
    project, port = dev
    hot_reload = f"{project.url.replace('http', 'ws')}/_next/webpack-hmr"
    with dev_server("0.0.0.0", port):
        assert "hint" not in await asyncio.to_thread(project.stack, "up")
        async with httpx.AsyncClient() as client:
            assert (await client.get(project.url)).json()["path"] == "/"
        async with opened(hot_reload, origin=project.url) as socket:
            assert ["Origin", project.url] in json.loads(await socket.recv())["headers"]
            assert await echoes(socket, "reload")
