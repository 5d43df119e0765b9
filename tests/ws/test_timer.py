"""The timer on both event loops that the server may run on."""

import asyncio
import math
from collections.abc import Callable

import pytest
import uvloop
from ws_server.clients.timer import Timer


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_deadline_that_has_passed_fires_once(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(_fires_when_overdue()) == 1


async def _fires_when_overdue() -> int:
    deadline, fired = asyncio.get_running_loop().time() - 1, 0

    def fire() -> None:
        nonlocal deadline, fired
        deadline, fired = math.inf, fired + 1

    timer = Timer(lambda: deadline)
    timer.start(fire)
    timer.moved()  # it is still overdue: nothing has fired before the loop's next turn
    await asyncio.sleep(0.01)
    return fired
