"""A service on this machine is proved as a browser uses it; a server of ours is the front."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from stack.engines.steps import AwaitRoute, Key, Kind, Verb
from stack.errors import StoppedError
from stack.layout.topology import FrontRoute
from stack.probe.exchange import Target
from stack.probe.handshake import expected_accept
from stack.proof import causes
from stack.proof.ready import NotReadyError, Ready, Watch
from stack.proof.route import await_route, prove
from tests.unit.fake_engine import FakeEngine

APP = FrontRoute("/", "app", "host", websocket=False, port=3000)
VITE_PAGE = '<script type="module" src="/@vite/client"></script>'
NEXT_PAGE = '<script src="/_next/static/chunks/a.js"></script>'
VITE_CLIENT = """const socketProtocol = null || "ws";
const hmrPort = %s;
const socketHost = `${null || importMetaUrl.hostname}:${hmrPort || importMetaUrl.port}${"/"}`;
const wsToken = "t0k";
"""
Answers = Mapping[str, str | Callable[[str], str]]


def http(status: str, body: str = "", *headers: str) -> str:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", body])


def opened(request: str) -> str:
    key = next(line for line in request.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
    accept = expected_accept(key.partition(": ")[2])
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n"


def silent(_: str) -> str:
    time.sleep(30)
    return ""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def front(answers: Answers) -> Iterator[tuple[Target, list[str]]]:
    """Serve an answer a path (an upgrade asks for ``ws:PATH``); give where, and what was asked."""
    asked: list[str] = []

    def serve(line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            request = line.recv(65536).decode()
            path = request.split(" ")[1]
            key = f"ws:{path}" if "Upgrade: websocket" in request else path
            asked.append(request)
            answer = answers.get(key, silent)
            line.sendall((answer if isinstance(answer, str) else answer(request)).encode())

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield Target("", "127.0.0.1", server.getsockname()[1], "/"), asked
        server.shutdown(socket.SHUT_RDWR)


def ready(at: Target, watch: Watch | None = None) -> Ready:
    engine = FakeEngine(said=["connection refused", 1])
    return Ready(engine, "shop", at, "g", lambda: "", watch or Watch(time.monotonic() + 60))


def test_a_page_without_a_mark_is_asked_for_nothing_more() -> None:
    with front({"/": http("200 OK", "<p>hello")}) as (at, asked):
        proof = prove(ready(at), APP)
    assert (proof.problem, proof.says, len(asked)) == ("", "200 OK", 1)


@pytest.mark.parametrize("path", ["/_next/hmr", "/_next/webpack-hmr"])
def test_one_of_the_sockets_of_next_is_enough(path: str) -> None:
    """The other one is silent for ever, which costs nobody any time."""
    with front({"/": http("200 OK", NEXT_PAGE), f"ws:{path}": opened}) as (at, asked):
        proof = prove(ready(at), APP)
    assert proof.problem == ""
    assert all(f"Origin: {at.origin}" in one for one in asked[1:])


def test_the_refusal_of_next_is_said_with_the_line_that_mends_it() -> None:
    answers = {"/": http("200 OK", NEXT_PAGE), "ws:/_next/hmr": "Unauthorized"}
    with front(answers | {"ws:/_next/webpack-hmr": "Unauthorized"}) as (at, _):
        proof = prove(ready(at), APP)
    assert proof.told
    assert proof.told.cause is causes.DEV_REFUSES
    assert "Next.js refuses its hot-reload socket" in proof.says
    assert proof.told.fix == "write: allowedDevOrigins: ['127.0.0.1'] in next.config"
    assert isinstance(proof.warning, NotReadyError)


def test_the_socket_of_vite_is_asked_with_its_token_and_subprotocol() -> None:
    pages = {"/": http("200 OK", VITE_PAGE), "/@vite/client": http("200 OK", VITE_CLIENT % "null")}
    with front({**pages, "ws:/?token=t0k": opened}) as (at, asked):
        proof = prove(ready(at), APP)
    assert proof.problem == ""
    assert "Sec-WebSocket-Protocol: vite-hmr" in asked[-1]
    assert f"Origin: {at.origin}" in asked[-1]


def test_a_socket_past_the_front_that_nobody_serves_is_told() -> None:
    port = free_port()
    script = http("200 OK", VITE_CLIENT % port)
    with front({"/": http("200 OK", VITE_PAGE), "/@vite/client": script}) as (at, _):
        proof = prove(ready(at), APP)
    assert proof.told
    assert f"ws://127.0.0.1:{port}/ does not open: connection refused" in proof.says
    assert f"server: {{ hmr: {{ clientPort: {at.port} }} }}" in proof.told.fix
    assert "t0k" not in proof.says + proof.told.message


def test_a_page_below_a_path_whose_script_goes_elsewhere_gets_the_base() -> None:
    route = replace(APP, path="/app")
    pages = {"/app": http("200 OK", VITE_PAGE), "/@vite/client": http("404 Not Found")}
    with front(pages) as (at, _):
        proof = prove(ready(at), route)
    assert proof.told
    assert proof.told.fix == "write: base: '/app/', and remove strip_prefix from the route"


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "403 Forbidden", "500 Internal Server Error"]
)
def test_an_answer_is_never_blamed_on_an_address(status: str) -> None:
    route = replace(APP, websocket=True)
    with front({"ws:/": http(status)}) as (at, _):
        proof = prove(ready(at), route)
    assert proof.told
    assert proof.told.cause is causes.DEV_FAILS
    assert "127.0.0.1" not in proof.told.message
    assert proof.told.fix == f"stack doctor ws://{at.authority}/"


def test_an_error_of_the_server_is_an_answer_and_no_success() -> None:
    with front({"/": http("500 Internal Server Error")}) as (at, _):
        proof = prove(ready(at), APP)
    assert (proof.problem, proof.seen.status) == ("500 Internal Server Error", 500)


@pytest.mark.parametrize(
    ("status", "body", "is_well"),
    [
        ("403 Forbidden", "<center>nginx</center>", False),
        ("404 Not Found", "<center>nginx/1.29.0</center>", False),
        ("401 Unauthorized", "<center>nginx</center>", True),  # it asks for a password
        ("401 Unauthorized", "sign in", True),
        ("404 Not Found", '{"error": "no such page"}', True),
    ],
)
def test_an_error_page_of_nginx_is_no_success_and_an_answer_of_an_application_is_one(
    status: str, body: str, is_well: bool
) -> None:
    route = FrontRoute("/", "api", "image", websocket=False)
    step = AwaitRoute(Key(Verb.PROVE, Kind.ROUTE, "/"), route=route)
    with front({"/": http(status, body)}) as (at, _):
        watch = Watch(time.monotonic() + 60)
        watch.stop.set()  # no moment to get better
        proofs = [prove(ready(at), route), await_route(ready(at, watch), step)]
    assert [proof.problem for proof in proofs] == ["" if is_well else status] * 2


def test_a_first_compile_is_waited_for_and_that_is_said() -> None:
    def compiles(_: str) -> str:
        time.sleep(2.5)
        return http("200 OK", "ready")

    said: list[str] = []
    watch = Watch(time.monotonic() + 60, say=said.append)
    with front({"/": compiles}) as (at, _):
        proof = await_route(
            ready(at, watch), AwaitRoute(Key(Verb.PROVE, Kind.ROUTE, "/"), route=APP)
        )
    assert proof.problem == ""
    assert said == ["/: no answer of app yet (still compiling?)"]


def test_silence_is_told_as_silence() -> None:
    with front({}) as (at, _):
        proof = prove(ready(at), APP, within=0.3)
    assert proof.told
    assert "accepts the connection and is silent" in proof.told.message
    assert "0.0.0.0" not in proof.told.fix


def test_a_wait_that_is_called_off_ends_at_once() -> None:
    watch = Watch(time.monotonic() + 60)
    watch.stop.set()
    with front({}) as (at, _), pytest.raises(StoppedError):
        prove(ready(at, watch), APP)


def test_a_server_that_is_not_started_costs_no_time() -> None:
    down = http("502 Bad Gateway", "", "X-Stack-Down: app")
    route = replace(APP, port=free_port())
    with front({"/": down}) as (at, _):
        proof = prove(ready(at), route)
    assert proof.told
    assert proof.told.message == f"nothing listens on port {route.port}"
    assert proof.warning.message == f"/: nothing listens on port {route.port}"
