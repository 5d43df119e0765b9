"""What the processes of one container tell each other, in memory that they share. Waits for nobody.

Each worker has a slot. The parent counts there what it handed over, the worker what left and what
it lacks; each number has one writer, so there is nothing to lock.
"""

import struct
import time
from collections.abc import Sequence
from mmap import mmap

_NUMBER, _MOMENT = struct.Struct("=I"), struct.Struct("=d")
_HANDED, _LEFT, _MISSING, _BEAT, _SIZE = 0, 4, 8, 16, 24
_STARTING = 0xFFFFFFFF
LATE = 3.0  # seconds without a beat after which a worker counts as stuck
WORKER = "worker"  # what is missing then


class Slots:
    """The slots of all workers; to be made before the first of them is forked."""

    def __init__(self, many: int) -> None:
        self._memory = mmap(-1, many * _SIZE)
        self.all = tuple(Slot(self._memory, number * _SIZE) for number in range(many))
        for slot in self.all:
            slot.clear()

    def missing(self, names: Sequence[str]) -> list[str]:
        """What some worker lacks, the worst of all; ``names`` are as they were told to ``beat``."""
        now = time.monotonic()
        states = [slot.state(now) for slot in self.all]
        lacking = [
            name
            for bit, name in enumerate(names)
            if any(state is not None and state >> bit & 1 for state in states)
        ]
        return [*lacking, WORKER] if None in states else lacking


class Slot:
    """One worker's numbers."""

    def __init__(self, memory: mmap, start: int) -> None:
        self._memory = memory
        self._start = start

    def clear(self) -> None:
        """Nobody sits here yet: the parent says so before each fork."""
        for place, value in ((_HANDED, 0), (_LEFT, 0), (_MISSING, _STARTING)):
            self._write(place, value)
        _MOMENT.pack_into(self._memory, self._start + _BEAT, time.monotonic())

    @property
    def load(self) -> int:
        """How many connections the worker has, with those that are on their way to it."""
        return (self._read(_HANDED) - self._read(_LEFT)) & 0xFFFFFFFF

    def handed(self) -> None:
        """The parent handed one connection over."""
        self._write(_HANDED, (self._read(_HANDED) + 1) & 0xFFFFFFFF)

    def left(self) -> None:
        """The worker lost one connection."""
        self._write(_LEFT, (self._read(_LEFT) + 1) & 0xFFFFFFFF)

    def beat(self, are_missing: Sequence[bool]) -> None:
        """The worker lives, and lacks these of its dependencies."""
        self._write(_MISSING, sum(lacks << bit for bit, lacks in enumerate(are_missing)))
        _MOMENT.pack_into(self._memory, self._start + _BEAT, time.monotonic())

    def state(self, now: float) -> int | None:
        """What the worker lacks, a bit each; None if it does not serve (any more)."""
        (beat,) = _MOMENT.unpack_from(self._memory, self._start + _BEAT)
        state = self._read(_MISSING)
        return None if state == _STARTING or now - beat > LATE else state

    def _read(self, place: int) -> int:
        return int(_NUMBER.unpack_from(self._memory, self._start + place)[0])

    def _write(self, place: int, value: int) -> None:
        _NUMBER.pack_into(self._memory, self._start + place, value)
