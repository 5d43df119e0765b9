"""The state of the workers of one container, in shared memory. Never blocks.

Each worker has a slot. The master counts there the connections that it handed over; the worker
counts the closed ones and writes the condition of its dependencies. Each number has one writer, so
no lock is needed.
"""

import struct
import time
from collections.abc import Sequence
from mmap import mmap

from ws_server.upkeep import Condition, Dependency

_NUMBER, _MOMENT = struct.Struct("=I"), struct.Struct("=d")
_HANDED, _LEFT, _FLAGS, _BEAT, _SIZE = 0, 4, 8, 16, 24
_STARTING = 0xFFFFFFFF
_DEGRADED = 16  # the first bit for dependencies that are degraded; those that are missing have 0
LATE = 3.0  # seconds without a beat after which a worker counts as stuck
WORKER = "worker"  # the dependency that is missing then


class Slots:
    """The slots of all workers; create them before the first fork."""

    def __init__(self, many: int) -> None:
        self._memory = mmap(-1, many * _SIZE)
        self.all = tuple(Slot(self._memory, number * _SIZE) for number in range(many))
        for slot in self.all:
            slot.clear()

    def condition(self, names: Sequence[str]) -> Condition:
        """Return the worst that any worker sees; ``names`` have the order of ``beat``."""
        now = time.monotonic()
        states = [slot.state(now) for slot in self.all]
        seen = 0
        for state in states:
            seen |= state or 0
        missing = [name for bit, name in enumerate(names) if seen >> bit & 1]
        degraded = [name for bit, name in enumerate(names, _DEGRADED) if seen >> bit & 1]
        return Condition([*missing, WORKER] if None in states else missing, degraded)


class Slot:
    """The numbers of one worker."""

    def __init__(self, memory: mmap, start: int) -> None:
        self._memory = memory
        self._start = start

    def clear(self) -> None:
        """Mark the slot as starting; the master calls it before each fork."""
        for place, value in ((_HANDED, 0), (_LEFT, 0), (_FLAGS, _STARTING)):
            self._write(place, value)
        _MOMENT.pack_into(self._memory, self._start + _BEAT, time.monotonic())

    @property
    def load(self) -> int:
        """The number of connections of the worker, including those on their way to it."""
        return (self._read(_HANDED) - self._read(_LEFT)) & 0xFFFFFFFF

    def handed(self) -> None:
        """Count one connection that the master handed over."""
        self._write(_HANDED, (self._read(_HANDED) + 1) & 0xFFFFFFFF)

    def left(self) -> None:
        """Count one connection that the worker lost."""
        self._write(_LEFT, (self._read(_LEFT) + 1) & 0xFFFFFFFF)

    def beat(self, parts: Sequence[Dependency]) -> None:
        """Record that the worker is alive, and the condition of its dependencies."""
        flags = 0
        for bit, part in enumerate(parts):
            flags |= (not part.is_ready) << bit | bool(part.degraded) << bit + _DEGRADED
        self._write(_FLAGS, flags)
        _MOMENT.pack_into(self._memory, self._start + _BEAT, time.monotonic())

    def state(self, now: float) -> int | None:
        """Return the flags of the dependencies; None if the worker is not serving."""
        (beat,) = _MOMENT.unpack_from(self._memory, self._start + _BEAT)
        state = self._read(_FLAGS)
        return None if state == _STARTING or now - beat > LATE else state

    def _read(self, place: int) -> int:
        return int(_NUMBER.unpack_from(self._memory, self._start + place)[0])

    def _write(self, place: int, value: int) -> None:
        _NUMBER.pack_into(self._memory, self._start + place, value)
