"""The load of bench.fanout: many raw WebSocket clients, one publisher. Starts no server.

What arrives is counted by collect.c. Frames of clients are masked with zeros, which is legal and
leaves the payload as it is.
"""

import ctypes
import functools
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BUCKETS = 100_000
TICK = 1e-4  # seconds a bucket
TEXT, BINARY = 1, 2
CARRY = 24  # bytes of a `carry` in collect.c
PATIENCE = 20.0  # seconds until a server that does not answer fails the run
SIZE = 120  # bytes of a message


@dataclass(frozen=True)
class Dialect:
    """How one server is spoken to: a path, what opens a subscription and what publishes.

    ``hello`` gives what is sent and what has to come after each of it; "" waits for nothing.
    """

    path: Callable[[str], str]
    hello: Callable[[str], Sequence[tuple[bytes, bytes]]]
    publish: Callable[[str, str], bytes]
    opcode: int = TEXT
    greeting: bytes = b""


@dataclass(frozen=True)
class Outcome:
    """What came: deliveries wanted and seen, the seconds until the last, and the latencies."""

    wanted: int
    seen: int
    seconds: float
    histogram: Sequence[int]

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.seen / self.seconds if self.seconds > 0 else 0.0

    def latency(self, share: float) -> float:
        """The latency in seconds that ``share`` of the deliveries kept within."""
        left = share * self.seen
        for bucket, count in enumerate(self.histogram):
            left -= count
            if left <= 0:
                return (bucket + 1) * TICK
        return BUCKETS * TICK


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One frame of a client around the payload."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + length.to_bytes(8, "big")
    return head + bytes(4) + payload


def handshake(path: str, port: int) -> bytes:
    """Give the opening request of a client."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def opened(port: int, dialect: Dialect, channel: str) -> socket.socket:
    """Connect one client and do all that ``hello`` says."""
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(handshake(dialect.path(channel), port))
    _expect(client, b"\r\n\r\n")
    if dialect.greeting:
        _expect(client, dialect.greeting)
    for sent, wanted in dialect.hello(channel):
        client.sendall(frame(sent, dialect.opcode))
        if wanted:
            _expect(client, wanted)
    return client


def _expect(client: socket.socket, wanted: bytes) -> None:
    # One byte at a time up to the end of a head: what follows it may be the greeting.
    size = 1 if wanted == b"\r\n\r\n" else 65536
    seen = b""
    while wanted not in seen:
        got = client.recv(size)
        if not got:
            raise ConnectionError(f"closed before {wanted!r} came: {seen[-200:]!r}")
        seen += got


def stamped(at: float) -> str:
    """A message of SIZE bytes that carries a time of the monotonic clock."""
    return f"@t={int(at * 1e6):016d}".ljust(SIZE, "x")


class Crowd:
    """Subscribers of one server; the last one of each channel publishes in it."""

    def __init__(self, port: int, dialect: Dialect, channels: Sequence[str]) -> None:
        self._dialect = dialect
        self._clients = [opened(port, dialect, channel) for channel in channels]
        self._publishers = dict(zip(channels, self._clients, strict=True))
        self._fds = (ctypes.c_int * len(channels))(*(each.fileno() for each in self._clients))
        self._carries = ctypes.create_string_buffer(len(channels) * CARRY)

    def close(self) -> None:
        """Drop all connections."""
        for client in self._clients:
            client.close()

    def burst(self, count: int) -> Outcome:
        """Publish ``count`` messages in every channel as fast as the server takes them."""
        began = time.monotonic()
        text = stamped(began)
        ready = {
            client: self._dialect.publish(channel, text) * count
            for channel, client in self._publishers.items()
        }

        def publish() -> None:
            for client, frames in ready.items():
                client.sendall(frames)

        return self._collect(count * len(ready), began, publish)

    def steady(self, rate: float, seconds: float) -> Outcome:
        """Publish ``rate`` messages a second in the one channel, whatever becomes of them."""
        ((channel, client),) = self._publishers.items()
        began, count = time.monotonic() + 0.05, int(rate * seconds)

        def publish() -> None:
            sent = 0
            while sent < count:
                due = min(count, int((time.monotonic() - began) * rate) + 1)
                batch = (stamped(began + number / rate) for number in range(sent, due))
                client.sendall(b"".join(self._dialect.publish(channel, text) for text in batch))
                sent = max(sent, due)
                time.sleep(max(0.0, began + sent / rate - time.monotonic()))

        return self._collect(count, began, publish)

    def _collect(self, count: int, began: float, publish: Callable[[], None]) -> Outcome:
        """Publish ``count`` messages beside counting what comes of them."""
        wanted = count * len(self._clients) // len(self._publishers)
        histogram, last = (ctypes.c_int64 * BUCKETS)(), ctypes.c_int64(0)
        thread = threading.Thread(target=_unless_closed, args=[publish])
        thread.start()
        seen = _library().collect(
            *(self._fds, self._carries, len(self._fds), ctypes.c_int64(wanted)),
            *(ctypes.c_int64(int((began + PATIENCE) * 1e6)), histogram, ctypes.byref(last)),
        )
        thread.join()
        return Outcome(wanted, seen, last.value / 1e6 - began, list(histogram))


def _unless_closed(publish: Callable[[], None]) -> None:
    with suppress(OSError):  # by a server that gave up; what is missing counts as lost
        publish()


@functools.cache
def _library() -> ctypes.CDLL:
    source = Path(__file__).with_name("collect.c")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "collect.so"
        command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(built), str(source)]
        subprocess.run(command, check=True)
        library = ctypes.CDLL(str(built))
    library.collect.restype = ctypes.c_int64
    return library
