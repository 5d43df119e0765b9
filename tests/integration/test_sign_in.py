"""Sign-in with real stores: sessions that are rows in Postgres, and revocations kept in Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import docker
import psycopg
import pytest
from docker.models.containers import Container
from websockets.typing import Origin
from ws_server.auth.database_sessions import REMEMBERED
from ws_server.core.claims import VerifierDownError
from ws_server.service import control
from ws_server.settings.config import PostgresAddress
from ws_server.settings.redis_address import RedisAddress

from stack.layout import images
from tests.integration.containers import (
    HARDENED,
    OwnContainers,
    eventually,
    made,
    own_containers,
    published,
)
from tests.ws.harness import Client, Running, running, token, until

CONNECT: dict[str, Any] = {"id": 1, "connect": {}}
TOKEN, GONE = "7c9e6679-7425-40de-944b-e07fc1f90ae7", "0d7f44e9-2bd1-4b50-8a63-3f8f0b52c0a1"
TEMPORARY = {"code": 100, "message": "internal server error", "temporary": True}
# As the adapters make it: @auth/pg-adapter, and Prisma, whose times have no zone.
SCHEMA = """
SET TIME ZONE 'Asia/Tokyo';
CREATE TABLE sessions (
  id SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL,
  "sessionToken" VARCHAR(255) NOT NULL
);
CREATE SCHEMA prisma;
CREATE TABLE prisma."Session" (
  id TEXT PRIMARY KEY, "sessionToken" TEXT NOT NULL UNIQUE, "userId" TEXT NOT NULL,
  expires TIMESTAMP(3) NOT NULL
);
INSERT INTO sessions ("userId", expires, "sessionToken") VALUES
  (7, now() + interval '1 hour', '{TOKEN}'), (8, now() - interval '1 minute', '{GONE}');
INSERT INTO prisma."Session" VALUES
  ('1', '{TOKEN}', 'cuid7', now() AT TIME ZONE 'UTC' + interval '1 hour'),
  ('2', '{GONE}', 'cuid8', now() AT TIME ZONE 'UTC' - interval '1 minute');
