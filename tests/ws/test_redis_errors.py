"""What Redis refuses, request by request: an error is that of its request, and of no other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from ws_server.broker import membership
from ws_server.broker import redis as redis_broker
from ws_server.broker.base import BrokerRefusedError
from ws_server.core.publication import Position, Version

from tests.integration.containers import eventually
from tests.ws.harness import API_KEY, running, until
from tests.ws.redis_server import RealRedis, Replica, real_redis, replica, user_options
from tests.ws.test_redis_broker import KEEP, fill, read

pytestmark = pytest.mark.integration
INFO = b'{"user":"alice","client":"c"}'


@pytest.fixture(scope="module")
def shared() -> Iterator[RealRedis]:
    options = ("--enable-protected-configs", "yes", "--save", "")
    with real_redis(*options, *user_options("app")) as server:
        yield server


@pytest.fixture
def redis(shared: RealRedis) -> Iterator[RealRedis]:
    """A Redis that is empty, and whose settings are put back."""
    shared.ask("FLUSHALL")
    yield shared
    for name, value in (("maxmemory", "0"), ("dir", "/data"), ("min-replicas-to-write", "0")):
        shared.ask("CONFIG", "SET", name, value)
    eventually(partial(save, shared, "ok"))


@pytest.fixture
async def one(redis: RealRedis) -> AsyncIterator[Replica]:
    async with replica(redis.address) as broker:
        yield broker
        assert broker.heard.reconnections == 0, "an error reply cut the connection"


def full(redis: RealRedis) -> None:
    redis.ask("CONFIG", "SET", "maxmemory", "1")


def unsaved(redis: RealRedis) -> None:
    """Let a snapshot fail: its folder takes no file."""
    redis.ask("CONFIG", "SET", "dir", "/proc")
    redis.ask("CONFIG", "SET", "save", "3600 1")
    eventually(partial(save, redis, "err"))


def save(redis: RealRedis, expected: str) -> None:
    """Begin a snapshot, unless the last one ended as expected."""
    if (status := redis.ask("INFO", "persistence")["rdb_last_bgsave_status"]) != expected:
        redis.ask("BGSAVE")
        raise AssertionError(status)


def alone(redis: RealRedis) -> None:
    redis.ask("CONFIG", "SET", "min-replicas-to-write", "1")


@pytest.mark.parametrize(
    ("refuse", "code"), [(full, "OOM"), (unsaved, "MISCONF"), (alone, "NOREPLICAS")]
)
async def test_refused_writes_leave_all_else_alone(
    one: Replica, redis: RealRedis, refuse: Callable[[RealRedis], None], code: str
) -> None:
    await one.broker.subscribe("a")
    top = await fill(one, "a", 3)
    refuse(redis)
    for _ in range(20):
        with pytest.raises(BrokerRefusedError, match=f"^{code} "):
            await one.broker.publish("a", b"refused", KEEP)
        await one.broker.publish("b", b"not kept")
    assert (await one.broker.history("a", None, -1)).top == top
    await until(lambda: one.broker.degraded.startswith(f"{code} "))
    async with replica(redis.address) as another:  # who comes now is not kept out
        assert (await another.broker.history("a", None, -1)).top == top
    assert one.broker.is_ready


async def test_presence_is_told_when_redis_writes_again(
    one: Replica, redis: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "OWED_EVERY", 0.1)
    await one.broker.enter("a", "stays", INFO, announce=False)
    full(redis)
    with pytest.raises(BrokerRefusedError):
        await one.broker.enter("a", "c", INFO, announce=False)
    await until(lambda: one.broker.degraded)
    redis.ask("CONFIG", "SET", "maxmemory", "0")
    await until(lambda: not one.broker.degraded)
    async with replica(redis.address) as another:
        async with asyncio.timeout(10):
            while await another.broker.present("a") != {"stays": INFO, "c": INFO}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_a_key_of_another_type_is_the_fault_of_one_channel(
    one: Replica, redis: RealRedis
) -> None:
    await fill(one, "a", 1)
    redis.ask("SET", "ws:stream:a", "not a stream")
    redis.ask("SET", "ws:meta:b", "not a hash")
    for channel in "ab":
        with pytest.raises(BrokerRefusedError, match="WRONGTYPE"):
            await one.broker.publish(channel, b"refused", KEEP)
    with pytest.raises(BrokerRefusedError, match="WRONGTYPE"):
        await one.broker.history("b", None, -1)
    assert (await fill(one, "c", 3)).offset == 3
    redis.ask("DEL", "ws:stream:a")
    assert (await fill(one, "a", 1)).offset == 2, "a refused publication took an offset"
    assert not one.broker.degraded


async def test_a_topic_that_redis_does_not_permit_is_refused_alone(redis: RealRedis) -> None:
    redis.ask("ACL", "SETUSER", "app", "resetchannels", "&ws-orders*", "&ws:room*")
    address = replace(redis.address, username="app", password="app")
    async with replica(address) as one:
        with pytest.raises(BrokerRefusedError, match="NOPERM"):
            await one.broker.subscribe("secret")
        await one.broker.subscribe("room")
        with pytest.raises(BrokerRefusedError):
            await one.broker.publish("secret", b"refused", KEEP)
        await one.broker.publish("room", b"heard")
        await one.heard.until("pub", b"heard")
        assert one.heard.reconnections == 0


async def test_scripts_that_are_gone_are_sent_again_in_order(
    one: Replica, redis: RealRedis
) -> None:
    await one.broker.subscribe("a")
    for round_ in range(5):
        redis.ask("SCRIPT", "FLUSH")
        await asyncio.gather(
            *(one.broker.publish("a", b"%d" % (round_ * 100 + n), KEEP) for n in range(100))
        )
    payloads = [each.payload for _, _, each in one.heard.messages]
    assert payloads == [b"%d" % n for n in range(500)]


async def test_a_degraded_redis_is_shown_and_leaves_the_server_ready(redis: RealRedis) -> None:
    async with running(redis=redis.address, api_key=API_KEY) as live:
        await until(lambda: live.server.parts.broker.is_ready)
        assert '"degraded": []' in await live.http("GET /readyz HTTP/1.1\nHost: localhost")
        full(redis)
        await until(lambda: live.server.parts.broker.degraded)
        answer = await live.http("GET /readyz HTTP/1.1\nHost: localhost")
        assert answer.startswith("HTTP/1.1 200 ")
        assert '"degraded": ["redis"]' in answer
        metrics = await live.http("GET /metrics HTTP/1.1\nHost: localhost", live.server.api_port)
        assert 'ws_dependency_degraded{dependency="redis"} 1.0' in metrics
        assert '"dependency_degraded"' in live.logged


async def test_what_waited_longer_than_keys_are_remembered_is_refused(
    one: Replica, redis: RealRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_broker, "KEY_TTL", 2)
    deadline = one.broker.deadline()  # and then it is paused, and another one takes over
    async with replica(redis.address) as two:
        place = await two.broker.publish("a", b"1", KEEP, "key", two.broker.deadline())
    assert await one.broker.publish("a", b"1", KEEP, "key", deadline) == place
    await asyncio.sleep(3)
    with pytest.raises(BrokerRefusedError, match="LATE"):
        await one.broker.publish("a", b"1", KEEP, "other key", deadline)
    await one.broker.publish("a", b"2", KEEP, "other key", one.broker.deadline())
    assert await read(one, "a", None) == [1, 2]


async def test_a_version_that_was_not_stored_may_come_again(one: Replica, redis: RealRedis) -> None:
    await one.broker.publish("a", b"1", KEEP, version=Version(1))
    full(redis)
    with pytest.raises(BrokerRefusedError):
        await one.broker.publish("a", b"2", KEEP, version=Version(2))
    redis.ask("CONFIG", "SET", "maxmemory", "0")
    assert (await one.broker.publish("a", b"2", KEEP, version=Version(2))).offset == 2


async def test_what_was_refused_is_not_overtaken(one: Replica, redis: RealRedis) -> None:
    """Redis may take writes again between two publications that left together."""

    def publish(number: int, after: int = 0) -> asyncio.Future[Position]:
        before = f"k{after}" if after else ""
        return one.broker.publish("a", b"%d" % number, KEEP, f"k{number}", after=before)

    await publish(1)
    full(redis)
    second = publish(2, after=1)
    with pytest.raises(BrokerRefusedError, match="OOM"):
        await second
    redis.ask("CONFIG", "SET", "maxmemory", "0")
    third, fourth = publish(3, after=2), publish(4, after=3)
    for each in (third, fourth):
        with pytest.raises(BrokerRefusedError, match="EARLY"):
            await each
    places = [await publish(number, after=number - 1) for number in (2, 3, 4)]
    assert [place.offset for place in places] == [2, 3, 4]
    assert await read(one, "a", None) == [1, 2, 3, 4]
