"""Streams in which nothing was published: what they leave in Redis, and what they promise."""

import asyncio
import time

import pytest
from ws_server.broker import memory
from ws_server.broker import redis as redis_broker
from ws_server.broker.base import EMPTY_TTL, Keep
from ws_server.broker.memory import MemoryBroker
from ws_server.service import empty

from tests.ws.harness import running
from tests.ws.redis_server import RealRedis, replica

KEEP = Keep(size=10, ttl=60, meta_ttl=3600)
EVERYTHING = ["log:*"]


def milliseconds(redis: RealRedis, channel: str) -> int:
    """How long Redis still knows the place where a stream ends."""
    return int(redis.ask("PTTL", f"ws:meta:{channel}"))


@pytest.mark.integration
async def test_reading_leaves_nothing_for_long(redis: RealRedis) -> None:
    async with replica(redis.address) as one:
        top = (await one.broker.history("a", None, 0)).top
        assert 0 < milliseconds(redis, "a") <= EMPTY_TTL * 1000 < 3600_000
        redis.ask("PEXPIRE", "ws:meta:a", "5000")
        assert (await one.broker.history("a", None, 0)).top == top
        assert milliseconds(redis, "a") > 5000
        await one.broker.publish("a", b"1", KEEP)
        await one.broker.history("a", None, -1)
        assert milliseconds(redis, "a") > 3_500_000  # what was published is known for longer


@pytest.mark.integration
async def test_who_listens_keeps_the_stream(
    redis: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_broker, "EMPTY_TTL", 1.0)
    monkeypatch.setattr(empty, "INTERVAL", 0.2)
    async with running(redis=redis.address) as live, live.client() as client:
        await until_ready(live.server.parts.broker)
        await client.sign_in(channels=EVERYTHING)
        first = (await client.subscribe("log:1"))["subscribe"]
        await asyncio.sleep(2)
        sent = await client.ask({"id": 3, "publish": {"channel": "log:1", "data": 1}})
        pushed = sent if "push" in sent else await client.receive()
        assert pushed["push"]["pub"]["offset"] == 1  # and no unsubscribe with 2500
        await client.send({"id": 4, "history": {"channel": "log:1"}})
        while "history" not in (answer := await client.receive()):
            pass
        assert answer["history"]["epoch"] == first["epoch"]


@pytest.mark.integration
async def test_who_comes_back_late_is_told_so(
    redis: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_broker, "EMPTY_TTL", 0.5)
    async with running(redis=redis.address) as live, live.client() as client:
        await until_ready(live.server.parts.broker)
        await client.sign_in(channels=EVERYTHING)
        place = (await client.subscribe("log:1"))["subscribe"]
        since = {"recover": True, "epoch": place["epoch"], "offset": place["offset"]}
        back = {"id": 4, "subscribe": {"channel": "log:1", **since}}
        assert await client.ask({"id": 3, "unsubscribe": {"channel": "log:1"}})
        assert (await client.ask(back))["subscribe"]["recovered"] is True
        assert await client.ask({"id": 3, "unsubscribe": {"channel": "log:1"}})
        await asyncio.sleep(0.7)
        assert redis.ask("KEYS", "*log:1*") == []
        assert (await client.ask(back))["subscribe"]["recovered"] is False


async def test_a_lone_server_forgets_as_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EMPTY_TTL", 100.0)
    broker = MemoryBroker()
    await broker.history("a", None, 0)
    broker.sweep(time.monotonic() + 90)
    assert list(broker._streams) == ["a"]
    broker.sweep(time.monotonic() + 101)
    assert broker._streams == {}


async def until_ready(broker: object) -> None:
    """Wait for Redis."""
    async with asyncio.timeout(10):
        while not getattr(broker, "is_ready", False):  # noqa: ASYNC110 - asked as /readyz is
            await asyncio.sleep(0.01)
