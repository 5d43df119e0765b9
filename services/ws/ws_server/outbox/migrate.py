"""Brings the schema ``realtime`` up to date, or prints how; knows nothing of relaying.

    python -m ws_server.outbox.migrate [--print]

Every server does it when it starts. Servers of an older version run beside newer ones during a
deployment, so a migration only adds: what an older server or an application calls stays.
"""

import argparse
import asyncio
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ws_server.postgres import connect
from ws_server.settings import config
from ws_server.settings.environment import ConfigError, Environment

if TYPE_CHECKING:
    from psycopg import AsyncConnection

FOLDER = Path(__file__).with_name("migrations")
# The number is "rt" and 0: an advisory lock of the database that only we take.
LOCK = "SELECT pg_advisory_xact_lock(29300, 0)"
IS_THERE = "SELECT FROM pg_tables WHERE schemaname = 'realtime' AND tablename = 'migration'"
NOTE = "INSERT INTO realtime.migration (version) VALUES (%d)"
# CREATE SCHEMA IF NOT EXISTS wants the right to create it also where it exists.
FIRST = """\
DO $$
BEGIN
    IF to_regnamespace('realtime') IS NULL THEN
        CREATE SCHEMA realtime;
    END IF;
END $$;
CREATE TABLE realtime.migration (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""


class MigrationError(Exception):
    """The schema cannot be made or read; the text says what is missing and what helps."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step, which is taken once."""

    version: int
    sql: str

    @property
    def script(self) -> str:
        """The step, and the note that it was taken."""
        return f"{self.sql.rstrip()}\n\n{NOTE % self.version};\n"


def migrations() -> list[Migration]:
    """Return all in order; the number before the first underscore of a file is its version."""
    files = sorted(FOLDER.glob("*.sql"))
    return [Migration(int(f.name.partition("_")[0]), f.read_text(encoding="utf-8")) for f in files]


def script() -> str:
    """Return all that an empty database needs, for ``psql``."""
    return "\n".join(["BEGIN;", f"{LOCK};", FIRST, *(m.script for m in migrations()), "COMMIT;\n"])


async def migrate(connection: "AsyncConnection[Any]") -> list[int]:
    """Take the steps that are missing, all or none; return their versions.

    Raises MigrationError when a right is missing or the database is not fit.
    """
    errors = importlib.import_module("psycopg.errors")
    try:
        if not await _missing(connection):
            return []
        async with connection.transaction():
            await connection.execute(LOCK)
            missing = await _missing(connection)  # another server may have been faster
            if await _applied(connection) is None:
                await connection.execute(FIRST)
            for migration in missing:
                await connection.execute(migration.script.encode())
    except errors.InsufficientPrivilege as error:
        raise MigrationError(_right_missing(connection, error)) from error
    except errors.FeatureNotSupported as error:
        raise MigrationError(f"outbox: {error.diag.message_primary}") from error
    return [migration.version for migration in missing]


async def _missing(connection: "AsyncConnection[Any]") -> list[Migration]:
    applied = await _applied(connection) or set()
    return [migration for migration in migrations() if migration.version not in applied]


async def _applied(connection: "AsyncConnection[Any]") -> set[int] | None:
    """Return the versions that were applied; None if there is nothing at all yet."""
    if await (await connection.execute(IS_THERE)).fetchone() is None:
        return None
    rows = await connection.execute("SELECT version FROM realtime.migration")
    return {row[0] for row in await rows.fetchall()}


def _right_missing(connection: "AsyncConnection[Any]", error: Any) -> str:
    database, role = connection.info.dbname, connection.info.user
    return (
        f'outbox: the role "{role}" lacks a right: {error.diag.message_primary}\n'
        f'hint: GRANT CREATE ON DATABASE "{database}" TO "{role}", or run "python -m'
        f' ws_server.outbox.migrate" as a role that may, and then GRANT USAGE ON SCHEMA realtime'
        f' and SELECT, DELETE ON ALL TABLES IN SCHEMA realtime TO "{role}"'
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Migrate the database of DATABASE_URL; return 0 if done, 2 for a wrong setting, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m ws_server.outbox.migrate",
        description="Bring the schema realtime of DATABASE_URL up to date.",
    )
    parser.add_argument("--print", action="store_true", help="only print the SQL, for psql")
    if parser.parse_args(arguments).print:
        sys.stdout.write(script())
        return 0
    try:
        address = config.postgres(Environment(os.environ))
    except ConfigError as error:
        sys.stderr.write(f"ws_server: {error}\n")
        return 2
    if address is None:
        sys.stderr.write("ws_server: DATABASE_URL: is not set\n")
        return 2
    try:
        applied = asyncio.run(_by_hand(address))
    except Exception as error:  # whatever it is, it is one line for a person
        sys.stderr.write(f"ws_server: {error or type(error).__name__}\n")
        return 1
    sys.stdout.write(f"applied: {applied}\n" if applied else "nothing to do\n")
    return 0


async def _by_hand(address: config.PostgresAddress) -> list[int]:
    async with await connect(address, "migrate") as connection:
        return await migrate(connection)


if __name__ == "__main__":
    sys.exit(main())
