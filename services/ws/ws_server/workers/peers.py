"""Shares the state of one worker with the others of its container, and reads theirs."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ws_server.upkeep import Condition, Dependency
from ws_server.workers.mailboxes import Mailboxes
from ws_server.workers.slots import Slots

INTERVAL = 0.25  # seconds between two beats


@dataclass(frozen=True, slots=True)
class Shared:
    """The resources that all workers share; the master creates them before the first fork.

    ``api`` listens on the internal port; None without the HTTP API.
    """

    slots: Slots
    mailboxes: Mailboxes
    api: socket.socket | None


class Peers:
    """The other workers of the container."""

    def __init__(self, shared: Shared, number: int) -> None:
        self.number = number
        self.api = shared.api
        self._slots = shared.slots
        self._mailboxes = shared.mailboxes

    async def tell(self, parts: Sequence[Dependency]) -> None:
        """Publish the state of this worker until cancelled."""
        while True:
            self._slots.all[self.number].beat(parts)
            await asyncio.sleep(INTERVAL)

    def condition(self, parts: Sequence[Dependency]) -> Condition:
        """Return the condition of the dependencies as the worst worker sees it."""
        return self._slots.condition([part.name for part in parts])

    def answering(self, render: Callable[[], bytes]) -> AbstractContextManager[None]:
        """Answer requests of the others with the result of ``render``."""
        return self._mailboxes.answering(self.number, render)

    async def ask_others(self) -> dict[int, bytes | None]:
        """Return the answers of the others by number; None for one that is not ready."""
        now = time.monotonic()
        others = {each: slot for each, slot in enumerate(self._slots.all) if each != self.number}
        serving = [each for each, slot in others.items() if slot.state(now) is not None]
        return dict.fromkeys(others) | await self._mailboxes.ask(serving)
