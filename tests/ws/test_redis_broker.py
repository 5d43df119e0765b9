"""The broker against a real Redis, as it is killed, restarted and emptied; and against silence."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import redis as redis_client
from ws_server.broker import redis as redis_broker
from ws_server.broker.base import BrokerDownError, Keep
from ws_server.broker.membership import LIFETIME
from ws_server.broker.scripts import BEAT
from ws_server.core.publication import Position
from ws_server.settings.redis_address import RedisAddress

from tests.ws.redis_server import AOF, RDB, VERSIONS, RealRedis, Replica, real_redis, replica

pytestmark = pytest.mark.integration
INFO = b"role:master\r\nmaster_replid:abc\r\nmaster_repl_offset:0\r\n"
KEEP = Keep(size=10, ttl=60, meta_ttl=600)


@pytest.fixture
async def one(redis: RealRedis) -> AsyncIterator[Replica]:
    async with replica(redis.address) as broker:
        yield broker


@pytest.fixture
async def two(redis: RealRedis) -> AsyncIterator[Replica]:
    async with replica(redis.address) as broker:
        yield broker


async def fill(member: Replica, channel: str, count: int, keep: Keep = KEEP) -> Position:
    """Publish 1, 2, 3 …; gives the last place."""
    places = [await member.broker.publish(channel, b"%d" % (n + 1), keep) for n in range(count)]
    return places[-1]


async def read(
    member: Replica, channel: str, since: Position | None, limit: int = -1, *, reverse: bool = False
) -> list[int]:
    found = await member.broker.history(channel, since, limit, reverse=reverse)
    assert [b"%d" % pub.offset for pub in found.publications] == [
        pub.payload for pub in found.publications
    ]
    return [pub.offset for pub in found.publications]


async def is_down(call: Any) -> bool:
    try:
        await call
    except BrokerDownError:
        return True
    return False


# Order and history


async def test_two_replicas_hear_the_same_in_the_same_order(one: Replica, two: Replica) -> None:
    for each in (one, one, two):
        await each.broker.subscribe("room:ü")
    await asyncio.gather(
        *(each.broker.publish("room:ü", b"%d" % n, KEEP) for n in range(500) for each in (one, two))
    )
    await one.broker.publish("other", b"not for us")
    for each in (one, two):
        await each.broker.publish("room:ü", b"last")
        await each.heard.until("pub", b"last")
    assert one.heard.messages[:1000] == two.heard.messages[:1000]
    assert [pub.offset for _, _, pub in one.heard.messages[:1000]] == list(range(1, 1001))


async def test_answers_come_after_what_was_published_before(one: Replica, two: Replica) -> None:
    await one.broker.subscribe("a")
    for _ in range(100):
        await two.broker.publish("a", b"x", KEEP)
        found = await one.broker.history("a", None, 0)
        assert one.heard.messages[-1][2].offset == found.top.offset


@pytest.mark.parametrize(
    ("since", "limit", "reverse", "expected"),
    [
        (None, -1, False, [*range(3, 13)]),  # of 12, ten are kept
        (None, 0, False, []),
        (None, 3, False, [3, 4, 5]),
        (None, 3, True, [12, 11, 10]),
        (10, -1, False, [11, 12]),
        (12, -1, False, []),
        (99, -1, False, []),
        (5, 2, False, [6, 7]),
        (5, -1, True, [4, 3]),
        (1, -1, True, []),
        (0, -1, True, []),  # Redis has no name for "before the first"
        (0, 2, False, [3, 4]),
    ],
)
async def test_history(
    one: Replica, since: int | None, limit: int, reverse: bool, expected: list[int]
) -> None:
    top = await fill(one, "a", 12)
    position = None if since is None else Position(since, top.epoch)
    assert await read(one, "a", position, limit, reverse=reverse) == expected
    assert (await one.broker.history("a", None, 0)).top == top == Position(12, top.epoch)
    assert one.broker.is_ready


async def test_history_expires_and_the_count_goes_on(one: Replica) -> None:
    top = await fill(one, "a", 3, Keep(10, 0.05, 600))
    await asyncio.sleep(0.1)
    assert await read(one, "a", None) == []
    assert await fill(one, "a", 1) == Position(4, top.epoch)


async def test_what_outlives_its_count_belongs_to_no_epoch(one: Replica) -> None:
    old = await fill(one, "a", 5, Keep(10, 60, 0.05))
    await asyncio.sleep(0.1)
    assert (await one.broker.history("a", None, -1)).publications == ()
    new = await one.broker.publish("a", b"1", KEEP)
    assert new.offset == 1
    assert new.epoch != old.epoch


async def test_every_subscriber_of_an_empty_channel_learns_the_same_epoch(
    one: Replica, two: Replica
) -> None:
    tops = [(await each.broker.history("a", None, 0)).top for each in (one, two)]
    assert tops == [Position(0, tops[0].epoch)] * 2
    assert await fill(two, "a", 1) == Position(1, tops[0].epoch)


async def test_a_key_publishes_once_on_all_replicas(one: Replica, two: Replica) -> None:
    await one.broker.subscribe("a")
    places = [
        await each.broker.publish("a", payload, KEEP, "key")
        for each, payload in ((one, b"1"), (two, b"again"), (one, b"again"))
    ]
    assert len(set(places)) == 1
    await one.broker.publish("a", b"2", KEEP, "other key")
    await one.heard.until("pub", b"2")
    assert one.heard.of("pub") == [b"1", b"2"]


async def test_only_newer_versions_are_published(one: Replica, two: Replica) -> None:
    places = [
        await (one, two)[number % 2].broker.publish("a", b"%d" % offset, KEEP, version=each)
        for number, (each, offset) in enumerate(VERSIONS)
    ]
    assert [place.offset for place in places] == [offset for _, offset in VERSIONS]
    assert len({place.epoch for place in places}) == 1
    assert len(await read(one, "a", None)) == 5


async def test_keys_of_different_channels_never_meet(one: Replica) -> None:
    await one.broker.publish("a", b"1", KEEP, "b:c")
    await one.broker.publish("a:b", b"1", KEEP, "c")
    assert await read(one, "a:b", None) == [1]


async def test_who_waits_for_an_answer_that_cannot_be_read_is_told(
    one: Replica, redis: RealRedis
) -> None:
    redis.ask("SET", "ws:key:1:a:key", "written by somebody else")
    async with asyncio.timeout(5):
        with pytest.raises(BrokerDownError):
            await one.broker.publish("a", b"1", KEEP, "key")
    await one.ready()


async def test_unsubscribe(one: Replica, redis: RealRedis) -> None:
    await one.broker.subscribe("a")
    one.broker.unsubscribe("a")
    await one.broker.publish("a", b"nobody listens")
    assert one.heard.messages == []
    wanted = {b"ws-orders", f"ws-orders:{one.broker.replica}".encode()}
    assert set(redis.ask("PUBSUB", "CHANNELS")) == wanted


async def test_orders_reach_everybody(one: Replica, two: Replica) -> None:
    await one.broker.command(b"{}")
    await two.broker.command(b"[]")
    for each in (one, two):
        while len(each.heard.told) < 2:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.01)
        assert each.heard.told == [b"{}", b"[]"]


# Connections that break


async def test_who_leaves_while_subscribing_holds_nobody_up(one: Replica) -> None:
    waiting = asyncio.create_task(one.broker.subscribe("a"))
    await asyncio.sleep(0)
    one.broker.unsubscribe("a")
    async with asyncio.timeout(1):
        await waiting


async def test_channels_left_while_connecting_are_not_delivered(redis: RealRedis) -> None:
    async with replica(redis.address) as one:
        await one.broker.subscribe("a")
        redis.cut()
        await one.ready(expected=False)
        # Between SUBSCRIBE and the first answer.
        while not one.broker._is_connected:  # noqa: ASYNC110 - nothing tells of that moment
            await asyncio.sleep(0)
        one.broker.unsubscribe("a")
        await one.ready()
        assert redis.ask("PUBSUB", "NUMSUB", "ws:a") == [b"ws:a", 0]


async def test_a_cut_connection_is_told_and_the_gap_is_in_the_stream(
    one: Replica, two: Replica, redis: RealRedis
) -> None:
    await one.broker.subscribe("a")
    top = await fill(two, "a", 3)
    redis.cut()
    for each in (one, two):
        await each.ready(expected=False)
    started = time.monotonic()
    for each in (one, two):
        await each.ready()
    assert time.monotonic() - started < 2  # 0.1 s on an idle machine
    assert (one.heard.reconnections, two.heard.reconnections) == (1, 1)
    await two.broker.publish("a", b"4", KEEP)
    await one.heard.until("pub", b"4")
    assert await read(one, "a", top) == [4]


async def test_while_redis_is_away_everything_says_so() -> None:
    with real_redis(*AOF) as redis:
        async with replica(redis.address) as one:
            await one.broker.subscribe("a")
            await asyncio.to_thread(redis.kill)
            await one.ready(expected=False)
            broker = one.broker
            for call in (
                broker.publish("a", b"x"),
                broker.publish("a", b"x", KEEP, "key"),
                broker.subscribe("b"),
                broker.history("a", None, -1),
                broker.present("a"),
                broker.command(b"{}"),
            ):
                assert await is_down(call)
            broker.unsubscribe("b")
            await asyncio.to_thread(redis.start)
            await one.ready()
            await broker.publish("a", b"back")
            await one.heard.until("pub", b"back")


@pytest.mark.parametrize("options", [AOF, RDB], ids=["append-only file", "snapshots"])
async def test_a_killed_redis_never_counts_the_same_offset_twice(options: tuple[str, ...]) -> None:
    """Nor with a file: ``appendfsync everysec`` loses a second of a host that crashes."""
    with real_redis(*options) as redis:
        async with replica(redis.address) as one:
            await fill(one, "a", 3)
            redis.ask("SAVE") if options is RDB else None
            old = await fill(one, "a", 2)
            await asyncio.to_thread(redis.kill)
            await one.ready(expected=False)
            await asyncio.to_thread(redis.start)
            await one.ready()
            found = await one.broker.history("a", old, -1)
            assert found.top.epoch != old.epoch
            assert (await one.broker.publish("a", b"1", KEEP)) == Position(1, found.top.epoch)


async def test_flushall_begins_another_epoch(one: Replica, redis: RealRedis) -> None:
    old = await fill(one, "a", 3)
    redis.ask("FLUSHALL")
    new = await fill(one, "a", 1)
    assert new.offset == 1
    assert new.epoch != old.epoch


async def test_a_script_flush_is_not_noticed(one: Replica, redis: RealRedis) -> None:
    await one.broker.subscribe("a")
    redis.ask("SCRIPT", "FLUSH")
    places = await asyncio.gather(*(one.broker.publish("a", b"%d" % n, KEEP) for n in range(1000)))
    assert [place.offset for place in places] == list(range(1, 1001))
    await one.heard.until("pub", b"999")
    assert one.heard.of("pub") == [b"%d" % n for n in range(1000)]
    assert one.heard.reconnections == 0


@pytest.mark.parametrize("surplus", [b"", b"+OK\r\n"], ids=["silent", "answers nobody asked for"])
async def test_silence_is_noticed(monkeypatch: pytest.MonkeyPatch, surplus: bytes) -> None:
    """A server that greets, answers what nobody asked, and then is silent; no real Redis would."""
    monkeypatch.setattr(redis_broker, "BEAT_TIMEOUT", 0.2)
    connections = 0

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(OSError):
            await reader.readuntil(b"HELLO\r\n$1\r\n3\r\n")
            writer.write(b"%1\r\n$5\r\nproto\r\n:3\r\n")
            await reader.readuntil(b"replication\r\n")
            writer.write(b"$%d\r\n%s\r\n" % (len(INFO), INFO) + surplus)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    address = RedisAddress("127.0.0.1", server.sockets[0].getsockname()[1], 0)
    with suppress(TimeoutError):
        async with asyncio.timeout(3), replica(address):
            pass
    server.close()
    assert connections > 3


# Presence


async def clients(member: Replica, channel: str = "a") -> set[str]:
    return set(await member.broker.present(channel))


async def until_present(member: Replica, expected: set[str], limit: float = 10) -> float:
    """Wait until exactly those are present; gives the seconds that it took."""
    started = time.monotonic()
    async with asyncio.timeout(limit):
        while await clients(member) != expected:  # noqa: ASYNC110 - Redis is asked
            await asyncio.sleep(0.02)
    return time.monotonic() - started


async def test_join_and_leave_are_told_once(one: Replica, two: Replica) -> None:
    await two.broker.subscribe("a")
    for _ in range(2):
        await one.broker.enter("a", "c1", b'{"client":"c1"}', announce=True)
    assert await two.broker.present("a") == {"c1": b'{"client":"c1"}'}
    await one.broker.enter("a", "quiet", b"{}", announce=False)
    for client in ("c1", "c1", "quiet"):
        await one.broker.exit("a", client, announce=client != "quiet")
    await one.broker.publish("a", b"done")
    await two.heard.until("pub", b"done")
    assert [kind for _, kind, _ in two.heard.messages] == ["join", "leave", "pub"]
    assert await clients(two) == set()


async def test_a_replica_that_dies_leaves_within_five_seconds(
    redis: RealRedis, two: Replica
) -> None:
    await two.broker.subscribe("a")
    async with replica(redis.address) as one:
        for number in range(1000):
            await one.broker.enter("a", f"c{number}", b"%d" % number, announce=True)
        await one.die()
        assert await until_present(two, set()) < 6
    await two.heard.until("leave", b"0")
    assert len(two.heard.of("leave")) == len(set(two.heard.of("leave"))) == 1000


async def test_who_buries_a_replica_may_die_as_well(redis: RealRedis, two: Replica) -> None:
    """Another has to take over: the dead one is not forgotten before all its members are."""
    redis.ask("SADD", "ws:members:dead", "1 c1 a")
    redis.ask("HSET", "ws:present:a", "c1", "{}")
    with redis_client.Redis(port=redis.port) as link, link.pipeline() as together:
        together.zadd("ws:replicas", {"dead": 1}).eval(BEAT, 1, "ws:replicas", "half", 500, "", 1)
        assert together.execute()[1] == [1, b"dead"]  # and now the one who asked dies
    assert await clients(two) == {"c1"}
    assert await until_present(two, set()) < LIFETIME + 3


async def test_a_replica_that_was_taken_for_dead_comes_back(
    one: Replica, two: Replica, redis: RealRedis
) -> None:
    await one.broker.enter("a", "c1", b"{}", announce=True)
    redis.ask("ZADD", "ws:replicas", "1", one.broker.replica)  # as if it had not beaten for long
    redis.ask("HDEL", "ws:present:a", "c1")
    redis.ask("ZREM", "ws:replicas", one.broker.replica)
    await until_present(two, {"c1"}, 3)


async def test_presence_is_told_anew_to_a_redis_that_lost_it(
    one: Replica, redis: RealRedis
) -> None:
    await one.broker.enter("a", "c1", b"{}", announce=True)
    redis.ask("FLUSHALL")
    await until_present(one, {"c1"}, 3)


async def test_who_left_while_redis_was_away_is_no_ghost(one: Replica, redis: RealRedis) -> None:
    for client in ("c1", "c2"):
        await one.broker.enter("a", client, b"{}", announce=True)
    redis.cut()
    await one.ready(expected=False)
    assert await is_down(one.broker.exit("a", "c1", announce=True))
    await one.broker.enter("a", "c3", b"{}", announce=True)
    await one.ready()
    await until_present(one, {"c2", "c3"}, 3)
