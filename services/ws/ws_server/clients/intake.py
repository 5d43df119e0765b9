"""Reads what a connection sends, a slice at a time; knows frames, and nothing of commands.

A chunk of the socket may hold ten thousand frames, which the library would parse in one turn of
the loop. Here it is taken apart for at most ``SLICE`` seconds, and then others run. Plain frames,
which are nearly all, are read here at once. All others are handed to the library frame by frame, so
that it always stands between two frames while a plain one is read.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from ws_server.clients.wire import Binary
from ws_server.core.frame import extent, is_plain, is_split, plain_frames

SLICE = 0.005  # seconds of a turn that one connection may take
PIECE = 4096  # bytes of plain frames that are read between two looks at the clock
PLAIN = 65535  # bytes of a plain frame; longer ones would be put together here piece by piece
MANY, MUCH = 1024, 256 * 1024  # frames and their bytes that wait to be received
FULL = 64 * 1024  # bytes of pongs that may wait for a peer that does not read
LAST = 4096  # bytes that are read of a peer that is refused: enough for its answer to the close
_HEAD_ENDS = b"\r\n\r\n"
_ENDED = (State.CLOSING, State.CLOSED)
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class Slice:
    """How long a connection has worked since others could run; waiting counts, and costs little."""

    __slots__ = ("_began", "_spent")

    def __init__(self) -> None:
        self._began = self._spent = 0.0

    def begin(self) -> None:
        """Go on from what was spent."""
        self._began = perf_counter() - self._spent

    def end(self) -> None:
        """Stop the clock until ``begin``."""
        self._spent = perf_counter() - self._began

    @property
    def is_over(self) -> bool:
        """Whether others are to run; only between ``begin`` and ``end``."""
        return perf_counter() - self._began > SLICE

    async def give_way(self) -> None:
        """Let others run, and begin another slice."""
        await asyncio.sleep(0)
        self._began = perf_counter()


class Connection(ServerConnection):
    """Reads in slices, counts frames that are no message, and bounds the pongs that wait.

    The library answers each ping at once (RFC 6455 §5.5.3), past every queue of ours.
    """

    charge: Callable[[int], None] | None = None
    """Hears of control frames and fragments, which cost as commands do."""

    _unread_pongs = 0
    _uncharged = 0
    _left: int | None = None  # bytes that are still read, once the peer is refused
    _owed = 0  # bytes of the frame that the library is reading
    _is_split = False  # whether a message in fragments is not complete
    _has_head = False  # whether the library has the whole request
    _is_full = False
    _is_paused = False
    _is_over = False
    _size = 0  # bytes of the frames that wait to be received, with their heads
    _soon: asyncio.Handle | None = None
    _waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: when it is read is decided here."""
        self._wire = cast("asyncio.Transport", transport)
        self._backlog = b""
        self._frames: list[bytes] = []
        self._parts: list[bytes] = []
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """As the library, in slices."""
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self._backlog = self._backlog + data if self._backlog else bytes(data)
        if self._soon is None and not self._is_full:
            self._go_on()
        elif len(self._backlog) > MUCH:  # uvloop hands over many chunks in one turn
            self._pause()

    def connection_lost(self, exc: Exception | None) -> None:
        """As the library; ``receive`` returns nothing more."""
        super().connection_lost(exc)
        # All refer to what they belong to, which would stay until a collection of everything.
        vars(self.protocol).pop("select_subprotocol", None)
        self.protocol.parser.close()
        if self.protocol.parser_exc is not None:
            self.protocol.parser_exc.__traceback__ = None
        self._end()

    async def receive(self) -> list[bytes]:
        """Return the messages that came, once there are any; none when the connection is closed.

        A message is the bytes of a text, which may not be UTF-8, or ``Binary``.
        """
        if not self._frames and not self._is_over:
            if self._backlog:  # what followed the handshake at once
                self._is_full = False
                self._read_on()
            self._waiter = self.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        frames, self._frames, self._size = self._frames, [], 0
        if self._is_full:
            self._is_full = False
            self._read_on()
        return frames

    def refuse(self) -> None:
        """Read no more than the answer to the close frame; the rest is dropped unseen."""
        if self._left is None:
            self._backlog = self._backlog[:LAST]
            self._left = LAST - len(self._backlog)
            self._is_full = False
            self._read_on()

    def process_event(self, event: Any) -> None:
        """As the library; messages wait here, and what is no whole message is counted."""
        if type(event) is not Frame:
            super().process_event(event)
        elif event.opcode not in _DATA:
            self._uncharged += 1
            super().process_event(event)
        else:
            self._uncharged += not event.fin
            self._put_together(event)

    def _put_together(self, frame: Frame) -> None:
        """Keep a fragment, or the message that it completes."""
        self._parts.append(bytes(frame.data))
        if frame.opcode is not Opcode.CONT:
            self._is_binary = frame.opcode is Opcode.BINARY
        if frame.fin:
            message = b"".join(self._parts)
            self._parts = []
            self._frames.append(Binary(message) if self._is_binary else message)
            self._came(len(message))

    def _came(self, size: int) -> None:
        """Wake who waits for frames; stop reading when too many wait."""
        self._size += size
        if self._left is not None:
            self._frames = []  # nobody takes them any more
            return
        self._wake()
        if len(self._frames) >= MANY or self._size >= MUCH:
            self._is_full = True

    def _end(self) -> None:
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _read_on(self) -> None:
        if self._soon is None:
            self._soon = self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Read for one slice, and the rest in later turns; until then the socket is not read."""
        self._soon = None
        data, at, until = self._backlog, 0, perf_counter() + SLICE
        is_late = False
        while at < len(data) and not (self._is_full or is_late):
            start, at = at, self._step(data, at)
            if at == start:  # the rest of a frame, or of the handshake, has yet to come
                break
            is_late = perf_counter() > until
        self._backlog = data[at:] if not self._wire.is_closing() else b""
        is_late = is_late and bool(self._backlog)
        if is_late:
            self._read_on()
        if is_late or self._is_full:
            self._pause()
        elif self._is_paused:
            self._is_paused = False
            self._wire.resume_reading()

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self._wire.pause_reading()

    def _step(self, data: bytes, at: int) -> int:
        """Read some of the data from ``at`` on; return where the rest begins."""
        state = self.protocol.state
        if state is State.CONNECTING:
            return self._handshake(data, at)
        if self._owed:
            end = min(at + self._owed, len(data))
            self._owed -= end - at
            self._parse(data[at:end])
            return end
        most = min(PLAIN, self.protocol.max_message_size or PLAIN)
        if state is State.OPEN and not self._is_split:
            end = plain_frames(data, at, most, at + PIECE, self._frames)
            if end > at:
                self._came(end - at)
                return end
            if is_plain(data, at, most):
                return at
        size = extent(data, at)
        if not size:
            return at
        self._is_split = is_split(data[at], was_split=self._is_split)
        self._owed = size
        return self._step(data, at)

    def _handshake(self, data: bytes, at: int) -> int:
        """Give the library its request, and nothing of what follows before it has answered."""
        if self._has_head:
            self._is_full = len(data) - at > MUCH
            return at
        end = data.find(_HEAD_ENDS, at)
        if end < 0:
            # The last bytes may be the beginning of the end.
            end = max(at, len(data) - len(_HEAD_ENDS) + 1)
        else:
            end += len(_HEAD_ENDS)
            self._has_head = True
        if end > at:
            self._parse(data[at:end])
        return end

    def _parse(self, data: bytes) -> None:
        """Have the library parse; its only writes in here are its answers to control frames."""
        waiting = self._wire.get_write_buffer_size()
        super().data_received(data)
        more = self._wire.get_write_buffer_size() - waiting
        self._unread_pongs = self._unread_pongs + more if waiting else 0
        if self._unread_pongs > FULL:
            self._wire.abort()
        if self.protocol.state in _ENDED:
            self._end()
        if self._uncharged and self.charge is not None and self._left is None:
            count, self._uncharged = self._uncharged, 0
            self.charge(count)
