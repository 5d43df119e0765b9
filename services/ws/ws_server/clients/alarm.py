"""One timer of the event loop that follows a moving deadline; knows nothing of sessions."""

import asyncio
import math
from collections.abc import Callable


class Alarm:
    """Calls ``ring`` when the time that ``deadline`` returns has come; ``inf`` is never.

    Ringing must move the deadline, or the alarm rings again at once. ``moved`` is to be called
    whenever the deadline may be nearer than before.
    """

    def __init__(self, deadline: Callable[[], float], ring: Callable[[], None]) -> None:
        self._deadline = deadline
        self._ring = ring
        # uvloop gives a handle without a time for what is due already, so the time is kept here.
        self._timer: asyncio.Handle | None = None
        self._when = math.inf

    def moved(self) -> None:
        """Set the timer anew, if the deadline is nearer than the one it waits for."""
        deadline = self._deadline()
        if deadline == math.inf or (self._timer and self._when <= deadline):
            return
        self.stop()
        self._timer = asyncio.get_running_loop().call_at(deadline, self._fire)
        self._when = deadline

    def stop(self) -> None:
        """Ring no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._ring()
        self.moved()
