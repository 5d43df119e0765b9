"""Keeps something connected for ever; knows not what. Logs changes, not attempts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from ws_server.log import Log

FIRST_DELAY = 0.05
LONGEST_DELAY = 0.08
"""Seconds; readiness is noticed within 0.1 s, and a dozen connects a second are cheap."""


class Dependency(Protocol):
    """Something that the server needs and that may be away."""

    name: str
    is_ready: bool


async def keep(name: str, attempt: Callable[[], Awaitable[None]], log: Log) -> None:
    """Call ``attempt`` again and again; it connects, serves, and raises when the connection ends.

    Whatever it raises is logged and survived: the process outlives its dependencies.
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
