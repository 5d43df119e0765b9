"""Redis as it fails over: what was acknowledged and is gone must never look recovered."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from ws_server.broker.base import BrokerDownError, Keep
from ws_server.broker.redis import RedisBroker
from ws_server.core.publication import Position
from ws_server.log import Log

from tests.ws.harness import Nobody, running, until
from tests.ws.redis_server import (
    AOF,
    RDB,
    Address,
    RealRedis,
    Replica,
    Servers,
    address_of,
    redis_servers,
    replica,
)
from tests.ws.test_redis_broker import KEEP, fill, read

pytestmark = pytest.mark.integration
CHANNEL = "room:1"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with redis_servers() as place:
        yield place


@pytest.fixture(params=[AOF, RDB], ids=["aof", "rdb"])
def pair(request: pytest.FixtureRequest, servers: Servers) -> tuple[RealRedis, RealRedis]:
    """A master and its replica."""
    master, follower = servers.start(*request.param), servers.start(*request.param)
    follower.follow(master)
    return master, follower


@pytest.fixture
async def address(pair: tuple[RealRedis, RealRedis]) -> AsyncIterator[Address]:
    async with address_of(pair[0]) as where:
        yield where


@pytest.fixture
async def one(address: Address, pair: tuple[RealRedis, RealRedis]) -> AsyncIterator[Replica]:
    async with replica(replace(pair[0].address, port=address.port)) as broker:
        yield broker


async def fail_over(address: Address, master: RealRedis, follower: RealRedis) -> None:
    """Kill the master, promote the replica, and lead the address there."""
    await asyncio.to_thread(master.kill)
    await asyncio.to_thread(follower.follow, None)
    address.lead_to(follower.port)


async def test_a_promoted_replica_that_lagged_begins_another_epoch(
    one: Replica, address: Address, pair: tuple[RealRedis, RealRedis]
) -> None:
    master, follower = pair
    before = await fill(one, CHANNEL, 10)
    assert await asyncio.to_thread(master.ask, "WAIT", "1", "2000") == 1
    await asyncio.to_thread(follower.stop_following)
    for number in range(11, 16):
        before = await one.broker.publish(CHANNEL, b"%d" % number, KEEP)
    assert before.offset == 15
    await fail_over(address, master, follower)
    await one.ready(expected=False)
    await one.ready()
    assert one.heard.reconnections == 1
    after = await fill(one, CHANNEL, 10)
    assert after.epoch != before.epoch
    assert after.offset == 10
    assert await read(one, CHANNEL, Position(0, "")) == list(range(1, 11))


async def test_a_subscriber_of_the_lost_master_is_told(
    address: Address, pair: tuple[RealRedis, RealRedis]
) -> None:
    master, follower = pair
    async with running(redis=replace(master.address, port=address.port)) as live:
        await until(lambda: live.server.parts.broker.is_ready)
        async with live.client() as stays, live.client() as comes_back:
            for each in (stays, comes_back):
                await each.sign_in(channels=["log:1"])
            joined = (await stays.subscribe("log:1"))["subscribe"]
            broker, keep = live.server.parts.broker, Keep(size=10, ttl=60, meta_ttl=600)
            await broker.publish("log:1", b'{"data":1}', keep)
            await asyncio.to_thread(follower.stop_following)
            await broker.publish("log:1", b'{"data":2}', keep)
            assert [(await stays.receive())["push"]["pub"]["offset"] for _ in "12"] == [1, 2]
            await fail_over(address, master, follower)
            assert (await stays.receive())["push"]["unsubscribe"]["code"] == 2500
            await until(lambda: broker.is_ready)
            for payload in (b'{"data":3}', b'{"data":4}'):
                await broker.publish("log:1", payload, keep)
            since = {"channel": "log:1", "recover": True, "offset": 2, "epoch": joined["epoch"]}
            answer = (await comes_back.ask({"id": 4, "subscribe": since}))["subscribe"]
            assert not answer.get("recovered")
            assert (answer["offset"], answer["epoch"] != joined["epoch"]) == (2, True)


async def test_a_demoted_master_sends_its_clients_to_the_new_one(
    pair: tuple[RealRedis, RealRedis],
) -> None:
    master, follower = pair
    async with replica(master.address) as one:
        before = await fill(one, CHANNEL, 3)
        await asyncio.to_thread(follower.follow, None)
        await asyncio.to_thread(master.follow, follower)
        with pytest.raises(BrokerDownError):
            await one.broker.publish(CHANNEL, b"refused", KEEP)
        await one.ready(expected=False)
        await one.ready()
        after = await one.broker.publish(CHANNEL, b"1", KEEP)
        assert after.epoch != before.epoch
        assert follower.ask("EXISTS", f"ws:stream:{CHANNEL}")


async def test_a_replica_whose_master_is_gone_is_not_used(
    pair: tuple[RealRedis, RealRedis],
) -> None:
    _, follower = pair
    await asyncio.to_thread(follower.stop_following)
    heard = io.StringIO()
    broker = RedisBroker(follower.address, Log("info", heard))
    task = asyncio.create_task(broker.run(Nobody()))
    await until(lambda: "dependency_down" in heard.getvalue())
    assert not broker.is_ready
    follower.ask("REPLICAOF", "NO", "ONE")
    await until(lambda: broker.is_ready)
    task.cancel()


async def test_a_publication_is_acknowledged_when_replicas_have_it(
    pair: tuple[RealRedis, RealRedis],
) -> None:
    master, follower = pair
    async with replica(replace(master.address, min_replicas=1)) as one:
        await asyncio.gather(*(one.broker.publish(CHANNEL, b"%d" % n, KEEP) for n in range(200)))
        assert follower.ask("HGET", f"ws:meta:{CHANNEL}", "o") == b"200"
        await asyncio.to_thread(follower.container.pause)
        held = one.broker.publish(CHANNEL, b"held", KEEP, "key")
        await one.broker.publish(CHANNEL, b"at once, because it is not kept")
        assert not held.done()
        with pytest.raises(BrokerDownError, match="0 of 1 replicas"):
            await held
        assert one.broker.degraded
        await asyncio.to_thread(follower.container.unpause)
        again = await one.broker.publish(CHANNEL, b"held", KEEP, "key")
        assert again.offset == 201, "the key was forgotten"
        assert not one.broker.degraded
        assert follower.ask("HGET", f"ws:meta:{CHANNEL}", "o") == b"201"
        assert one.heard.reconnections == 0
