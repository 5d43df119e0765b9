"""From a commit in Postgres to a client, through a real Redis: once, in order, whatever happens."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from docker.models.containers import Container
from psycopg import AsyncConnection
from ws_server.broker.base import BrokerRefusedError
from ws_server.core.namespaces import Namespace, Namespaces
from ws_server.core.publication import Position
from ws_server.outbox.relay import Row
from ws_server.settings.config import PostgresAddress
from ws_server.settings.redis_address import RedisAddress

from tests.integration.outbox.backends import Backends
from tests.ws.harness import Client, Running, running, until

PUBLISH = "SELECT realtime.publish(%s, to_jsonb(%s::int))"
NAMESPACES = Namespaces(
    {"": Namespace(), "kept": Namespace(history_size=10_000, history_ttl=600, force_recovery=True)}
)


@asynccontextmanager
async def serving(backends: Backends, database: str, **settings: Any) -> AsyncIterator[Running]:
    """A server with a relay, in this process; ready for events."""
    defaults: dict[str, Any] = {
        "redis": RedisAddress("127.0.0.1", backends.redis_port, 0),
        "postgres": PostgresAddress(backends.uri(database)),
        "outbox": True,
        "namespaces": NAMESPACES,
    }
    async with running(**defaults | settings) as live:
        await until(lambda: live.server.parts.broker.is_ready)
        yield live


@asynccontextmanager
async def listening(live: Running, *channels: str) -> AsyncIterator[Client]:
    async with live.client() as client:
        await client.sign_in(channels=["*"])
        for channel in channels:
            await client.subscribe(channel)
        yield client


@asynccontextmanager
async def without(container: Container) -> AsyncIterator[None]:
    """Stop a container, and start it again whatever happens."""
    await asyncio.to_thread(container.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(container.start)


async def received(client: Client, count: int) -> list[Any]:
    """Channel and data of that many publications."""
    pushes = [(await message(client))["push"] for _ in range(count)]
    return [(push["channel"], push["pub"]["data"]) for push in pushes]


async def message(client: Client) -> Any:
    while True:
        said = await client.receive()
        if said:  # the empty one is a ping
            return said


async def is_quiet(client: Client, seconds: float = 0.5) -> bool:
    """Whether nothing arrives for so long."""
    try:
        async with asyncio.timeout(seconds):
            await client.receive()
    except TimeoutError:
        return True
    return False


def publish(db: psycopg.Connection, channel: str, numbers: Iterable[int]) -> None:
    """One transaction each."""
    for number in numbers:
        db.execute(PUBLISH, [channel, number])


def waiting(db: psycopg.Connection) -> Any:
    return db.execute("SELECT count(*) FROM realtime.outbox").fetchone()


def backends_of(db: psycopg.Connection, purpose: str = "outbox") -> list[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    rows = db.execute(query + " AND application_name = %s", [f"ws_server {purpose}"])
    return [row[0] for row in rows]


async def test_what_commits_arrives_and_is_gone(backends: Backends, db: psycopg.Connection) -> None:
    async with serving(backends, db.info.dbname) as live, listening(live, "a") as client:
        db.execute("""SELECT realtime.publish('a', '{"é": [1.50, 1e2, null]}', '{"t": "1"}')""")
        pushed = await message(client)
        pub = {"data": {"é": [1.5, 100, None]}, "tags": {"t": "1"}}
        assert pushed == {"push": {"channel": "a", "pub": pub}}
        await until(lambda: waiting(db) == (0,))


async def test_numbers_keep_all_their_digits(backends: Backends, db: psycopg.Connection) -> None:
    digits = "123456789012345678901234567890.123456789012345678901234567890"
    async with serving(backends, db.info.dbname) as live, listening(live, "a") as client:
        db.execute("SELECT realtime.publish('a', %s::jsonb)", [digits])
        assert digits in str(await client.socket.recv())


async def test_what_rolls_back_is_never_seen(backends: Backends, db: psycopg.Connection) -> None:
    async with serving(backends, db.info.dbname) as live, listening(live, "a") as client:
        with db.transaction():
            publish(db, "a", [1])
            with db.transaction() as inner:
                publish(db, "a", [2])
                raise psycopg.Rollback(inner)
        with db.transaction() as outer:
            publish(db, "a", [3])
            raise psycopg.Rollback(outer)
        publish(db, "a", [4])
        assert await received(client, 2) == [("a", 1), ("a", 4)]
        assert await is_quiet(client)


async def test_a_thousand_in_one_transaction(backends: Backends, db: psycopg.Connection) -> None:
    names = ("kept:1", "a", "b")
    async with serving(backends, db.info.dbname) as live, listening(live, *names) as client:
        wanted = [(random.choice(names), number) for number in range(1000)]
        with db.transaction():
            for name, number in wanted:
                db.execute(PUBLISH, [name, number])
        found = await received(client, 1000)
        for name in names:
            assert [e for e in found if e[0] == name] == [e for e in wanted if e[0] == name]
        assert await is_quiet(client)


async def test_twenty_writers_at_once(backends: Backends, db: psycopg.Connection) -> None:
    """Each writes into its own channel, and all into one; what one wrote stays in its order."""

    async def write(writer: int) -> None:
        async with await AsyncConnection.connect(backends.uri(db.info.dbname)) as link:
            for number in range(30):
                async with link.transaction():
                    await link.execute(PUBLISH, ["kept:all", writer * 1000 + number])
                    await asyncio.sleep(random.uniform(0, 0.005))
                    await link.execute(PUBLISH, [f"w{writer}", number])

    names = ["kept:all", *(f"w{writer}" for writer in range(20))]
    async with serving(backends, db.info.dbname) as live, listening(live, *names) as client:
        reading = asyncio.create_task(received(client, 1200))
        await asyncio.gather(*(write(writer) for writer in range(20)))
        found = await reading
        assert await is_quiet(client)
    for writer in range(20):
        own = [data for name, data in found if name == f"w{writer}"]
        shared = [n % 1000 for name, n in found if name == "kept:all" and n // 1000 == writer]
        assert (own, shared) == ([*range(30)], [*range(30)])


async def test_one_who_commits_late_is_not_passed_over(
    backends: Backends, db: psycopg.Connection
) -> None:
    uri = backends.uri(db.info.dbname)
    async with (
        serving(backends, db.info.dbname) as live,
        listening(live, "a") as client,
        await AsyncConnection.connect(uri) as late,
    ):
        await late.execute(PUBLISH, ["a", 1])
        publish(db, "a", [2])
        assert await received(client, 1) == [("a", 2)]
        await late.commit()
        assert await received(client, 1) == [("a", 1)]


async def test_a_leader_whose_backend_is_ended_loses_and_doubles_nothing(
    backends: Backends, db: psycopg.Connection
) -> None:
    async with (
        serving(backends, db.info.dbname) as one,
        serving(backends, db.info.dbname) as two,
        listening(two, "a", "kept:1") as client,
    ):
        relays = [one.server.parts.relay, two.server.parts.relay]
        await until(lambda: sum(relay.lag.shards for relay in relays if relay) == 4)
        reading = asyncio.create_task(received(client, 600))
        for number in range(300):
            publish(db, "a", [number])
            publish(db, "kept:1", [number])
            if number % 60 == 30:
                victim = random.choice(backends_of(db) or [0])
                db.execute("SELECT pg_terminate_backend(%s)", [victim])
            await asyncio.sleep(0.005)
        found = await reading
        assert [n for name, n in found if name == "a"] == [*range(300)]
        assert [n for name, n in found if name == "kept:1"] == [*range(300)]
        assert await is_quiet(client)


async def test_a_crash_between_publishing_and_deleting_doubles_nothing(
    backends: Backends, db: psycopg.Connection
) -> None:
    async with serving(backends, db.info.dbname) as live, listening(live, "a", "kept:1") as client:
        relay = live.server.parts.relay
        assert relay
        real, crashes = live.server.parts.service.publish, 0

        async def crashing(
            channel: str, payload: bytes, *, key: str, until: float, after: str
        ) -> Position:
            nonlocal crashes
            place = await real(channel, payload, key=key, until=until, after=after)
            if random.random() < 0.3 and crashes < 5:
                crashes += 1
                for pid in backends_of(db):
                    db.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
            return place

        relay._publish = crashing
        publish(db, "a", range(20))
        publish(db, "kept:1", range(20))
        found = await received(client, 40)
        assert [n for name, n in found if name == "a"] == [*range(20)]
        assert [n for name, n in found if name == "kept:1"] == [*range(20)]
        assert crashes
        assert await is_quiet(client)
        await until(lambda: waiting(db) == (0,))


async def test_a_row_that_is_refused_is_not_overtaken(
    backends: Backends, db: psycopg.Connection
) -> None:
    """As by a Redis whose memory is full for a moment, within one batch."""
    async with serving(backends, db.info.dbname) as live, listening(live, "a", "kept:1") as client:
        relay = live.server.parts.relay
        assert relay
        real, refused = live.server.parts.service.publish, set[str]()

        async def refusing(
            channel: str, payload: bytes, *, key: str, until: float, after: str
        ) -> Position:
            if payload == b'{"data":5}' and channel not in refused:
                refused.add(channel)
                raise BrokerRefusedError("OOM")
            return await real(channel, payload, key=key, until=until, after=after)

        relay._publish = refusing
        with db.transaction():  # so that one look shows them all
            publish(db, "a", range(20))
            publish(db, "kept:1", range(20))
        found = await received(client, 40)
        assert refused == {"a", "kept:1"}
        assert [n for name, n in found if name == "a"] == [*range(20)]
        assert [n for name, n in found if name == "kept:1"] == [*range(20)]
        assert await is_quiet(client)
        await until(lambda: waiting(db) == (0,))


async def test_an_id_that_comes_again_is_another_event(
    backends: Backends, db: psycopg.Connection
) -> None:
    """As after a failover to a replica that had not heard of everything."""
    async with serving(backends, db.info.dbname) as live, listening(live, "a") as client:
        for number in range(3):
            db.execute("ALTER TABLE realtime.outbox ALTER COLUMN id RESTART WITH 7")
            publish(db, "a", [number])
            assert await received(client, 1) == [("a", number)]
            await until(lambda: waiting(db) == (0,))


async def test_rows_wait_for_a_redis_that_is_away(
    backends: Backends, db: psycopg.Connection
) -> None:
    """A client that reads a history gets all; the others get what comes after."""
    async with serving(backends, db.info.dbname) as live, listening(live, "kept:1") as client:
        publish(db, "kept:1", range(10))
        found = await received(client, 10)
        relay = live.server.parts.relay
        assert relay
        async with without(backends.redis):
            await until(lambda: not live.server.parts.broker.is_ready)
            publish(db, "kept:1", range(10, 20))
            await until(lambda: relay.lag.waiting == 10)
            await until(lambda: relay.lag.shards == 0)
            assert waiting(db) == (10,)
            shown = {gauge.name: gauge.read() for gauge in live.server.parts.gauges}
            assert (shown["outbox_rows"], shown["outbox_shards"]) == (10, 0)
            assert shown["outbox_oldest_seconds"] > 0
        # This Redis has no append-only file, so it begins new streams, and clients are told.
        assert (await message(client))["push"]["unsubscribe"]["code"] == 2500
        wanted = {"channel": "kept:1", "recover": True, "offset": 0, "epoch": ""}
        reply = await client.ask({"id": 9, "subscribe": wanted})
        missed = reply["subscribe"].get("publications", [])
        found += [("kept:1", pub["data"]) for pub in missed]
        found += await received(client, 20 - len(found))
        assert found == [("kept:1", number) for number in range(20)]
        await until(lambda: waiting(db) == (0,))
        assert await is_quiet(client)


async def test_postgres_comes_back(backends: Backends, db: psycopg.Connection) -> None:
    async with serving(backends, db.info.dbname) as live, listening(live, "a") as client:
        publish(db, "a", [1])
        assert await received(client, 1) == [("a", 1)]
        for purpose in ("outbox", "readiness"):
            for pid in backends_of(db, purpose):
                db.execute("SELECT pg_terminate_backend(%s)", [pid])
        publish(db, "a", [2])
        assert await received(client, 1) == [("a", 2)]


async def test_without_the_right_to_migrate_the_server_serves(
    backends: Backends, role: psycopg.Connection
) -> None:
    postgres = PostgresAddress(backends.uri("postgres", role.info.user))
    async with serving(backends, "", postgres=postgres) as live, listening(live, "a"):
        await until(lambda: "outbox_refused" in live.logged)
        assert "GRANT CREATE ON DATABASE" in live.logged
        assert (await live.http("GET /readyz HTTP/1.1\nHost: x")).startswith("HTTP/1.1 200")


async def test_a_channel_that_no_client_can_have_holds_nothing_up(
    backends: Backends, db: psycopg.Connection
) -> None:
    async with serving(backends, db.info.dbname) as live, listening(live, "a") as client:
        db.execute("INSERT INTO realtime.outbox (shard, channel, data) VALUES (0, '*', '1')")
        publish(db, "a", [1])
        assert await received(client, 1) == [("a", 1)]
        await until(lambda: "outbox_unknown_channel" in live.logged)
        await until(lambda: waiting(db) == (0,))


async def test_large_rows_go_a_few_at_a_time(backends: Backends, db: psycopg.Connection) -> None:
    async with serving(backends, db.info.dbname, max_queue_bytes=2**27) as live:
        sizes: list[int] = []
        relay = live.server.parts.relay
        assert relay
        real = relay._publish_all

        async def counting(rows: Sequence[Row], deadline: float) -> list[int]:
            sizes.append(len(rows))
            return await real(rows, deadline)

        relay._publish_all = counting  # type: ignore[method-assign]  # only looks
        with db.transaction():
            for _ in range(12):
                db.execute("SELECT realtime.publish('a', to_jsonb(repeat('x', 1000000)))")
        await until(lambda: waiting(db) == (0,))
        assert max(sizes) == 5
        assert sum(sizes) == 12
