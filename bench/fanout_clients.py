"""What a connection costs when it is idle, and how fast all come back. Starts no server."""

import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bench.fanout_load import PATIENCE, SIZE, frame, handshake, opened
from bench.fanout_peers import Peer, Running, token

MISSED = 20  # publications while everybody was away
MARK = b'"data":"missed '


def idle_bytes(peer: Peer, server: Running, count: int) -> float:
    """Resident bytes of the server for each of ``count`` idle connections that are signed in."""
    with _crowd(peer, server, 50):  # what only the first ones cost
        before = server.process.memory_info().rss
        with _crowd(peer, server, count):
            time.sleep(1)
            return (server.process.memory_info().rss - before) / count


@contextmanager
def _crowd(peer: Peer, server: Running, count: int) -> Iterator[list[socket.socket]]:
    clients = [opened(server.port, peer.dialect, f"i{number}") for number in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


def reconnect(peer: Peer, server: Running, count: int) -> tuple[float, int]:
    """Drop ``count`` clients, publish, have all come back at once with recovery.

    Gives the seconds until the last has what it missed, and how many got all of it.
    """
    with opened(server.port, peer.dialect, "publisher") as publisher:
        _ask(publisher, {"id": 3, "subscribe": {"channel": "kept:all"}}, b'"subscribe":')
        with _crowd(peer, server, count):
            pass
        for number in range(MISSED):
            data = f"missed {number} ".ljust(SIZE, "x")
            _ask(publisher, {"id": 4, "publish": {"channel": "kept:all", "data": data}}, b'"id":4')
        time.sleep(1)
        position = {"recover": True, "offset": 0, "epoch": ""}
        connect = {"id": 1, "connect": {"token": token(), "subs": {"kept:all": position}}}
        return _storm(server.port, frame(json.dumps(connect).encode()), count)


def _ask(client: socket.socket, command: object, wanted: bytes) -> None:
    client.sendall(frame(json.dumps(command).encode()))
    seen = b""
    while wanted not in seen:
        seen += client.recv(65536)


class _Returning:
    """One client on its way back: opening handshake, connect, and what it gets."""

    def __init__(self, port: int, connect: bytes) -> None:
        self._port, self._connect = port, connect
        self._seen = b""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))

    def opened(self) -> None:
        """The connection stands."""
        self.socket.send(handshake("/ws", self._port))

    def received(self) -> bool:
        """Take what came; True when nothing more is wanted."""
        had_head = b"\r\n\r\n" in self._seen
        got = self.socket.recv(65536)
        self._seen += got
        if not had_head and b"\r\n\r\n" in self._seen:
            self.socket.send(self._connect)
        return not got or (self._seen.endswith(b"}}}}") and b'"recovered":' in self._seen)

    @property
    def is_whole(self) -> bool:
        """Whether everything that was missed came, in order and once."""
        numbers = [part.split(b" ", 1)[0] for part in self._seen.split(MARK)[1:]]
        in_order = [int(number) for number in numbers] == list(range(MISSED))
        return in_order and b'"recovered":true' in self._seen


def _storm(port: int, connect: bytes, count: int) -> tuple[float, int]:
    began = time.monotonic()
    poll = select.epoll()
    clients = [_Returning(port, connect) for _ in range(count)]
    by_fd = {client.socket.fileno(): client for client in clients}
    for fd in by_fd:
        poll.register(fd, select.EPOLLOUT)
    left = count
    while left and time.monotonic() < began + PATIENCE:
        for fd, event in poll.poll(1):
            client = by_fd[fd]
            if event & select.EPOLLOUT:
                poll.modify(fd, select.EPOLLIN)
                _unless_lost(client.opened)
            elif _unless_lost(client.received):
                poll.unregister(fd)
                left -= 1
    seconds = time.monotonic() - began
    for client in clients:
        client.socket.close()
    poll.close()
    return seconds, sum(client.is_whole for client in clients)


def _unless_lost(step: Callable[[], bool | None]) -> bool:
    with suppress(BlockingIOError):
        try:
            return bool(step())
        except OSError:
            return True
    return False
