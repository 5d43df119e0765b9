"""Looks up Auth.js sessions that are rows in Postgres; writes nothing there."""

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ws_server.core.claims import Claims, ExpiredTokenError, InvalidTokenError, VerifierDownError
from ws_server.log import Log
from ws_server.postgres import patience
from ws_server.settings.config import PostgresAddress

if TYPE_CHECKING:
    from psycopg import AsyncConnection

TIME_LIMIT = 2.0  # seconds that a sign-in waits for Postgres
REMEMBERED = 3.0  # seconds; a deleted session can sign in for so long
MAX_REMEMBERED = 10_000
BATCH = 500
LINGER = 1.0  # seconds that a query has to finish when the server stops

Found = tuple[str, float] | None  # the user, and when the session ends


class DatabaseSessions:
    """One connection, opened on demand. Lookups that arrive during a query share the next one.

    A thousand clients that reconnect at once cause a few queries, and need no pool.
    """

    def __init__(
        self, address: PostgresAddress, table: str, wall: Callable[[], float], log: Log
    ) -> None:
        self._address = address
        self._table = table
        self._wall = wall
        self._log = log
        self._connection: AsyncConnection[Any] | None = None
        self._waiting: dict[str, asyncio.Future[Found]] = {}
        self._remembered: dict[str, tuple[float, Found]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._is_failing = False

    async def find(self, token: str) -> Claims:
        """Return the claims of a session that has not expired.

        Raises ExpiredTokenError, InvalidTokenError, or VerifierDownError.
        """
        asked_at, found = await self._row(token)
        if found is None:
            raise InvalidTokenError("there is no such session")
        user, expires_at = found
        if self._wall() >= expires_at:
            raise ExpiredTokenError("it has expired")
        # The row does not contain when the session began; it is valid now, as if issued now.
        return Claims(user, expires_at, issued_at=asked_at)

    async def close(self) -> None:
        """Close the connection to Postgres."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking], timeout=LINGER)
        await self._disconnect()

    async def _row(self, token: str) -> tuple[float, Found]:
        known = self._remembered.get(token)
        if known and 0 <= self._wall() - known[0] < REMEMBERED:
            return known
        future = self._waiting.get(token)
        if future is None:
            future = self._waiting[token] = asyncio.get_running_loop().create_future()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        asked_at = self._wall()
        try:
            async with asyncio.timeout(TIME_LIMIT):
                return asked_at, await asyncio.shield(future)
        except TimeoutError:
            raise VerifierDownError("Postgres does not answer in time") from None

    async def _ask_all(self) -> None:
        while self._waiting:
            batch = dict(list(self._waiting.items())[:BATCH])
            asked_at = self._wall()
            try:
                rows = await self._query(list(batch))
            except Exception as error:  # for any reason: the session may be valid
                self._note(type(error).__name__)
                await self._disconnect()
                self._answer(batch, asked_at, None)
            else:
                self._note("")
                self._answer(batch, asked_at, rows)

    def _note(self, error: str) -> None:
        """Log an error once, not for each attempt."""
        if error and not self._is_failing:
            self._log.warning("session_lookup_failed", error=error)
        elif self._is_failing and not error:
            self._log.info("session_lookup_works_again")
        self._is_failing = bool(error)

    def _answer(
        self,
        batch: Mapping[str, asyncio.Future[Found]],
        asked_at: float,
        rows: Mapping[str, Found] | None,
    ) -> None:
        for token, future in batch.items():
            del self._waiting[token]
            if rows is None:
                future.set_exception(VerifierDownError("Postgres cannot be asked"))
                future.exception()  # marks it as retrieved: the waiting task may be gone
                continue
            future.set_result(rows.get(token))
            self._remembered.pop(token, None)
            if len(self._remembered) >= MAX_REMEMBERED:  # the first is the oldest
                del self._remembered[next(iter(self._remembered))]
            self._remembered[token] = (asked_at, rows.get(token))

    async def _query(self, tokens: list[str]) -> dict[str, Found]:
        if self._connection is None:
            async with asyncio.timeout(TIME_LIMIT):
                self._connection = await self._connect()
        from psycopg import sql

        # The columns are those of @auth/pg-adapter, Prisma and Drizzle. Prisma's times have no zone
        # and are UTC.
        query = sql.SQL(
            'SELECT "sessionToken", "userId"::text, extract(epoch FROM expires)::float8 '
            'FROM {} WHERE "sessionToken" = ANY(%s)'
        ).format(sql.Identifier(*self._table.split(".")))
        with patience(self._connection, TIME_LIMIT):
            cursor = await self._connection.execute(query, [tokens])
            return {token: (user, ends) for token, user, ends in await cursor.fetchall()}

    async def _connect(self) -> "AsyncConnection[Any]":
        # Importing psycopg takes long; in a thread, it does not block the server.
        psycopg = await asyncio.to_thread(importlib.import_module, "psycopg")
        connection: AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
            self._address.uri, password=self._address.password, autocommit=True
        )
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
