"""Reconnects to a dependency for ever; does not know which. Logs changes, not attempts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from ws_server.log import Log

FIRST_DELAY = 0.05
LONGEST_DELAY = 0.08
"""Seconds; detects readiness within 0.1 s, and a dozen attempts per second are cheap."""


class Dependency(Protocol):
    """An external service that the server needs and that may be down."""

    name: str
    is_ready: bool

    @property
    def degraded(self) -> str:
        """Why it refuses a part of its work while it is ready; "" if it does not."""


class Condition(NamedTuple):
    """The names of the dependencies that are down, and of those that refuse some work."""

    missing: list[str]
    degraded: list[str]


async def keep(name: str, attempt: Callable[[], Awaitable[None]], log: Log) -> None:
    """Call ``attempt`` repeatedly; it connects, serves, and raises when the connection ends.

    Every exception is caught and logged: the process must outlive its dependencies.
    """
    clock = asyncio.get_running_loop().time
    delay, last = FIRST_DELAY, ""
    while True:
        started = clock()
        try:
            await attempt()
        except Exception as error:  # see the docstring
            text = _describe(error)
            if text != last:
                log.warning("dependency_down", dependency=name, error=text)
            last = text
        if clock() - started > 1:
            delay, last = FIRST_DELAY, ""
        await asyncio.sleep(delay)
        delay = min(delay * 1.5, LONGEST_DELAY)


def _describe(error: Exception) -> str:
    if isinstance(error, ExceptionGroup):
        return _describe(error.exceptions[0])
    return f"{type(error).__name__}: {error}".strip()[:300]
