"""Queues frames for a connection without waiting for it, and writes them to its transport.

A server does not mask (RFC 6455 §5.1), so a frame is the same bytes for every receiver: it is built
once, and all that a connection gets in one turn of the loop leaves in one write. Nothing else may
send data on the connection, and no extension may be negotiated.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, cast

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from ws_server.clients.documented import DocumentedConnection
from ws_server.clients.wire import Sink
from ws_server.core import protocol
from ws_server.core.codes import SLOW, Disconnect
from ws_server.core.frame import frame
from ws_server.core.namespaces import Slow

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

FULL = 64 * 1024  # bytes in the transport; beyond, frames wait where they can still be dropped


def _messages(framed: bytes) -> int:
    """How many messages a frame of ours joins; its header may contain a newline's byte, too."""
    header = {126: 4, 127: 10}.get(framed[1], 2)
    return framed.count(b"\n", header) + 1


def _nobody(*_said: object) -> None:
    """Hear of nothing."""


class Turn:
    """The queues that have something to write when the turn of the loop ends.

    One call for all of them: a handle for each would be a turn later, behind a whole fan-out.
    """

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: list[SendQueue] = []

    def add(self, queue: "SendQueue") -> None:
        """Have a queue flushed at the end of the turn, or earlier."""
        if not self._queues:
            asyncio.get_running_loop().call_soon(self.flush)
        self._queues.append(queue)

    def flush(self) -> None:
        """Write what all of them have."""
        queues, self._queues = self._queues, []
        for queue in queues:
            queue.flush()


class _Gone:
    """A ``Sink`` that is closed, and its transport."""

    state = State.CLOSED

    @property
    def transport(self) -> "_Gone":
        """Itself."""
        return self

    def write(self, _data: bytes, /) -> None:
        """Drop it."""

    def get_write_buffer_size(self) -> int:
        """Return 0."""
        return 0

    def abort(self) -> None:
        """Do nothing."""

    async def drain(self) -> None:
        """Do nothing."""

    async def close(self, _code: int, _reason: str) -> None:
        """Do nothing."""


GONE: Sink = _Gone()


class _Waiting(NamedTuple):
    framed: bytes
    channel: str
    slow: Slow


