"""Receivers that do not keep up, over real sockets: what each policy does, counts and tells."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ws_server.core.namespaces import Namespace, Namespaces, Slow

from tests.ws.harness import Client, Running, running

LIMIT = 200_000
SIZE = 10_000
COUNT = 2000  # 20 MB: more than all the buffers on the way


@pytest.fixture
async def live() -> AsyncIterator[Running]:
    policies: tuple[Slow, ...] = ("disconnect", "drop_oldest", "latest")
    options: dict[str, Namespace] = {
        name: Namespace(allow_subscribe_for_client=True, slow=name) for name in policies
    }
    async with running(
        namespaces=Namespaces(options), max_queue_bytes=LIMIT, pong_timeout=60
    ) as server:
        yield server


async def flood(live: Running, channel: str) -> None:
    """Publish numbered events, a few each turn of the loop."""
    for number in range(COUNT):
        data = b'{"data":[%d,"%s"]}' % (number, b"x" * SIZE)
        await live.server.parts.service.publish(channel, data)
        if number % 5 == 0:
            await asyncio.sleep(0)
    await live.server.parts.service.publish(channel, b'{"data":[%d,""]}' % COUNT)


async def heard(client: Client) -> tuple[list[int], int]:
    """Read until the last event; gives the numbers, and how many it was told were dropped."""
    numbers: list[int] = []
    dropped = 0
    while COUNT not in numbers:
        push: dict[str, Any] = (await client.receive())["push"]
        if "message" in push:
            dropped += push["message"]["data"]["dropped"]
        else:
            numbers.append(push["pub"]["data"][0])
    return numbers, dropped


@pytest.mark.parametrize("slow", ["drop_oldest", "latest"])
async def test_what_is_dropped_is_counted_and_told(live: Running, slow: str) -> None:
    channel = f"{slow}:1"
    async with live.client(max_queue=1) as client, live.client() as other:
        for each in (client, other):
            await each.sign_in()
        await client.subscribe(channel)
        memory = live.server.parts.service.stats
        await flood(live, channel)
        (session,) = [s for s in live.server.parts.hub.sessions if s.channels]
        assert session.receiver.size <= LIMIT + 2 * 65_536
        assert "ping" in await other.ask({"id": 9, "ping": {}})
        numbers, dropped = await heard(client)
        assert numbers == sorted(set(numbers))
        assert dropped == COUNT + 1 - len(numbers) == memory.dropped[slow] > 0
        assert "ping" in await client.ask({"id": 9, "ping": {}})


async def test_disconnect_is_the_default(live: Running) -> None:
    async with live.client(max_queue=1) as client:
        await client.sign_in()
        await client.subscribe("disconnect:1")
        await flood(live, "disconnect:1")
        assert await client.closed() == (3008, "slow")


async def test_what_waits_leaves_before_the_close_frame(live: Running) -> None:
    async with live.client(max_queue=1) as client:
        await client.sign_in()
        await client.subscribe("drop_oldest:1")
        await flood(live, "drop_oldest:1")
        stopping = asyncio.create_task(live.server.stop())
        numbers, _ = await heard(client)
        assert numbers[-1] == COUNT
        assert await client.closed() == (3001, "shutdown")
        await stopping
