"""Opens connections to Postgres and watches whether it answers; runs no other queries."""

import asyncio
import importlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ws_server.log import Log
from ws_server.settings.config import PostgresAddress
from ws_server.upkeep import keep

if TYPE_CHECKING:
    from psycopg import AsyncConnection

CONNECT_TIMEOUT = 2.0
CHECK_INTERVAL = 1.0
CHECK_TIMEOUT = 3.0


class Database:
    """One connection to Postgres, kept open; ``is_ready`` while it answers ``SELECT 1``."""

    name = "postgres"
    degraded = ""

    def __init__(self, address: PostgresAddress, log: Log) -> None:
        self.is_ready = False
        self._address = address
        self._log = log

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await keep(self.name, self._serve_once, self._log)

    async def connect(self, purpose: str) -> "AsyncConnection[Any]":
        """Open another connection to the same database, as ``connect``."""
        return await connect(self._address, purpose)

    async def _serve_once(self) -> None:
        connection = await self.connect("readiness")
        try:
            while True:
                with patience(connection, CHECK_TIMEOUT):
                    await connection.execute("SELECT 1")
                if not self.is_ready:
                    self.is_ready = True
                    self._log.info("dependency_up", dependency=self.name)
                await asyncio.sleep(CHECK_INTERVAL)
        finally:
            self.is_ready = False
            await connection.close()


@contextmanager
def patience(connection: "AsyncConnection[Any]", seconds: float) -> Iterator[None]:
    """Disconnect if Postgres does not answer in time: the query raises psycopg.OperationalError.

    A cancelled task would wait longer: psycopg asks Postgres to cancel the query, for up to 10 s.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _hang_up, connection)
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: "AsyncConnection[Any]") -> None:
    if not connection.closed:
        with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)


async def connect(address: PostgresAddress, purpose: str) -> "AsyncConnection[Any]":
    """Open a connection that shows its purpose in ``pg_stat_activity``.

    Raises psycopg.Error, or TimeoutError.
    """
    # Importing psycopg takes long; in a thread, it does not block the server.
    psycopg = await asyncio.to_thread(importlib.import_module, "psycopg")
    async with asyncio.timeout(CONNECT_TIMEOUT):
        connection: AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
            address.uri,
            password=address.password,
            autocommit=True,
            application_name=f"ws_server {purpose}",
        )
    return connection