""".replace("{TOKEN}", TOKEN).replace("{GONE}", GONE)


@pytest.fixture(scope="module")
def place(docker_client: docker.DockerClient) -> Iterator[OwnContainers]:
    with own_containers(docker_client) as one:
        yield one


def started(place: OwnContainers, recipe: images.Recipe, **options: Any) -> Container:
    made(place.client, recipe)
    return place.run(recipe.reference, **HARDENED, **options)


def uri(postgres: Container) -> str:
    return f"postgresql://postgres:secret@127.0.0.1:{published(postgres, 5432)}/postgres"


@pytest.fixture(scope="module")
def postgres(place: OwnContainers, source: images.Source) -> Container:
    container = started(
        place,
        images.recipe_for("postgres", source),
        port=5432,
        user="999:999",
        environment={"POSTGRES_PASSWORD": "secret"},
        tmpfs={"/tmp": "", "/var/run/postgresql": ""},
    )

    def fill() -> None:
        with psycopg.connect(uri(container), autocommit=True, connect_timeout=2) as connection:
            connection.execute(SCHEMA)

    eventually(fill)
    return container


@pytest.fixture
def redis(place: OwnContainers, source: images.Source) -> Container:
    command = ["redis-server", "--protected-mode", "no", "--save", ""]
    return started(
        place,
        images.recipe_for("redis", source),
        port=6379,
        user="999:999",
        entrypoint=command,
        tmpfs={"/data": ""},
    )


@asynccontextmanager
async def by_rows(postgres: Container, table: str, **more: Any) -> AsyncIterator[Running]:
    address = PostgresAddress(uri(postgres))
    async with running(postgres=address, session_table=table, **more) as live:
        yield live


@asynccontextmanager
async def browser(live: Running, session: str) -> AsyncIterator[Client]:
    headers = {"Cookie": f"__Secure-authjs.session-token={session}"}
    origin = Origin(f"http://127.0.0.1:{live.server.port}")
    async with live.client(origin=origin, additional_headers=headers) as client:
        yield client


@pytest.mark.parametrize(("table", "user"), [("sessions", "7"), ("prisma.Session", "cuid7")])
async def test_a_session_that_is_a_row(postgres: Container, table: str, user: str) -> None:
    async with by_rows(postgres, table) as live:
        async with browser(live, TOKEN) as client:
            assert "connect" in await client.ask(CONNECT)
            (session,) = live.server.parts.hub.sessions
            assert session.user == user
            assert session.claims is not None
            assert 3500 < session.claims.expires_at - time.time() <= 3600
        async with browser(live, GONE) as client:
            assert (await client.ask(CONNECT))["error"]["code"] == 109
        for unknown in ("11111111-2222-3333-4444-555555555555", "' OR 1=1 --".replace(" ", "-")):
            async with browser(live, unknown + "-and-more") as client:
                await client.send(CONNECT)
                assert (await client.closed())[0] == 3500
        async with live.client() as client:
            assert "connect" in await client.ask({"id": 1, "connect": {"token": TOKEN}})
        assert TOKEN not in live.logged


async def test_a_row_that_is_deleted_signs_in_for_seconds_at_most(postgres: Container) -> None:
    session = "deadbeef-0000-4000-8000-000000000000"
    insert = """INSERT INTO sessions ("userId", expires, "sessionToken")
                VALUES (9, now() + interval '1 hour', %s)"""
    async with (
        by_rows(postgres, "sessions") as live,
        await psycopg.AsyncConnection.connect(uri(postgres), autocommit=True) as application,
    ):
        await application.execute(insert, [session])
        assert (await live.server.parts.verifiers.verify(session)).user == "9"
        await application.execute('DELETE FROM sessions WHERE "sessionToken" = %s', [session])
        assert (await live.server.parts.verifiers.verify(session)).user == "9"  # is remembered
        await asyncio.sleep(REMEMBERED)
        async with browser(live, session) as client:
            await client.send(CONNECT)
            assert await client.closed() == (3500, "invalid token: there is no such session")


async def test_a_thousand_at_once_are_a_few_queries(postgres: Container) -> None:
    async with by_rows(postgres, "sessions") as live:
        verify = live.server.parts.verifiers.verify
        tokens = [f"{number:032x}" for number in range(1000)]
        outcomes = await asyncio.gather(
            *(verify(each) for each in (*tokens, TOKEN)), return_exceptions=True
        )
        assert [getattr(each, "user", None) for each in outcomes] == [None] * 1000 + ["7"]
        assert {str(each) for each in outcomes[:-1]} == {"there is no such session"}


async def test_a_table_that_is_not_there_is_our_fault_and_not_the_tokens(
    postgres: Container,
) -> None:
    async with by_rows(postgres, "nowhere") as live, browser(live, TOKEN) as client:
        assert (await client.ask(CONNECT))["error"] == TEMPORARY
        assert (await client.ask(CONNECT))["error"] == TEMPORARY
        assert "UndefinedTable" in live.logged
        assert live.logged.count("session_lookup_failed") == 1


async def test_while_postgres_is_away_it_is_a_temporary_error(postgres: Container) -> None:
    async with by_rows(postgres, "sessions") as live:
        async with browser(live, TOKEN) as client:
            assert "connect" in await client.ask(CONNECT)
        live.server.parts.verifiers.sessions._remembered.clear()  # type: ignore[union-attr]  # is set
        postgres.pause()
        try:
            before = time.monotonic()
            async with browser(live, TOKEN) as client, live.client() as other:
                await client.send(CONNECT)
                assert "connect" in await other.sign_in()
                assert (await client.receive())["error"] == TEMPORARY
            assert time.monotonic() - before < 4
        finally:
            postgres.unpause()
        async with asyncio.timeout(15):
            while True:
                async with browser(live, TOKEN) as client:
                    if "connect" in await client.ask(CONNECT):
                        break
                await asyncio.sleep(0.2)


async def test_a_postgres_that_is_silent_is_left_soon(postgres: Container) -> None:
    async with by_rows(postgres, "sessions") as live, browser(live, TOKEN) as client:
        assert "connect" in await client.ask(CONNECT)
        database = live.server.parts.database
        assert database is not None
        await until(lambda: database.is_ready, 5)
        postgres.pause()
        try:
            await until(lambda: not database.is_ready, 6)
            assert live.server.parts.verifiers.sessions is not None
            looked_up = asyncio.create_task(live.server.parts.verifiers.verify(GONE))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(3):
                await live.server.stop()
        finally:
            postgres.unpause()
        with pytest.raises(VerifierDownError):
            await looked_up


@asynccontextmanager
async def replica(redis: Container) -> AsyncIterator[Running]:
    address = RedisAddress("127.0.0.1", published(redis, 6379), 0)
    async with running(redis=address) as live:
        await ready(live)
        yield live


async def ready(live: Running, *, is_ready: bool = True) -> None:
    for _ in range(500):
        if live.server.parts.broker.is_ready is is_ready:
            return
        await asyncio.sleep(0.02)
    raise AssertionError


async def test_a_revocation_reaches_every_replica_within_a_second(redis: Container) -> None:
    async with replica(redis) as one, replica(redis) as two:
        async with one.client() as here, two.client() as there:
            await here.sign_in(jti="lost")
            await there.sign_in(iat=int(time.time() - 9))
            before = time.monotonic()
            await two.server.parts.revoking.revoke(token_id="lost")
            assert await here.closed() == (3014, "state invalidated")
            await one.server.parts.revoking.revoke(user="alice")
            assert await there.closed() == (3014, "state invalidated")
            assert time.monotonic() - before < 1
        async with replica(redis) as late, late.client() as client:
            value = {"id": 1, "connect": {"token": token(sub="bob", jti="lost")}}
            assert (await client.ask(value))["error"]["code"] == 109
            assert (await client.sign_in())["error"]["code"] == 109
            assert "connect" in await client.sign_in(iat=int(time.time() + 2))


async def test_a_user_is_disconnected_everywhere_within_a_second(redis: Container) -> None:
    async with replica(redis) as one, replica(redis) as two:
        async with one.client() as here, two.client() as there, two.client() as bob:
            await here.sign_in()
            await there.sign_in()
            await bob.sign_in(sub="bob")
            before = time.monotonic()
            await one.server.parts.broker.command(control.encode("disconnect", user="alice"))
            for client in (here, there):
                assert await client.closed() == (3503, "force disconnect")
            assert time.monotonic() - before < 1
            assert await bob.ask({"id": 2, "ping": {}}) == {"id": 2, "ping": {}}
        async with one.client() as again:
            assert "connect" in await again.sign_in()


async def test_a_replica_that_was_away_learns_what_was_revoked(redis: Container) -> None:
    async with replica(redis) as one, replica(redis) as two, two.client() as client:
        await client.sign_in(jti="lost")
        two.server._upkeep[0].cancel()  # its connection to Redis ends
        await ready(two, is_ready=False)
        await one.server.parts.revoking.revoke(token_id="lost")
        assert await client.ask({"id": 2, "ping": {}}) == {"id": 2, "ping": {}}
        before = time.monotonic()
        two.server._upkeep[0] = asyncio.create_task(
            two.server.parts.broker.run(two.server.parts.node)
        )
        assert await client.closed() == (3014, "state invalidated")
        assert time.monotonic() - before < 1


async def test_what_is_over_leaves_redis(redis: Container) -> None:
    async with replica(redis) as live:
        await live.server.parts.revoking.revoke(token_id="short", until=time.time() + 0.2)
        await asyncio.sleep(0.3)
        await live.server.parts.revoking.revoke(token_id="long")
        code, output = redis.exec_run(["redis-cli", "zrange", "ws:orders", "0", "-1"])
        assert code == 0
        assert b"long" in output
        assert b"short" not in output