class SendQueue:
    """The bounded outgoing queue of one connection; ``limit`` is in bytes.

    A receiver that does not keep up loses what may be dropped, and is told; when nothing may be
    dropped it is closed with 3008. ``on_close`` hears of each close, ``on_drop`` of messages
    that are dropped.
    """

    __slots__ = (
        *("_busy", "_closing", "_connection", "_dropped", "_last", "_limit", "_on_close"),
        *("_on_drop", "_pending", "_resuming", "_size", "_turn", "_waiting"),
    )

    def __init__(
        self,
        connection: Sink,
        limit: int,
        on_close: Callable[[Disconnect], None] = _nobody,
        on_drop: Callable[[str, int], None] = _nobody,
        turn: Turn | None = None,
    ) -> None:
        self._turn = turn or Turn()
        # Not in the library's documentation, so that a later version may not have it.
        is_open = hasattr(connection, "transport")
        library = cast("ServerConnection", connection)
        self._connection: Sink = connection if is_open else DocumentedConnection(library)
        self._limit = limit
        self._on_close = on_close
        self._on_drop = on_drop
        self._pending: list[bytes] = []
        self._waiting: deque[_Waiting] | None = None
        self._dropped: Counter[str] | None = None
        self._size = 0
        self._busy = 0
        self._last: Disconnect | None = None
        self._closing: asyncio.Task[None] | None = None
        self._resuming: asyncio.Task[None] | None = None

    @property
    def is_closing(self) -> bool:
        """Whether ``close`` was called: nothing more is sent, and nothing more need be read."""
        return self._closing is not None

    @property
    def size(self) -> int:
        """How many bytes wait for the receiver."""
        return self._size + self._unread

    def write(self, framed: bytes, channel: str = "", slow: Slow = "disconnect") -> None:
        """Queue one whole frame. Dropped without a word when the connection is on its way out."""
        if self._closing is not None:
            return
        if self._waiting is not None or self._is_full(len(framed)):
            self._wait(_Waiting(framed, channel, slow))
            return
        if not self._pending:
            self._turn.add(self)
        self._pending.append(framed)
        self._size += len(framed)

    def flush(self) -> None:
        """Write what is queued, all of it at once."""
        pending = self._pending
        if not pending:
            return
        joined = pending[0] if len(pending) == 1 else b"".join(pending)
        pending.clear()
        self._size -= len(joined)
        if self._connection.state is State.OPEN:
            self._connection.transport.write(joined)

    def send(self, payload: bytes) -> None:
        """Queue one message for this connection alone."""
        self.write(frame(payload))

    async def drained(self) -> None:
        """Wait while the socket is full: who does not read is not read from either."""
        if self._connection.transport.get_write_buffer_size():
            await self._connection.drain()

    def close(self, disconnect: Disconnect) -> None:
        """Send what is queued, then the close frame. Only the first close counts."""
        if self._closing is None:
            self.flush()
            # All of it now: nothing may follow the close frame.
            waiting, self._waiting = self._waiting or (), None
            if self._connection.state is State.OPEN:
                self._connection.transport.write(b"".join(item.framed for item in waiting))
            self._on_close(disconnect)
            self._closing = asyncio.ensure_future(self._close(disconnect))

    @property
    def is_finishing(self) -> bool:
        """Whether ``end`` will close."""
        return self._last is not None

    def begin(self) -> None:
        """The client asked something: ``finish`` waits for as many ``end``."""
        self._busy += 1

    def end(self) -> None:
        """What the client asked is answered."""
        self._busy -= 1
        if self._last is not None and not self._busy:
            self.close(self._last)

    def finish(self, disconnect: Disconnect) -> None:
        """Close once what the client asked last is answered."""
        if self._busy:
            self._last = disconnect
        else:
            self.close(disconnect)

    async def closed(self) -> None:
        """Wait for the closing handshake that ``close`` began."""
        if self._resuming is not None:
            self._resuming.cancel()
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def forget(self) -> None:
        """Let go of the connection, which is closed: the queue may be known for some time."""
        self._on_close = self._on_drop = _nobody
        self._connection = GONE

    def abort(self) -> None:
        """Drop the connection at once: its peer had its time to answer the close frame."""
        self._connection.transport.abort()

    def _is_full(self, more: int) -> bool:
        unread = self._unread
        return unread > 0 and unread + self._size + more > FULL

    @property
    def _unread(self) -> int:
        return self._connection.transport.get_write_buffer_size()

    def _wait(self, item: _Waiting) -> None:
        """Keep a frame until the receiver has read; make room for it if that is allowed."""
        if self._waiting is None:
            self._waiting = deque()
            self._resuming = asyncio.ensure_future(self._resume())
        if item.slow == "latest":
            self._drop(lambda other: other.channel == item.channel and other.slow == "latest")
        self._waiting.append(item)
        self._size += len(item.framed)
        while self.size > self._limit and self._drop_first():
            pass
        if self.size > self._limit:
            self._waiting.clear()
            self._pending.clear()
            self.close(SLOW)

    def _drop(self, is_old: Callable[[_Waiting], bool]) -> None:
        kept: deque[_Waiting] = deque()
        for item in self._waiting or ():
            if is_old(item):
                self._forget(item)
            else:
                kept.append(item)
        self._waiting = kept

    def _drop_first(self) -> bool:
        for item in self._waiting or ():
            if item.slow != "disconnect":
                self._forget(item)
                if self._waiting is not None:
                    self._waiting.remove(item)
                return True
        return False

    def _forget(self, item: _Waiting) -> None:
        self._size -= len(item.framed)
        self._dropped = self._dropped or Counter()
        count = _messages(item.framed)
        self._dropped[item.channel] += count
        self._on_drop(item.slow, count)

    async def _resume(self) -> None:
        """Write what waits, as fast as the receiver reads."""
        with suppress(ConnectionClosed, OSError):
            while self._waiting or self._dropped:
                self.flush()
                await self._connection.drain()
                self._tell()
                # Only what the transport has counts: what waits here is what is to be sent.
                while self._waiting and self._unread < FULL:
                    item = self._waiting.popleft()
                    self._size -= len(item.framed)
                    self._connection.transport.write(item.framed)
                await asyncio.sleep(0)
        self._waiting = self._resuming = None

    def _tell(self) -> None:
        """Say what was dropped, channel by channel, before anything newer."""
        if self._dropped and self._connection.state is State.OPEN:
            for channel, count in self._dropped.items():
                told = protocol.notice({"dropped": count, "channel": channel})
                self._connection.transport.write(frame(told))
        self._dropped = None

    async def _close(self, disconnect: Disconnect) -> None:
        with suppress(ConnectionClosed, OSError):  # gone already, which is what we wanted
            await self._connection.close(disconnect.code, disconnect.reason)
