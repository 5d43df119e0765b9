"""Reads what a connection sends a slice at a time; knows frames, and nothing of commands.

A chunk of the socket may hold ten thousand frames, which the library would parse in one turn of
the loop. Here it gets a few hundred at once and gives way to the others after ``SLICE`` seconds.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

SLICE = 0.005  # seconds of a turn that one connection may take
PIECE = 1024  # bytes that are parsed between two looks at the clock: 170 of the smallest frames
FULL = 64 * 1024  # bytes of pongs that may wait for a peer that does not read
LAST = 4096  # bytes that are read of a peer that is refused: enough for its answer to the close


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
    """Parses in slices, counts frames that are no message, and bounds the pongs that wait.

    The library answers each ping at once (RFC 6455 §5.5.3), past every queue of ours.
    """

    charge: Callable[[int], None] | None = None
    """Hears of control frames and fragments, which cost as commands do."""

    _unread_pongs = 0
    _uncharged = 0
    _left: int | None = None  # bytes that are still read, once the peer is refused
    _is_full = False
    _soon: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and decide here when it is read: the library does not know slices."""
        self._wire = cast("asyncio.Transport", transport)
        self._backlog = bytearray()
        super().connection_made(transport)
        self.recv_messages.pause = self._pause
        self.recv_messages.resume = self._resume

    def data_received(self, data: bytes) -> None:
        """As the library, in slices."""
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        if len(data) <= PIECE and not self._backlog:
            self._parse(data)
            return
        self._backlog += data
        if self._soon is None:
            self._go_on()

    def refuse(self) -> None:
        """Read no more than the answer to the close frame; the rest is dropped unseen."""
        if self._left is None:
            del self._backlog[LAST:]
            self._left = LAST - len(self._backlog)
            self._resume()

    def process_event(self, event: Any) -> None:
        """As the library; what is no whole message is counted."""
        if type(event) is Frame:
            is_data = event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
            if not is_data or not event.fin:
                self._uncharged += 1
            if is_data and self._left is not None:
                return  # nobody takes it, and a full queue would hide the close frame
        super().process_event(event)

    def _parse(self, data: bytes) -> None:
        """Have the library parse; its only writes in here are its answers to control frames."""
        waiting = self._wire.get_write_buffer_size()
        super().data_received(data)
        more = self._wire.get_write_buffer_size() - waiting
        self._unread_pongs = self._unread_pongs + more if waiting else 0
        if self._unread_pongs > FULL:
            self._wire.abort()
        if self._uncharged and self.charge is not None and self._left is None:
            count, self._uncharged = self._uncharged, 0
            self.charge(count)

    def _go_on(self) -> None:
        """Parse for one slice, and the rest in later turns; until then the socket is not read."""
        self._soon = None
        until = perf_counter() + SLICE
        while self._backlog and not self._is_full:
            piece = bytes(self._backlog[:PIECE])
            del self._backlog[:PIECE]
            self._parse(piece)
            if self._wire.is_closing():
                self._backlog.clear()
            if perf_counter() > until:
                break
        if self._backlog:
            self._wire.pause_reading()
            if not self._is_full:
                self._soon = self.loop.call_soon(self._go_on)
        elif not self._is_full:
            self._wire.resume_reading()

    def _pause(self) -> None:
        self._is_full = True
        self._wire.pause_reading()

    def _resume(self) -> None:
        self._is_full = False
        if self._soon is None:
            self._soon = self.loop.call_soon(self._go_on)
