"""The alarm on both event loops that the server may run on."""

import asyncio
import math
from collections.abc import Callable

import pytest
import uvloop
from ws_server.clients.alarm import Alarm


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_deadline_that_has_passed_rings_once(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(_rings_when_overdue()) == 1


async def _rings_when_overdue() -> int:
    deadline, rung = asyncio.get_running_loop().time() - 1, 0

    def ring() -> None:
        nonlocal deadline, rung
        deadline, rung = math.inf, rung + 1

    alarm = Alarm(lambda: deadline, ring)
    alarm.moved()
    alarm.moved()  # it is still overdue: nothing has rung before the loop's next turn
    await asyncio.sleep(0.01)
    return rung
