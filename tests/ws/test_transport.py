"""Our frames against the library's, byte for byte; and a queue whose receiver has read half."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from ws_server.clients.intake import Connection
from ws_server.clients.transport import FULL, SendQueue
from ws_server.core.codes import SHUTDOWN, Disconnect
from ws_server.core.frame import frame
from ws_server.core.namespaces import Slow
from ws_server.server import CONNECTION

if TYPE_CHECKING:
    from ws_server.clients.wire import Writable


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_frame_is_the_library_s_frame(size: int) -> None:
    payload = b"x" * size
    assert frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


class Faked:
    """A connection and its transport in one, as full as we say."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport: Writable = self
        self.state = State.OPEN
        self.unread = FULL
        self.written: list[bytes] = []
        self.drained = 0

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.written.append(b"abort")

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def drain(self) -> None:
        self.drained += 1

    async def close(self, _code: int, _reason: str) -> None:
        self.written.append(b"close")
        self.state = State.CLOSED


async def filled(connection: Faked, slow: Slow = "drop_oldest", limit: int = 10**6) -> Any:
    """A queue in which ten frames wait."""
    queue = SendQueue(connection, limit)
    for number in range(10):
        queue.write(frame(b"%d\n%d" % (number, number)), "a", slow)
    return queue


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_waits_leaves_as_soon_as_there_is_room() -> None:
    connection = Faked()
    queue = SendQueue(connection, 10**6)
    for _ in range(10):
        queue.write(frame(b"x" * 10_000))  # together more than the transport may have
    connection.unread = 5000  # below what makes the transport pause, and not yet empty
    await turns(5)
    assert len(connection.written) == 10
    assert connection.drained <= 2
    assert queue.size == 5000


async def test_nothing_follows_the_close_frame() -> None:
    connection = Faked()
    queue = await filled(connection)
    queue.close(SHUTDOWN)
    connection.unread = 0
    await turns(5)
    queue.write(frame(b"late"))
    await turns(5)
    assert connection.written == [b"".join(frame(b"%d\n%d" % (n, n)) for n in range(10)), b"close"]


@pytest.mark.parametrize(("slow", "kept"), [("drop_oldest", 3), ("latest", 1)])
async def test_messages_are_counted_and_not_frames(slow: Slow, kept: int) -> None:
    connection = Faked()
    await filled(connection, slow, limit=FULL + 15)
    connection.unread = 0
    await turns(5)
    told = b'{"push":{"message":{"data":{"dropped":%d,"channel":"a"}}}}' % (2 * (10 - kept))
    assert connection.written[0] == frame(told)
    assert connection.written[1:] == [frame(b"%d\n%d" % (n, n)) for n in range(10 - kept, 10)]


def ours(connection: ServerConnection) -> Connection:
    assert isinstance(connection, Connection)
    return connection


class Documented:
    """A connection of which only the documented API is left."""

    def __init__(self, connection: ServerConnection) -> None:
        self.send, self.close = connection.send, connection.close
        self._connection = connection

    @property
    def state(self) -> State:
        return self._connection.state


async def test_both_ways_write_the_same_bytes() -> None:
    direct = await bytes_written(lambda connection: SendQueue(ours(connection), 2**20))
    documented = await bytes_written(lambda connection: SendQueue(Documented(connection), 2**20))  # type: ignore[arg-type]
    assert direct.endswith(b"\x88\x06\x0b\xb9gone")
    assert documented == direct


async def bytes_written(queue_of: Callable[[ServerConnection], SendQueue]) -> bytes:
    """What arrives after the handshake when a queue writes frames of all sizes and closes."""

    async def converse(connection: ServerConnection) -> None:
        queue = queue_of(connection)
        for size in (0, 1, 125, 126, 40_000, 70_000):
            queue.send(b"a" * size)
            queue.write(frame(b"b" * size), "news", "disconnect")
            await asyncio.sleep(0)
            await queue.drained()
        queue.send("ä".encode())
        queue.close(Disconnect(3001, "gone"))
        await queue.closed()

    async with serve(converse, "127.0.0.1", 0, **CONNECTION) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(5):
            written = await reader.read()
        writer.close()
        return written


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
