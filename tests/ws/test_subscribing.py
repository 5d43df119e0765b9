"""What becomes of a subscription that ends, or has a hole, while it is still being made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from ws_server.broker.memory import MemoryBroker
from ws_server.core.publication import History, Position

from tests.ws.application import hooked, signed_in
from tests.ws.harness import API_KEY, Running, exchange, running, token, until


class Wanting(MemoryBroker):
    """A broker that knows which channels somebody wanted and nobody gave back."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: set[str] = set()

    async def subscribe(self, channel: str) -> None:
        self.wanted.add(channel)

    def unsubscribe(self, channel: str) -> None:
        self.wanted.discard(channel)


def watched(live: Running) -> Wanting:
    broker = Wanting()
    exchange(live, broker)
    return broker


async def test_it_ended_while_the_hook_was_asked() -> None:
    answered = asyncio.Event()

    async def slow(_request: web.Request) -> web.StreamResponse:
        await answered.wait()
        return web.json_response({"result": {}})

    async with hooked() as (live, application), live.client() as client:
        broker = watched(live)
        await signed_in(client)
        application.answer = slow
        await client.send({"id": 2, "subscribe": {"channel": "ask:1"}})
        await until(lambda: application.asked)
        await live.api("unsubscribe", user="alice", channel="ask:1")
        assert (await client.receive())["push"]["unsubscribe"]["code"] == 2000
        answered.set()
        assert (await client.receive())["error"]["code"] == 100
        assert broker.wanted == set()


async def test_two_orders_in_one_turn(live: Running) -> None:
    broker = watched(live)
    async with live.client() as client:
        await client.sign_in()
        for name in ("subscribe", "unsubscribe"):
            live.server.parts.node.control(
                b'{"%s":{"user":"alice","channel":"log:1"}}' % name.encode()
            )
        assert (await client.receive())["push"]["unsubscribe"]["code"] == 2000
        await live.server.parts.service.settled()
        assert broker.wanted == set()


async def test_what_is_granted_during_a_connect_is_told_after_its_reply(live: Running) -> None:
    class Slow(MemoryBroker):
        async def subscribe(self, channel: str) -> None:
            if channel == "log:1":
                live.server.parts.node.control(b'{"subscribe":{"user":"alice","channel":"log:2"}}')
                await asyncio.sleep(0.1)

    exchange(live, Slow())
    async with live.client() as client:
        connect = {"token": token(), "subs": {"log:1": {}}}
        assert "connect" in await client.ask({"id": 1, "connect": connect})
        push = (await client.receive())["push"]
        assert (push["channel"], "subscribe" in push) == ("log:2", True)


class Forgetful(MemoryBroker):
    """A broker whose streams all begin anew."""

    async def history(self, *_: Any, **__: Any) -> History:
        return History((), Position(0, "another"))


@asynccontextmanager
async def with_a_hole(live: Running) -> AsyncIterator[None]:
    yield
    exchange(live, Forgetful())
    live.server.parts.node.reconnected()


async def test_many_holes_are_looked_into_a_few_at_a_time() -> None:
    async with running(max_channels=1000) as live, live.client() as client:
        await client.sign_in()
        for number in range(500):
            await client.subscribe(f"log:{number}")
        async with with_a_hole(live):
            pass
        assert len(live.server.parts.service._tasks) < 100
        ended = [(await client.receive())["push"]["channel"] for _ in range(500)]
        assert sorted(ended) == sorted(f"log:{number}" for number in range(500))


async def test_who_subscribed_is_told_of_a_hole_by_the_channel(live: Running) -> None:
    async with live.client() as client:
        async with with_a_hole(live):
            await client.sign_in()
            await client.subscribe("log:1")
        assert (await client.receive())["push"]["unsubscribe"]["code"] == 2500


async def test_who_was_subscribed_is_told_of_a_hole_by_the_connection() -> None:
    """SDKs forget a subscription of the server when it ends, and would never ask for it again."""
    async with running(api_key=API_KEY) as live, live.client() as client:
        async with with_a_hole(live):
            await client.sign_in()
            await live.api("subscribe", user="alice", channel="log:1")
            assert "subscribe" in (await client.receive())["push"]
        assert await client.closed() == (3010, "insufficient state")


async def test_a_connect_with_subs_comes_back_for_them(live: Running) -> None:
    async with live.client() as client:
        async with with_a_hole(live):
            connect = {"token": token(), "subs": {"log:1": {}}}
            assert "log:1" in (await client.ask({"id": 1, "connect": connect}))["connect"]["subs"]
        assert await client.closed() == (3010, "insufficient state")
