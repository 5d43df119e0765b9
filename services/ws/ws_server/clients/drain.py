"""Says goodbye to all connections, a few at a time; accepts, aborts and waits for nothing else.

The protocol cannot tell a client when to come back, so the spread of the closes is the only hint:
clients return as they were sent away, with their own jitter on top.
"""

import asyncio
import math
from collections.abc import Callable, Collection

from ws_server.core.codes import SHUTDOWN
from ws_server.core.session import Session

PAUSE = 0.05  # seconds between two batches
RATE = 1000  # connections a second, so that a few are gone at once
SHARE = 0.8  # of the time; in the rest, the last ones answer the close frame


async def say_goodbye(
    sessions: Collection[Session], within: float, settle: Callable[[], None]
) -> None:
    """Close every session with 3001, once what it asked last is answered, in batches.

    ``settle`` sends what is on its way to all.
    """
    waiting = tuple(sessions)
    size = batch_size(len(waiting), within)
    for start in range(0, len(waiting), size):
        if start:
            await asyncio.sleep(PAUSE)
        settle()
        for session in waiting[start : start + size]:
            session.receiver.finish(SHUTDOWN)
    for session in tuple(sessions):  # who signed in meanwhile; a second close counts for nothing
        session.receiver.finish(SHUTDOWN)


def batch_size(many: int, within: float) -> int:
    """How many connections to close at a time, at least one."""
    seconds = min(many / RATE, within * SHARE)
    return max(1, math.ceil(many / max(1, round(seconds / PAUSE))))
