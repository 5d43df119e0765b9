"""One worker among those of a container: tells the others how it is, and hears how they are."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from ws_server.seats import Seat, Seats

INTERVAL = 0.25  # seconds between two beats


class Part(Protocol):
    """Something that the worker needs and that may be away."""

    name: str
    is_ready: bool


class Place:
    """The seat of one worker among all."""

    def __init__(self, seats: Seats, number: int) -> None:
        self.number = number
        self._seats = seats
        self._seat: Seat = seats.all[number]

    async def stay(self, parts: Sequence[Part]) -> None:
        """Tell the others until cancelled."""
        while True:
            self._seat.beat([not part.is_ready for part in parts])
            await asyncio.sleep(INTERVAL)

    def missing(self, parts: Sequence[Part]) -> list[str]:
        """What the worst of all workers lacks, by name."""
        return self._seats.missing([part.name for part in parts])
