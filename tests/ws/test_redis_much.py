"""The broker when there is much: large answers, many at once, many members, orders, databases."""

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator

import pytest
import redis as redis_client
from ws_server.broker import membership
from ws_server.broker import redis as redis_broker
from ws_server.broker.base import MAX_HISTORY_BYTES, BrokerDownError, Keep
from ws_server.core.publication import Position

from tests.ws.harness import Running, running, until
from tests.ws.redis_server import RealRedis, Replica, replica

pytestmark = pytest.mark.integration
KEEP = Keep(size=1000, ttl=60, meta_ttl=600)
INFO = b'{"user":"alice","client":"c"}'


@pytest.fixture
async def one(redis: RealRedis) -> AsyncIterator[Replica]:
    async with replica(redis.address) as broker:
        yield broker
        assert broker.heard.reconnections == 0


async def fill(one: Replica, count: int, size: int) -> None:
    for start in range(0, count, 50):
        many = min(50, count - start)
        await asyncio.gather(*(one.broker.publish("log:1", b"x" * size, KEEP) for _ in range(many)))


async def ready(live: Running) -> None:
    await until(lambda: live.server.parts.broker.is_ready, 20)


async def test_a_history_that_is_too_large_is_cut_and_breaks_nothing(one: Replica) -> None:
    await fill(one, 1000, 60_000)
    found = await one.broker.history("log:1", Position(10, ""), -1)
    assert found.top.offset == 1000
    offsets = [pub.offset for pub in found.publications]
    assert offsets == list(range(11, 11 + MAX_HISTORY_BYTES // 60_000))
    latest = await one.broker.history("log:1", None, -1, reverse=True)
    assert latest.publications[0].offset == 1000
    assert len((await one.broker.history("log:1", Position(995, ""), -1)).publications) == 5


async def test_one_publication_that_is_too_large_is_left_out(one: Replica) -> None:
    await fill(one, 1, MAX_HISTORY_BYTES + 1)
    found = await one.broker.history("log:1", None, -1)
    assert (found.top.offset, found.publications) == (1, ())


async def test_a_crowd_that_recovers_at_once(one: Replica) -> None:
    await fill(one, 100, 1000)
    asked = (one.broker.history("log:1", None, -1) for _ in range(1000))
    assert {len(found.publications) for found in await asyncio.gather(*asked)} == {100}


async def test_a_crowd_that_asks_who_is_present(redis: RealRedis, one: Replica) -> None:
    with redis_client.Redis(port=redis.port) as link:
        link.hset("ws:present:log:1", mapping={f"{n:032x}": INFO for n in range(20_000)})
    present = await asyncio.gather(*(one.broker.present("log:1") for _ in range(40)))
    assert {len(found) for found in present} == {20_000}


async def test_a_burst_is_more_than_redis_holds_for_one_connection(one: Replica) -> None:
    await one.broker.subscribe("a")
    payloads = [b"%d".ljust(1000) % n for n in range(20_000)]
    published = [one.broker.publish("a", payload) for payload in payloads]
    for _ in range(20):
        await asyncio.sleep(0)
        time.sleep(0.02)  # noqa: ASYNC251 - a loop that is busy with other things reads rarely
    await asyncio.gather(*published)
    assert one.heard.of("pub") == payloads


async def test_the_sign_of_life_overtakes_what_waits_to_be_sent(one: Replica) -> None:
    link = one.broker._link
    waiting = [link.request(b"PUBLISH", b"nobody", b"%d" % n) for n in range(10_000)]
    await link.request(b"PING", is_urgent=True)
    assert not waiting[-1].done()
    await waiting[-1]


async def test_more_members_than_fit_into_one_answer(redis: RealRedis, one: Replica) -> None:
    def fill(link: redis_client.Redis) -> None:
        for start in range(0, 400_000, 20_000):
            numbers = range(start, start + 20_000)
            link.hset("ws:present:log:1", mapping={f"{n:050x}": INFO for n in numbers})
            link.sadd(f"ws:members:{one.broker.replica}", *(f"0 {n:070x} log:1" for n in numbers))

    with redis_client.Redis(port=redis.port) as link:
        await asyncio.to_thread(fill, link)  # the beat has to go on meanwhile
    assert len(await one.broker.present("log:1")) == 400_000
    assert len(await one.broker._presence.members(one.broker.replica)) == 400_000


async def test_more_orders_that_stand_than_fit_into_one_answer(redis: RealRedis) -> None:
    many, ends = 300_000, (time.time() + 1e6) * 1000
    with redis_client.Redis(port=redis.port) as link:
        for start in range(0, many, 10_000):
            numbers = range(start, start + 10_000)
            link.zadd(
                "ws:orders", {json.dumps({"padding": "x" * 100, "n": n}): ends for n in numbers}
            )
        revoked = json.dumps({"revoke": {"user": "alice", "before": 2**40, "until": 2**41}})
        link.zadd("ws:orders", {revoked: ends - 1})
    async with running(redis=redis.address) as live:
        await ready(live)
        assert len(live.server.parts.revoking.known) == 1


async def test_a_revocation_outlives_a_redis_that_lost_all(redis: RealRedis) -> None:
    async with running(redis=redis.address) as old:
        await ready(old)
        await old.server.parts.revoking.revoke(user="alice")
        redis.ask("FLUSHALL")
        redis.cut()
        async with running(redis=redis.address) as new:
            await until(new.server.parts.revoking.known.current)


async def test_a_redis_that_falls_silent_while_it_is_told_who_is_here(
    redis: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_broker, "BEAT_TIMEOUT", 0.5)
    async with replica(redis.address) as one:
        for number in range(3000):
            await one.broker.enter("log:1", f"{number}", INFO, announce=False)
        redis.ask("DEL", "ws:replicas")  # the next beat tells it all again
        enter = one.broker._presence.enter

        async def last_words(channel: str, client: str) -> None:
            if client == "1500":
                await asyncio.to_thread(redis.container.pause)
            await enter(channel, client)

        monkeypatch.setattr(one.broker._presence, "enter", last_words)
        try:
            await one.ready(expected=False)
            monkeypatch.undo()
        finally:
            redis.container.unpause()
        await one.ready()


async def test_a_replica_with_many_members_lives_while_it_tells_of_them(
    redis: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "LIFETIME", 0.5)
    monkeypatch.setattr(redis_broker, "BEAT_INTERVAL", 0.1)
    monkeypatch.setattr(redis_broker, "PART", 100)
    async with replica(redis.address) as one, replica(redis.address) as two:
        for number in range(20_000):
            one.broker._presence.here["log:1", f"{number}"] = (INFO, True)
        await two.broker.subscribe("log:1")
        redis.ask("DEL", "ws:replicas")
        await until(lambda: len(two.heard.of("join")) >= 20_000, 30)
        await asyncio.sleep(1)
        assert two.heard.of("leave") == []


async def test_many_channels_are_subscribed_anew(
    redis: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with replica(redis.address) as one:
        for start in range(0, 100_000, 1000):
            numbers = range(start, start + 1000)
            await asyncio.gather(*(one.broker.subscribe(f"room:{n}") for n in numbers))
        monkeypatch.setattr(redis_broker, "BEAT_TIMEOUT", 0.5)
        redis.cut()
        await one.ready(expected=False)
        one.broker.unsubscribe("room:99999")
        await one.ready()
        assert len(redis.ask("PUBSUB", "CHANNELS", "ws:room:*")) == 99_999


async def test_another_database_of_the_same_redis_hears_nothing(
    redis: RealRedis, one: Replica
) -> None:
    async with replica(dataclasses.replace(redis.address, db=1)) as other:
        for each in (one, other):
            await each.broker.subscribe("log:1")
        for each, name in ((one, b"0"), (other, b"1")):
            await each.broker.publish("log:1", name, KEEP)
            await each.broker.enter("log:1", "c", name, announce=True)
            await each.broker.command(name)
            await each.broker.command(name, other.broker.replica)
            await each.heard.until("join", name)
        assert (one.heard.of("pub"), one.heard.of("join"), one.heard.told) == ([b"0"],) * 3
        assert (other.heard.of("pub"), other.heard.of("join")) == ([b"1"],) * 2
        assert other.heard.told == [b"1", b"1"]


async def test_who_waits_for_an_answer_hears_that_redis_is_gone(one: Replica) -> None:
    await fill(one, 20, 60_000)
    asked = [asyncio.ensure_future(one.broker.history("log:1", None, -1)) for _ in range(50)]
    await asyncio.sleep(0)
    await one.die()
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(outcome, BrokerDownError) for outcome in outcomes)
