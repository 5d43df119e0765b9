"""The goodbye of a server that stops: in batches, after what is in flight, to everybody."""

import asyncio
import math
from contextlib import AsyncExitStack
from typing import Any

import pytest
from ws_server.broker.base import Keep
from ws_server.broker.memory import MemoryBroker
from ws_server.clients.drain import PAUSE, batch_size
from ws_server.core.publication import Position, Version

from tests.ws.harness import Client, running, token, until


@pytest.mark.parametrize(
    ("many", "within", "size"),
    [(0, 5, 1), (1, 5, 1), (40, 5, 40), (300, 5, 50), (4000, 5, 50), (100_000, 5, 1250)],
)
def test_few_go_at_once_and_many_within_the_time(many: int, within: float, size: int) -> None:
    assert batch_size(many, within) == size


async def test_connections_are_closed_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, batches = asyncio.get_running_loop().time, 0
    async with running(drain_timeout=20.0) as server, AsyncExitStack() as exits:
        clients = [await exits.enter_async_context(server.client()) for _ in range(200)]

        async def closed(client: Client) -> tuple[float, tuple[int | None, str | None]]:
            how = await client.closed()
            return clock(), how

        fanout = server.server.parts.service.fanout
        end_turn = fanout.end_turn

        def counted() -> None:
            nonlocal batches
            batches += 1
            end_turn()

        monkeypatch.setattr(fanout, "end_turn", counted)  # each batch begins with it
        closings = [asyncio.create_task(closed(client)) for client in clients]
        await asyncio.sleep(0)
        await server.server.stop()
        seen = sorted(await asyncio.gather(*closings))
        assert {how for _, how in seen} == {(3001, "shutdown")}
        assert batches == 200 // batch_size(200, 20.0) == 4
        assert seen[-1][0] - seen[0][0] > 2 * PAUSE


class Slow(MemoryBroker):
    """A broker that publishes when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    def publish(
        self,
        channel: str,
        payload: bytes,
        keep: Keep | None = None,
        key: str = "",
        until: float = math.inf,
        version: Version | None = None,
        after: str = "",
    ) -> asyncio.Future[Position]:
        late = self._late(channel, payload, keep, key, until, version, after)
        return asyncio.ensure_future(late)

    async def _late(self, *args: Any) -> Position:
        self.begun.set()
        await self.may_end.wait()
        return await super().publish(*args)


async def test_what_is_in_flight_is_answered_before_the_goodbye() -> None:
    slow = Slow()
    async with running(slow, drain_timeout=20.0) as server, server.client() as client:
        await client.ask({"id": 1, "connect": {"token": token()}})
        await client.subscribe("room:1")
        await client.send({"id": 3, "publish": {"channel": "room:1", "data": 1}})
        await slow.begun.wait()
        stopping = asyncio.create_task(server.server.stop())
        await until(lambda: "draining" in server.logged)
        slow.may_end.set()
        answers = [await client.receive(), await client.receive()]  # its own push is one of them
        assert {"id": 3, "publish": {}} in answers
        assert await client.closed() == (3001, "shutdown")
        await stopping
