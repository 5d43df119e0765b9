"""Gives memory back to the system after many clients left; the C library keeps it otherwise."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

INTERVAL = 10.0  # seconds between two looks
MANY = 1000  # clients; what fewer leave behind is not worth the work


def trim() -> None:
    """Have the C library return what it does not need, where it can (not on musl and macOS)."""
    if found := getattr(ctypes.CDLL(None), "malloc_trim", None):
        found(0)


async def give_back(clients: Callable[[], int], trim: Callable[[], None] = trim) -> None:
    """Trim when at least MANY clients left, and half of all, until cancelled.

    ``clients`` is how many there are now.
    """
    most = 0
    while True:
        await asyncio.sleep(INTERVAL)
        now = clients()
        most = max(most, now)
        if most - now >= MANY and now <= most // 2:
            if now < MANY:  # empties Python's own lists; with many clients it would take too long
                gc.collect()
            await asyncio.to_thread(trim)
            most = now
