"""Sends one large message, and smaller ones in search of the limit. Judges nothing."""

import contextlib
import os
import time
from dataclasses import dataclass

from stack.diagnose.doctor.measured import Sizes
from stack.probe import dial
from stack.probe.ask import open_with
from stack.probe.dial import Connection
from stack.probe.exchange import Ending, Question
from stack.probe.frames import PONG, Frames, ending_of, text_message
from stack.probe.handshake import CLOSE_1000

MAX_TRIES = 12  # connections, one after the other
ANSWER = 3.0  # seconds that a server may take to process a message
SETTLED = 0.25  # seconds after its pong in which an application may still close
PIECE = 64 * 1024  # bytes sent at once
_GONE = -1  # instead of an opcode: the connection ended
_PING = b"\x89\x80\x00\x00\x00\x00"  # masked and empty; its pong shows that the message was read


@dataclass(frozen=True)
class _Try:
    """The result of one message: how much was sent, and how the connection ended, if it did."""

    sent: int
    ending: Ending | None = None

    def fails_like(self, other: Ending) -> bool:
        return self.ending is not None and self.ending.code == other.code


class _Search:
    """Messages of several sizes to one address, bounded in number and time."""

    def __init__(self, question: Question, deadline: float) -> None:
        self._question = question
        self._deadline = deadline
        self.tries = 0

    def send(self, size: int, share: float = 0.4) -> _Try | None:
        """Send one message; None if no more may be sent or no WebSocket opens."""
        left = self._deadline - time.monotonic()
        if self.tries >= MAX_TRIES or left <= 0:
            return None
        self.tries += 1
        deadline = time.monotonic() + left * share
        _, line = open_with(self._question, deadline)
        if line is None:
            return None
        try:
            return _delivered(line, size, deadline)
        finally:
            dial.hang_up(line)

    def limit(self, passed: int, failed: int, like: Ending) -> tuple[int, int]:
        """Narrow down the size from which messages fail: powers of two first, like most limits."""
        while failed - passed > 1 and (size := _between(passed, failed)):
            tried = self.send(size)
            if tried is None or (tried.ending is None and tried.sent < size):
                break
            if tried.fails_like(like):
                failed = size
            else:
                passed = size
        return passed, failed


def measure(question: Question, wanted: int, deadline: float) -> Sizes:
    """Send a message of that size; if it ends the connection, find out from which size on."""
    search = _Search(question, deadline)
    first = search.send(wanted, share=0.6)
    if first is None:
        return Sizes(wanted, tries=search.tries)
    if first.ending is None:
        whole = wanted if first.sent == wanted else 0
        return Sizes(wanted, first.sent, passed=whole, tries=search.tries)
    small = search.send(1) if wanted > 1 else first
    if small is None or small.fails_like(first.ending):
        ending = small.ending if small else None
        return Sizes(wanted, first.sent, first.ending, 0, wanted, ending, search.tries)
    passed, failed = search.limit(1, wanted, first.ending)
    return Sizes(wanted, first.sent, first.ending, passed, failed, small.ending, search.tries)


def _between(passed: int, failed: int) -> int:
    """Return the size to try next: a power of two, else right beside one, else the middle."""
    low, high = (passed - 1).bit_length(), (failed - 1).bit_length()
    power = 1 << ((low + high) // 2)
    if passed < power < failed:
        return power
    if passed.bit_count() == 1:
        return passed + 1
    return failed - 1 if failed.bit_count() == 1 else (passed + failed) // 2


def _delivered(line: Connection, size: int, deadline: float) -> _Try:
    """Send the message and a ping; wait for the end, or for the pong and a moment more."""
    message = memoryview(text_message(size, os.urandom(4)) + _PING)
    head = len(message) - size - len(_PING)
    frames, sent, start, until = Frames(), 0, time.monotonic(), deadline
    while (left := until - time.monotonic()) > 0:
        is_unsent = sent < len(message)
        readable, writable = dial.ready(line, left, to_send=is_unsent)
        found = _heard(line, frames) if readable else []
        if ending := _ending(found, time.monotonic() - start):
            return _Try(_of_message(sent, head, size), ending)
        if any(opcode == PONG for opcode, _ in found) and not is_unsent:
            until = min(until, time.monotonic() + SETTLED)
        if writable:
            sent += _sent(line, message[sent : sent + PIECE])
            if sent == len(message):
                until = min(deadline, time.monotonic() + ANSWER)
    if sent == len(message):
        _say_goodbye(line)
    return _Try(_of_message(sent, head, size))


def _heard(line: Connection, frames: Frames) -> list[tuple[int, bytes]]:
    try:
        chunk = dial.receive(line, time.monotonic() + 0.05)
    except TimeoutError:
        return []
    except OSError:
        chunk = b""
    return frames.feed(chunk) if chunk else [(_GONE, b"")]


def _sent(line: Connection, piece: memoryview) -> int:
    """Send a piece; leave a broken connection to ``_heard``, which reads its last words."""
    try:
        return dial.send_some(line, piece, time.monotonic() + 0.05)
    except OSError:
        return 0


def _ending(found: list[tuple[int, bytes]], after: float) -> Ending | None:
    is_gone = any(opcode == _GONE for opcode, _ in found)
    return ending_of(found, after) or (Ending(1006, "", after) if is_gone else None)


def _of_message(sent: int, head: int, size: int) -> int:
    return min(size, max(0, sent - head))


def _say_goodbye(line: Connection) -> None:
    with contextlib.suppress(OSError):
        dial.send(line, CLOSE_1000, time.monotonic() + 0.05)
