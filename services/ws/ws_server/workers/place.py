"""One worker among those of a container: tells the others how it is, and hears how they are."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ws_server.workers.inboxes import Inboxes
from ws_server.workers.seats import Seats

INTERVAL = 0.25  # seconds between two beats


class Part(Protocol):
    """Something that the worker needs and that may be away."""

    name: str
    is_ready: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """What all workers have in common; the parent makes it before it forks the first.

    ``api`` listens on the internal port, if that is to be open.
    """

    seats: Seats
    inboxes: Inboxes
    api: socket.socket | None


class Place:
    """The place of one worker among all."""

    def __init__(self, shared: Shared, number: int) -> None:
        self.number = number
        self.api = shared.api
        self._seats = shared.seats
        self._inboxes = shared.inboxes

    async def stay(self, parts: Sequence[Part]) -> None:
        """Tell the others until cancelled."""
        while True:
            self._seats.all[self.number].beat([not part.is_ready for part in parts])
            await asyncio.sleep(INTERVAL)

    def missing(self, parts: Sequence[Part]) -> list[str]:
        """What the worst of all workers lacks, by name."""
        return self._seats.missing([part.name for part in parts])

    def answering(self, render: Callable[[], bytes]) -> AbstractContextManager[None]:
        """Let the others ask for what ``render`` makes."""
        return self._inboxes.answering(self.number, render)

    async def ask_others(self) -> dict[int, bytes | None]:
        """What the others answer, by number; None of one that is stuck, starts or is gone."""
        now = time.monotonic()
        others = {each: seat for each, seat in enumerate(self._seats.all) if each != self.number}
        serving = [each for each, seat in others.items() if seat.state(now) is not None]
        return dict.fromkeys(others) | await self._inboxes.ask(serving)
