"""What one worker tells the others of its container, and hears of them."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ws_server.upkeep import Dependency
from ws_server.workers.mailboxes import Mailboxes
from ws_server.workers.slots import Slots

INTERVAL = 0.25  # seconds between two beats


@dataclass(frozen=True, slots=True)
class Shared:
    """What all workers have in common; the parent makes it before it forks the first.

    ``api`` listens on the internal port, if that is to be open.
    """

    slots: Slots
    mailboxes: Mailboxes
    api: socket.socket | None


class Peers:
    """The other workers, as one of them sees them."""

    def __init__(self, shared: Shared, number: int) -> None:
        self.number = number
        self.api = shared.api
        self._slots = shared.slots
        self._mailboxes = shared.mailboxes

    async def tell(self, parts: Sequence[Dependency]) -> None:
        """Tell the others how this worker is, until cancelled."""
        while True:
            self._slots.all[self.number].beat([not part.is_ready for part in parts])
            await asyncio.sleep(INTERVAL)

    def missing(self, parts: Sequence[Dependency]) -> list[str]:
        """What the worst of all workers lacks, by name."""
        return self._slots.missing([part.name for part in parts])

    def answering(self, render: Callable[[], bytes]) -> AbstractContextManager[None]:
        """Let the others ask for what ``render`` makes."""
        return self._mailboxes.answering(self.number, render)

    async def ask_others(self) -> dict[int, bytes | None]:
        """What the others answer, by number; None of one that is stuck, starts or is gone."""
        now = time.monotonic()
        others = {each: slot for each, slot in enumerate(self._slots.all) if each != self.number}
        serving = [each for each, slot in others.items() if slot.state(now) is not None]
        return dict.fromkeys(others) | await self._mailboxes.ask(serving)
