"""Writes frames by the documented API of the library alone; for one that hides its transport.

Slower, a task and a ``send`` a frame, but the same bytes. Nothing but transport.py needs it.
"""

import asyncio
from collections import deque
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from ws_server.core.frame import payloads


class DocumentedConnection:
    """What a SendQueue needs of a connection, and of its transport, which it is itself."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._payloads: deque[bytes] = deque()
        self._size = 0
        self._sending: asyncio.Task[None] | None = None

    @property
    def transport(self) -> "DocumentedConnection":
        """Itself."""
        return self

    @property
    def state(self) -> State:
        """Whether data can still be sent."""
        return self._connection.state

    def write(self, framed: bytes) -> None:
        """Send whole text frames, after all earlier ones."""
        for payload in payloads(framed):
            self._payloads.append(payload)
            self._size += len(payload)
        if self._sending is None:
            self._sending = asyncio.ensure_future(self._send())

    def get_write_buffer_size(self) -> int:
        """How many bytes the library has not taken yet."""
        return self._size

    async def drain(self) -> None:
        """Wait until it has taken all of them."""
        if self._sending is not None:
            await asyncio.shield(self._sending)

    async def close(self, code: int, reason: str) -> None:
        """Close with a handshake, after all frames."""
        await self.drain()
        await self._connection.close(code, reason)

    def abort(self) -> None:
        """Send no more."""
        self._payloads.clear()
        if self._sending is not None:
            self._sending.cancel()

    async def _send(self) -> None:
        with suppress(ConnectionClosed):
            while self._payloads:
                payload = self._payloads.popleft()
                await self._connection.send(payload, text=True)
                self._size -= len(payload)
        self._sending = None
