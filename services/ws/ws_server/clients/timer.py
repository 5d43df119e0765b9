"""One timer of the event loop that follows a moving deadline; knows nothing of sessions."""

import asyncio
import math
from collections.abc import Callable


class Timer:
    """Calls ``fire`` when the time that ``deadline`` returns has come; ``inf`` is never.

    ``fire`` must move the deadline, or the timer fires again at once. ``moved`` is to be called
    whenever the deadline may be nearer than before.
    """

    def __init__(self, deadline: Callable[[], float]) -> None:
        self._deadline = deadline
        self._call: Callable[[], None] = lambda: None
        # uvloop gives a handle without a time for what is due already, so the time is kept here.
        self._handle: asyncio.Handle | None = None
        self._when = math.inf

    def start(self, fire: Callable[[], None]) -> None:
        """Call ``fire`` from now on."""
        self._call = fire
        self.moved()

    def moved(self) -> None:
        """Set the timer anew, if the deadline is nearer than the one it waits for."""
        deadline = self._deadline()
        if deadline == math.inf or (self._handle and self._when <= deadline):
            return
        self.stop()
        self._handle = asyncio.get_running_loop().call_at(deadline, self._fire)
        self._when = deadline

    def stop(self) -> None:
        """Fire no more."""
        if self._handle:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        self._call()
        self.moved()
