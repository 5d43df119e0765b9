"""Knows whether Postgres answers; for now it asks for nothing else."""

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

from ws_server.config import PostgresAddress
from ws_server.log import Log
from ws_server.upkeep import keep

if TYPE_CHECKING:
    from psycopg import AsyncConnection

CONNECT_TIMEOUT = 2.0
CHECK_INTERVAL = 1.0
CHECK_TIMEOUT = 3.0


class Database:
    """One connection to Postgres, kept open; ``is_ready`` while ``SELECT 1`` is answered."""

    name = "postgres"

    def __init__(self, address: PostgresAddress, log: Log) -> None:
        self.is_ready = False
        self._address = address
        self._log = log

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await keep(self.name, self._serve_once, self._log)

    async def _serve_once(self) -> None:
        connection = await self._connect()
        try:
            while True:
                async with asyncio.timeout(CHECK_TIMEOUT):
                    await connection.execute("SELECT 1")
                if not self.is_ready:
                    self.is_ready = True
                    self._log.info("dependency_up", dependency=self.name)
                await asyncio.sleep(CHECK_INTERVAL)
        finally:
            self.is_ready = False
            await connection.close()

    async def _connect(self) -> "AsyncConnection[Any]":
        # Importing psycopg takes long; in a thread, the server answers meanwhile.
        psycopg = await asyncio.to_thread(importlib.import_module, "psycopg")
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection: AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
                self._address.uri, password=self._address.password, autocommit=True
            )
        return connection
