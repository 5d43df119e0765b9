"""Questions to real sockets of this machine: they end in time and never raise."""

import itertools
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stack.probe.ask import ask, new_key
from stack.probe.exchange import Question, Target
from stack.probe.handshake import expected_accept, upgrade_headers
from tests.diagnose import certificates

Serve = Callable[[socket.socket], None]
SHORT = 0.2  # seconds; what a question that gets no answer may take
LONG = 10.0  # seconds; what only a failing test waits


@contextmanager
def served(serve: Serve) -> Iterator[Target]:
    """Answer one connection by ``serve``, on a port of the system's choice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    serve(connection)
                except OSError:
                    return  # who asked left

        thread = threading.Thread(target=answer)
        thread.start()
        yield Target("", "127.0.0.1", listener.getsockname()[1], "/")
        thread.join(LONG)
        assert not thread.is_alive()


def saying(data: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(data)

    return serve


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def dripping(connection: socket.socket) -> None:
    stopped = threading.Event()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not stopped.wait(0.02):
        connection.sendall(b"A: b\r\n")


def flooding(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nA: ")
    for _ in range(160):
        connection.sendall(b"a" * 65536)


def accept(connection: socket.socket) -> bytes:
    """Open a WebSocket; give the first frame that comes."""
    request = connection.recv(4096).decode()
    key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    connection.sendall(f"{head}Sec-WebSocket-Accept: {expected_accept(key)}\r\n\r\n".encode())
    return connection.recv(8)


def plain(target: Target) -> Question:
    return Question(target, "", (("Connection", "close"),))


def handshake(target: Target) -> Question:
    key = new_key()
    return Question(target, "", tuple(upgrade_headers(key).items()), key, idle=0.0)


@pytest.mark.parametrize(
    ("serve", "timeout", "problem"),
    [
        (silent, SHORT, r"silent for \d+\.\d s without an answer"),
        (flooding, LONG, "the head is longer than 64 KiB"),
        (saying(b"garbage\r\n\r\n"), LONG, r"not HTTP: 'garbage\\r\\n\\r\\n'"),
        (saying(b"HTTP/1.1 200 OK\r\nA:"), LONG, "closed in the middle of the head"),
        (saying(b""), LONG, "closed without an answer"),
    ],
    ids=["silent", "flooding", "garbage", "cut", "closed"],
)
def test_what_is_no_answer(serve: Serve, timeout: float, problem: str) -> None:
    with served(serve) as target:
        seen = ask(plain(target), timeout)
    assert seen.head is None
    assert re.match(problem, seen.problem)
    assert seen.seconds < LONG


def test_a_head_that_drips_does_not_move_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock moves with each look at it, so that a slow machine still sees the first drops."""
    ticks = itertools.count(step=0.5)
    with served(dripping) as target, monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: next(ticks))
        seen = ask(plain(target), LONG)
    assert seen.head is None
    assert re.match(r"silent for 1\d\.\d s after \d+ bytes of the head", seen.problem)


@pytest.mark.parametrize("length", [b"Content-Length: 4\r\n", b""], ids=["known", "unknown"])
@pytest.mark.parametrize(("patience", "body"), [(LONG, b"body"), (0.0, b"")])
def test_a_body_is_waited_for_as_wanted(length: bytes, patience: float, body: bytes) -> None:
    has_answer = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        has_answer.wait(0.1 if patience else LONG)
        connection.sendall(b"body")
        if length:
            connection.recv(1)  # stays open: nobody waits for the end

    with served(serve) as target:
        start = time.monotonic()
        seen = ask(replace(plain(target), patience=patience), LONG)
        has_answer.set()
    assert (seen.status, seen.body, seen.problem) == (200, body, "")
    assert time.monotonic() - start < LONG / 2  # neither of them waited for its end


def test_a_long_body_is_not_waited_for() -> None:
    with served(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * 5000)) as one:
        start = time.monotonic()
        assert len(ask(replace(plain(one), patience=LONG), LONG).body) == 4096
    assert time.monotonic() - start < LONG / 2


def test_a_websocket_is_opened_and_closed_politely() -> None:
    frames: list[bytes] = []
    with served(lambda connection: frames.append(accept(connection))) as target:
        seen = ask(handshake(target), LONG)
    assert (seen.problem, frames) == ("", [b"\x88\x82\x00\x00\x00\x00\x03\xe8"])
    assert seen.status == 101


def test_a_refused_websocket_says_the_answer() -> None:
    with served(saying(b"HTTP/1.1 401 Unauthorized\r\n\r\n")) as target:
        seen = ask(handshake(target), LONG)
    assert seen.problem == "answered 401 Unauthorized, not 101 Switching Protocols"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert ask(plain(Target("", "127.0.0.1", port, "/")), LONG).problem == "connection refused"


def test_a_name_that_nobody_knows_is_a_problem_and_no_crash() -> None:
    assert ask(plain(Target("", "no-such-host.invalid", 1, "/")), LONG).problem


def test_tls_trusts_the_one_authority_and_no_other(tmp_path: Path) -> None:
    certificates.make_all(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "good.pem")

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as stream:
            saying(b"HTTP/1.1 204 No Content\r\n\r\n")(stream)

    said = []
    for trust in ("root.pem", "stranger.pem", "missing.pem"):
        with served(serve) as target:
            place = replace(target, tls=True, trust=str(tmp_path / trust))
            said.append(ask(plain(place), LONG).problem)
    unknown = "certificate not trusted: unable to get local issuer certificate"
    assert said == ["", unknown, "no such file or directory"]


@pytest.mark.parametrize("host", ["localhost", "shop.localhost", "a.b.LOCALHOST."])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_names_below_localhost_are_this_machine(host: str, address: str) -> None:
    """As in a browser, on either address, and without asking a name server."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        target = Target("", host, listener.getsockname()[1], "/")
        answer = threading.Thread(target=lambda: answer_once(listener))
        answer.start()
        seen = ask(plain(target), LONG)
        answer.join(LONG)
    assert (seen.status, seen.address) == (204, address)


def answer_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        saying(b"HTTP/1.1 204 No Content\r\n\r\n")(connection)
