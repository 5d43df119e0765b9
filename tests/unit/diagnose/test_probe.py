"""Probes against real sockets of this machine: they end in time and never raise."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stack.diagnose.handshake import expected_accept
from stack.diagnose.probe import Door, get, open_websocket

Serve = Callable[[socket.socket], None]
SHORT = 0.2  # seconds; what a probe that gets no answer may take
LONG = 10.0  # seconds; what only a failing test waits


@contextmanager
def served(serve: Serve) -> Iterator[Door]:
    """Answer one connection by ``serve``, on a port of the system's choice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    serve(connection)
                except OSError:
                    return  # the probe left

        thread = threading.Thread(target=answer)
        thread.start()
        yield Door("127.0.0.1", listener.getsockname()[1])
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


@pytest.mark.parametrize(
    ("serve", "timeout", "problem"),
    [
        (silent, SHORT, "no answer within 0.2 s"),
        (dripping, SHORT, "no answer within 0.2 s"),
        (flooding, LONG, "the answer ends in the middle of its head"),
        (saying(b"garbage\r\n\r\n"), LONG, "the answer is not HTTP"),
        (saying(b"HTTP/1.1 200 OK\r\nA:"), LONG, "the answer ends in the middle of its head"),
        (saying(b""), LONG, "closed without an answer"),
    ],
    ids=["silent", "dripping", "flooding", "garbage", "cut", "closed"],
)
def test_what_is_no_answer(serve: Serve, timeout: float, problem: str) -> None:
    with served(serve) as door:
        seen = get(door, "/", {}, timeout)
    assert (seen.answer, seen.problem) == (None, problem)
    assert seen.seconds < timeout + 1


def test_an_answer_comes_with_its_short_body() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        connection.sendall(b"body")
        connection.recv(1)  # stays open: nobody waits for the end

    with served(serve) as door:
        seen = get(door, "/", {}, LONG)
    assert seen.answer
    assert (seen.answer.line, seen.answer.body, seen.problem) == ("200 OK", b"body", "")


def test_a_long_body_is_not_waited_for() -> None:
    with served(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * 2000)) as door:
        assert get(door, "/", {}, LONG).problem == ""


def test_a_websocket_is_opened_and_closed_politely() -> None:
    frames: list[bytes] = []
    with served(lambda connection: frames.append(accept(connection))) as door:
        seen = open_websocket(door, "/ws", {"Origin": "http://a"}, LONG)
    assert (seen.problem, frames) == ("", [b"\x88\x82\x00\x00\x00\x00\x03\xe8"])
    assert seen.answer
    assert seen.answer.status == 101


def test_a_refused_websocket_says_the_answer() -> None:
    with served(saying(b"HTTP/1.1 401 Unauthorized\r\n\r\n")) as door:
        seen = open_websocket(door, "/ws", {}, LONG)
    assert seen.problem == "answered 401 Unauthorized, not 101 Switching Protocols"


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_nobody_there(closed_port: int) -> None:
    assert get(Door("127.0.0.1", closed_port), "/", {}, LONG).problem == "connection refused"


@pytest.mark.parametrize("path", ["/\r\nX: y", "/\ud800"], ids=ascii)
def test_a_path_that_cannot_be_sent_is_a_problem_and_no_crash(path: str) -> None:
    with served(silent) as door:
        assert get(door, path, {}, LONG).problem


def test_a_name_that_nobody_knows_is_a_problem_and_no_crash() -> None:
    assert get(Door("no-such-host.invalid", 1), "/", {}, LONG).problem
