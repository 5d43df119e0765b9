"""The question to a service itself, by the real script and real sockets; only the exec is local."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from stack.layout.topology import FrontRoute
from stack.probe.exchange import Exchange, Question, Target
from stack.probe.handshake import expected_accept, upgrade_headers
from stack.proof import direct
from tests.unit.diagnose.seen import KEY
from tests.unit.fake_engine import FakeEngine

pytestmark = pytest.mark.skipif(not shutil.which("timeout"), reason="the script is for Linux")
PLAIN = FrontRoute("/api", "api", "image", websocket=False, strip_prefix=True)
SOCKET = FrontRoute("/ws", "ws", "image", websocket=True)


class Here(FakeEngine):
    """Runs on this machine what an engine would run in a container."""

    def execute(
        self, container: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> Iterator[str | int]:
        assert not any("SECRET" in word for word in command)
        env = {**os.environ, **(environment or {})}
        done = subprocess.run(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        yield from done.stdout.decode(errors="replace").replace("\r\n", "\n").splitlines()
        yield done.returncode


@contextmanager
def answering(reply: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """Answer one request; None keeps the line open in silence."""
    done = threading.Event()

    def serve() -> None:
        line, _ = server.accept()
        with line:
            said = reply(line.recv(65536))
            if said is None:
                done.wait(10)
            else:
                line.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        done.set()
        thread.join()


def asked(route: FrontRoute, reply: Callable[[bytes], bytes | None]) -> Exchange:
    with answering(reply) as port:
        return ask(route, port)


def ask(route: FrontRoute, port: int) -> Exchange:
    key = KEY if route.websocket else ""
    headers = {**(upgrade_headers(key) if key else {}), "Authorization": "Bearer SECRET"}
    question = Question(Target("", "127.0.0.1", 8080, route.path), "", tuple(headers.items()), key)
    return direct.ask(Here(), "s-nginx-1", ("127.0.0.1", port), route, question)


def test_it_sends_what_nginx_sends_and_reads_head_and_body() -> None:
    requests: list[str] = []

    def reply(request: bytes) -> bytes:
        requests.append(request.decode())
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-A: b\r\n\r\nno, %s"

    seen = asked(PLAIN, reply)
    assert seen.head
    assert (seen.head.line, seen.head.get("x-a")) == ("404 Not Found", "b")
    assert seen.body.startswith(b"no, %s")
    assert (seen.problem, 0 < seen.seconds < 5) == ("", True)
    (request,) = requests
    assert request.startswith("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n")
    for line in ("X-Forwarded-Prefix: /api", "X-Forwarded-Proto: http", "Authorization: Bearer SE"):
        assert f"\r\n{line}" in request


def test_a_handshake_is_checked_as_a_browser_does() -> None:
    def reply(request: bytes, key: str = "") -> bytes:
        (sent,) = [line[19:] for line in request.decode().split("\r\n") if "-Key: " in line]
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {expected_accept(key or sent)}\r\n\r\n"
        ).encode()

    seen = asked(SOCKET, reply)
    assert (seen.status, seen.problem) == (101, "")
    seen = asked(SOCKET, lambda request: reply(request, "another"))
    assert seen.problem == "answered 101 with a wrong Sec-WebSocket-Accept"


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b"", "closed without an answer"),
        (None, "no answer within 2 s"),
        (b"Unauthorized", "not HTTP: 'Unauthorized"),
        (b"HTTP/1.1 ok\r\n\r\n", "not HTTP: 'HTTP/1.1 ok"),
        (b"HTTP/1.1 200 OK\r\nX: ", "ends in the middle of its head"),
        (b"x\r\n" * 5000, "not HTTP: 'x"),
    ],
)
def test_what_is_no_answer_is_said(said: bytes | None, problem: str) -> None:
    seen = asked(PLAIN, lambda _: said)
    assert problem in seen.problem
    assert seen.head is None


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    assert ask(SOCKET, port).problem == "connection refused"
