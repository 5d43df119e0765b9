"""Our frames against the library's, byte for byte."""

import asyncio
from collections.abc import Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from ws_server.codes import Disconnect
from ws_server.transport import Outbox, frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_frame_is_the_library_s_frame(size: int) -> None:
    payload = b"x" * size
    assert frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


class Documented:
    """A connection of which only the documented API is left."""

    def __init__(self, connection: ServerConnection) -> None:
        self.send, self.close = connection.send, connection.close
        self._connection = connection

    @property
    def state(self) -> State:
        return self._connection.state


async def test_both_ways_write_the_same_bytes() -> None:
    direct = await bytes_written(lambda connection: Outbox(connection, 2**20))
    documented = await bytes_written(lambda connection: Outbox(Documented(connection), 2**20))  # type: ignore[arg-type]
    assert direct.endswith(b"\x88\x06\x0b\xb9gone")
    assert documented == direct


async def bytes_written(outbox_of: Callable[[ServerConnection], Outbox]) -> bytes:
    """What arrives after the handshake when an outbox writes frames of all sizes and closes."""

    async def converse(connection: ServerConnection) -> None:
        outbox = outbox_of(connection)
        for size in (0, 1, 125, 126, 40_000, 70_000):
            outbox.send(b"a" * size)
            outbox.write(frame(b"b" * size), "news", "disconnect")
            await asyncio.sleep(0)
            await outbox.drained()
        outbox.send("ä".encode())
        outbox.close(Disconnect(3001, "gone"))
        await outbox.closed()

    async with serve(converse, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
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
