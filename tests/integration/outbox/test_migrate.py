"""The migrations: by themselves, by hand, side by side, and without the right to."""

import asyncio
import sys
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from ws_server.outbox.migrate import MigrationError, migrate, migrations
from ws_server.postgres import connect
from ws_server.settings.config import PostgresAddress

from tests.integration.outbox.backends import Backends
from tests.ws.test_process import spawn

ALL = [migration.version for migration in migrations()]


async def by(uri: str) -> list[int]:
    async with await connect(PostgresAddress(uri), "test") as connection:
        return await migrate(connection)


async def test_many_at_once_do_it_once(backends: Backends, empty: str) -> None:
    results = await asyncio.gather(*(by(backends.uri(empty)) for _ in range(8)))
    assert sorted(results) == [*([[]] * 7), ALL]


async def test_an_older_server_leaves_a_newer_schema_alone(
    backends: Backends, db: psycopg.Connection
) -> None:
    db.execute("INSERT INTO realtime.migration VALUES (99)")
    assert await by(backends.uri(db.info.dbname)) == []


async def test_all_or_nothing(backends: Backends, empty: str) -> None:
    with psycopg.connect(backends.uri(empty), autocommit=True) as link:
        link.execute("CREATE SCHEMA realtime CREATE TABLE outbox (of text)")
        with pytest.raises(psycopg.errors.DuplicateTable):
            await by(backends.uri(empty))
        assert link.execute("SELECT to_regclass('realtime.migration')").fetchone() == (None,)


async def test_who_may_not_is_told_what_is_missing(
    backends: Backends, empty: str, role: psycopg.Connection
) -> None:
    user = role.info.user
    with pytest.raises(MigrationError) as caught:
        await by(backends.uri("postgres", user))
    error, hint = str(caught.value).split("\n")
    assert (
        error == f'outbox: the role "{user}" lacks a right: permission denied for database postgres'
    )
    assert hint.startswith(f'hint: GRANT CREATE ON DATABASE "postgres" TO "{user}", or run')


async def test_the_hint_helps(
    backends: Backends, db: psycopg.Connection, role: psycopg.Connection
) -> None:
    """Somebody else made the schema."""
    uri = backends.uri(db.info.dbname, role.info.user)
    with pytest.raises(MigrationError, match="permission denied for schema realtime"):
        await by(uri)
    for grant in (
        "GRANT USAGE ON SCHEMA realtime TO {}",
        "GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA realtime TO {}",
    ):
        db.execute(SQL(grant).format(Identifier(role.info.user)))
    assert await by(uri) == []


async def test_another_encoding_is_refused(backends: Backends) -> None:
    with psycopg.connect(backends.uri("postgres"), autocommit=True) as link:
        link.execute("CREATE DATABASE ascii ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0")
        with pytest.raises(MigrationError) as caught:
            await by(backends.uri("ascii"))
        link.execute("DROP DATABASE ascii WITH (FORCE)")
    text = "outbox: the database ascii has the encoding SQL_ASCII, but events are JSON in UTF-8"
    assert str(caught.value) == text


async def command(*arguments: str, **environment: str) -> tuple[Any, str, str]:
    running = await spawn("-m", "ws_server.outbox.migrate", *arguments, **environment)
    output, errors = await running.communicate()
    return running.returncode, output.decode(), errors.decode()


async def test_by_hand(backends: Backends, empty: str) -> None:
    uri = backends.uri(empty)
    assert await command(DATABASE_URL=uri) == (0, f"applied: {ALL}\n", "")
    assert await command(DATABASE_URL=uri) == (0, "nothing to do\n", "")


async def test_by_hand_without_a_database() -> None:
    assert await command() == (2, "", "ws_server: DATABASE_URL: is not set\n")
    away = "postgresql://postgres@127.0.0.1:1/x"
    code, output, errors = await command(DATABASE_URL=away)
    assert (code, output) == (1, "")
    assert errors.startswith("ws_server: ")
    assert "Traceback" not in errors


async def test_print_needs_no_database() -> None:
    code, output, errors = await command("--print")
    assert (code, errors) == (0, "")
    assert output.startswith("BEGIN;\n")
    assert output.endswith("COMMIT;\n")
    assert "CREATE FUNCTION realtime.publish(" in output
    assert sys.executable not in output
