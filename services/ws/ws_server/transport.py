"""Writes frames to a connection without waiting for it; the only module that knows its transport.

A server does not mask (RFC 6455 §5.1), so a frame is the same bytes for every receiver: it is built
once, and all that a connection gets in one turn of the loop leaves in one write. Nothing else may
send data on the connection, and no extension may be negotiated.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from ws_server.codes import SLOW, Disconnect

_FIN_TEXT = 0x81


def frame(payload: bytes) -> bytes:
    """One unmasked, unfragmented text frame (RFC 6455 §5.2) around UTF-8 ``payload``."""
    length = len(payload)
    if length < 126:
        return bytes((_FIN_TEXT, length)) + payload
    if length < 65536:
        return bytes((_FIN_TEXT, 126)) + length.to_bytes(2, "big") + payload
    return bytes((_FIN_TEXT, 127)) + length.to_bytes(8, "big") + payload


class Outbox:
    """The bounded outgoing queue of one connection; ``limit`` is in bytes.

    A receiver that does not keep up is closed with 3008; ``on_close`` hears of each close.
    """

    def __init__(
        self,
        connection: ServerConnection,
        limit: int,
        on_close: Callable[[Disconnect], None] = lambda _disconnect: None,
    ) -> None:
        self._connection = connection
        self._limit = limit
        self._on_close = on_close
        self._pending: list[bytes] = []
        self._size = 0
        self._closing: asyncio.Task[None] | None = None

    def write(self, framed: bytes) -> None:
        """Queue one whole frame. Dropped without a word when the connection is on its way out."""
        if self._closing is not None:
            return
        if not self._pending:
            self._connection.loop.call_soon(self._flush)
        self._pending.append(framed)
        self._size += len(framed)
        if self._size + self._connection.transport.get_write_buffer_size() > self._limit:
            self._pending.clear()
            self.close(SLOW)

    def send(self, payload: bytes) -> None:
        """Queue one message for this connection alone."""
        self.write(frame(payload))

    @property
    def is_closing(self) -> bool:
        """Whether ``close`` was called: nothing more is sent, and nothing more need be read."""
        return self._closing is not None

    async def drained(self) -> None:
        """Wait while the socket is full: who does not read is not read from either."""
        await self._connection.drain()

    def close(self, disconnect: Disconnect) -> None:
        """Send what is queued, then the close frame. Only the first close counts."""
        if self._closing is None:
            self._flush()
            self._on_close(disconnect)
            self._closing = asyncio.ensure_future(self._close(disconnect))

    async def closed(self) -> None:
        """Wait for the closing handshake that ``close`` began."""
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def abort(self) -> None:
        """Drop the connection at once: its peer had its time to answer the close frame."""
        self._connection.transport.abort()

    def _flush(self) -> None:
        if self._pending and self._connection.state is State.OPEN:
            self._connection.transport.write(b"".join(self._pending))
        self._pending.clear()
        self._size = 0

    async def _close(self, disconnect: Disconnect) -> None:
        with suppress(ConnectionClosed, OSError):  # gone already, which is what we wanted
            await self._connection.close(disconnect.code, disconnect.reason)
