"""Gives each connection, by its first line, to the WebSocket library or to the fallback.

Both speak HTTP/1.1 on the same port, and only the path tells them apart.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, cast

from ws_server.clients.intake import Connection
from ws_server.fallback.paths import PATHS

OPEN_TIMEOUT = 10.0  # seconds for the first line; the library's own for the rest
LONGEST = 64  # bytes that decide
_PATH = re.compile(rb"[A-Z]+ ([^ ?\r\n]+)[ ?\r\n]")
_KNOWN = frozenset(path.encode() for path in PATHS)
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class Multiplexer:
    """What all connections of a listener share; ``http`` makes protocols once it is loaded."""

    def __init__(self) -> None:
        self.http: Callable[[], asyncio.Protocol] | None = None
        self.undecided: set[MultiplexedConnection] = set()

    def connection(self, *arguments: Any, **options: Any) -> "MultiplexedConnection":
        """Return a connection, as ``create_connection`` of the library wants it."""
        return MultiplexedConnection(self, *arguments, **options)

    def close(self) -> None:
        """Drop connections that have not said what they want."""
        for connection in tuple(self.undecided):
            connection.drop()


class MultiplexedConnection(Connection):
    """A connection that is the library's, or passes all that happens on to another protocol."""

    def __init__(self, multiplexer: Multiplexer, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._multiplexer = multiplexer
        self._head = b""
        self._is_ours = False
        self._other: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first line."""
        self._socket = cast("asyncio.Transport", transport)
        self._multiplexer.undecided.add(self)
        self._too_late = self.loop.call_later(OPEN_TIMEOUT, self.drop)

    def data_received(self, data: bytes) -> None:
        """Decide, and then pass it on."""
        if self._is_ours:
            super().data_received(data)
        elif self._other is not None:
            self._pass_on(self._other, data)
        else:
            self._decide(data)

    def eof_received(self) -> None:
        """Pass it on."""
        if self._is_ours:
            super().eof_received()
        elif self._other is not None:
            self._other.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        if self._is_ours:
            super().connection_lost(exc)
        elif self._other is not None:
            self._too_late.cancel()
            self._other.connection_lost(exc)
        else:
            self._leave()

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._other is None:
            super().pause_writing()
        else:
            self._other.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._other is None:
            super().resume_writing()
        else:
            self._other.resume_writing()

    def drop(self) -> None:
        """End a connection that nobody serves yet."""
        self._socket.abort()

    def _decide(self, data: bytes) -> None:
        head = self._head = self._head + data
        found = _PATH.match(head)
        if found is None and len(head) < LONGEST and b"\n" not in head:
            return
        self._leave()
        if found is None or found[1] not in _KNOWN:
            self._is_ours = True
            super().connection_made(self._socket)
            super().data_received(head)
        elif self._multiplexer.http is None:
            self._socket.write(_BUSY)
            self._socket.close()
        else:
            self._other = self._multiplexer.http()
            self._other.connection_made(self._socket)
            self._head = b""
            self._too_late = self.loop.call_later(OPEN_TIMEOUT, self.drop)
            self._pass_on(self._other, head)

    def _pass_on(self, other: asyncio.Protocol, data: bytes) -> None:
        """Hand it to the fallback; the rest of the request's head has to come in time, too."""
        if not self._too_late.cancelled():
            self._head += data
            if b"\r\n\r\n" in self._head or b"\n\n" in self._head:
                self._too_late.cancel()
                self._head = b""
            else:
                self._head = self._head[-3:]
        other.data_received(data)

    def _leave(self) -> None:
        self._too_late.cancel()
        self._multiplexer.undecided.discard(self)
