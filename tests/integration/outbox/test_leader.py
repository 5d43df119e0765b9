"""One leader a shard: another process takes over when it dies, freezes or leaves."""

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from ws_server.outbox.relay import LOCK, SHARDS

from tests.integration.outbox.backends import Backends
from tests.integration.outbox.test_relay import (
    is_quiet,
    listening,
    publish,
    received,
    serving,
)
from tests.ws.harness import until
from tests.ws.test_process import logged, process

SECONDS = {signal.SIGKILL: 4, signal.SIGTERM: 4, signal.SIGSTOP: 14}


def leaders(db: psycopg.Connection) -> list[int]:
    """The backend that holds each shard's lock."""
    query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted"
    query += " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return [row[0] for row in db.execute(query, [LOCK])]


@asynccontextmanager
async def leader(backends: Backends, db: psycopg.Connection) -> AsyncIterator[Process]:
    """Another process, which leads every shard."""
    environment = {
        "REDIS_URL": backends.redis_uri,
        "DATABASE_URL": backends.uri(db.info.dbname),
    }
    async with process(**environment) as (running, _):
        for _ in range(SHARDS):
            await logged(running, "outbox_leader")
        yield running


@pytest.mark.parametrize("number", SECONDS)
async def test_another_takes_over_and_nothing_is_lost_or_doubled(
    backends: Backends, db: psycopg.Connection, number: signal.Signals
) -> None:
    names = ["a", "b", "c", "d", "e"]
    async with (
        leader(backends, db) as process,
        serving(backends, db.info.dbname) as live,
        listening(live, *names) as client,
    ):
        client.patience = 20
        reading = asyncio.create_task(received(client, 1000))
        for step in range(200):
            for name in names:
                publish(db, name, [step])
            if step == 100:
                process.send_signal(number)
                fallen = time.monotonic()
            await asyncio.sleep(0.002)
        relay = live.server.parts.relay
        assert relay
        await until(lambda: relay.lag.shards == SHARDS, SECONDS[number])
        assert time.monotonic() - fallen < SECONDS[number]
        assert len(set(leaders(db))) == 1
        found = await reading
        for name in names:
            assert [n for other, n in found if other == name] == [*range(200)]
        assert await is_quiet(client)


async def test_a_frozen_leader_that_thaws_doubles_nothing(
    backends: Backends, db: psycopg.Connection
) -> None:
    async with (
        leader(backends, db) as process,
        serving(backends, db.info.dbname) as live,
        listening(live, "a") as client,
    ):
        process.send_signal(signal.SIGSTOP)
        publish(db, "a", range(10))
        client.patience = 15
        assert await received(client, 10) == [("a", n) for n in range(10)]
        process.send_signal(signal.SIGCONT)
        publish(db, "a", range(10, 20))
        assert await received(client, 10) == [("a", n) for n in range(10, 20)]
        assert await is_quiet(client, 2)


async def test_replicas_share_the_shards(backends: Backends, db: psycopg.Connection) -> None:
    async with leader(backends, db), serving(backends, db.info.dbname) as live:
        relay = live.server.parts.relay
        assert relay
        await until(lambda: relay.lag.shards == SHARDS // 2)
        await until(lambda: len(leaders(db)) == SHARDS)
        assert len(set(leaders(db))) == 2
    await until(lambda: leaders(db) == [])


async def test_handing_shards_over_loses_and_reorders_nothing(
    backends: Backends, db: psycopg.Connection
) -> None:
    names = ["a", "b", "c", "d", "e"]
    async with serving(backends, db.info.dbname) as live, listening(live, *names) as client:
        reading = asyncio.create_task(received(client, 1500))
        for step in range(300):
            for name in names:
                publish(db, name, [step])
            await asyncio.sleep(0.002)
            if step in (100, 200):
                async with serving(backends, db.info.dbname) as other:
                    relay = other.server.parts.relay
                    await until(lambda: relay and relay.lag.shards)  # noqa: B023 - waited for
        found = await reading
    for name in names:
        assert [n for other_name, n in found if other_name == name] == [*range(300)]
