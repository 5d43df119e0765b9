"""Carries what was committed in Postgres to the broker, in order; knows no clients.

The rows of ``realtime.outbox`` that one look shows are published in the order of their ids, and
then deleted. There is no cursor over the ids, because transactions do not commit in their order: a
row with a low id may appear after one with a high id was published, and a cursor would have passed
it. What is still there is what is still to be published.

So a channel has the order of commits as far as Postgres shows it: a transaction that published
after another had committed has higher ids, and a look that shows its rows shows the other's, too.
Of two that ran at the same time, and that no row lock kept apart, either may come first.

Between publishing and deleting anything may die. Then the rows are published once more, and the
broker drops what has a key that it knows. A relay that was paused for longer than keys are
remembered publishes nothing of what it had read: the broker refuses it by its own clock.

A shard of the channels has one leader: who holds its advisory lock, which ends with the connection.
Postgres ends one that is silent for IDLE_LIMIT: the network is cut, or the process is frozen. Each
relay counts the others every second and keeps no more than its share, so that they all have work.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple, NoReturn, Protocol

from ws_server.broker.base import BrokerDownError
from ws_server.core.namespaces import is_channel
from ws_server.core.protocol import publication_raw
from ws_server.core.publication import Position
from ws_server.log import Log
from ws_server.outbox.migrate import MigrationError, migrate
from ws_server.postgres import Database, patience
from ws_server.upkeep import keep

if TYPE_CHECKING:
    from psycopg import AsyncConnection

SHARDS = 4  # as in the function realtime.publish
LOCK = 29301  # the class of the shards' advisory locks; see ``migrate`` for the one before
ROSTER = 29302  # every relay that reaches the broker holds this one, shared
BATCH = 256  # rows of one look
BATCH_BYTES = 4 * 1024 * 1024  # after which a look shows no further row
POLL_INTERVAL = 1.0  # seconds after which we look although nobody woke us, and who else is there
MEASURE_INTERVAL = 5.0
TAKE_INTERVAL = 0.2  # until one who has less than its share tries again
QUERY_TIMEOUT = 5.0
IDLE_LIMIT = 8  # seconds; more than a look and a publication that wait for their time limits
MIGRATE_TIMEOUT = 60.0
REFUSED_INTERVAL = 30.0  # until a database that was not fit is asked again
READY_INTERVAL = 0.05

SETTINGS: tuple[LiteralString, ...] = (
    # What was deleted may come back when Postgres crashes: the broker knows its key.
    "SET synchronous_commit = off",
    f"SET idle_session_timeout = '{IDLE_LIMIT}s'",
    f"SET tcp_user_timeout = '{IDLE_LIMIT}s'",
)
NEXT_ROWS = """
WITH gone AS (DELETE FROM realtime.outbox WHERE id = ANY(%(done)s))
SELECT id, at, channel, data, tags FROM (
    SELECT *, sum(octet_length(data)) OVER (ORDER BY id) - octet_length(data) AS before FROM (
        SELECT id, extract(epoch FROM created_at)::text AS at, channel, data, tags
        FROM realtime.outbox WHERE shard = ANY(%(shards)s) AND id <> ALL(%(done)s)
        ORDER BY id LIMIT %(limit)s
    ) AS first
) AS sized WHERE before < %(bytes)s ORDER BY id
"""
"""Deletes the rows that are done and gives the next: one way to Postgres and back a turn."""
RELAYS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
MEASURE = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
FROM realtime.outbox
"""


class Row(NamedTuple):
    """One publication that was committed; ``data`` and ``tags`` are JSON."""

    id: int
    at: str
    channel: str
    data: str
    tags: str | None

    @property
    def key(self) -> str:
        """What the broker remembers: an id can come again after a failover or a restored backup."""
        return f"outbox:{self.id}:{self.at}"

    @property
    def payload(self) -> bytes:
        """The ``pub`` object."""
        tags = self.tags.encode() if self.tags else None
        return publication_raw(self.data.encode(), tags=tags)


@dataclass(slots=True)
class Lag:
    """What waits in the whole outbox, and what this process does about it; seconds.

    ``waiting`` and ``oldest`` are measured every few seconds by each replica, leader or not.
    """

    waiting: int = 0
    oldest: float = 0.0
    shards: int = 0
    published: int = 0


class Publish(Protocol):
    """What publishes: ``Service.publish``. Must have queued it before it waits for anything."""

    def __call__(
        self, channel: str, payload: bytes, *, key: str, until: float, after: str
    ) -> Awaitable[Position]:
        """Raise BrokerDownError when the publication may have happened or not."""


class Keys(Protocol):
    """The broker, which remembers the keys of publications."""

    is_ready: bool

    def deadline(self) -> float:
        """Return until when it remembers a key that another relay uses from now on."""


class Relay:
    """Leads the shards that it can get, as long as Postgres and the broker are there."""

    name = "outbox"

    def __init__(self, database: Database, broker: Keys, publish: Publish, log: Log) -> None:
        self.lag = Lag()
        self._database = database
        self._broker = broker
        self._publish = publish
        self._log = log
        self._shards: list[int] = []
        self._clock: Callable[[], float] = lambda: asyncio.get_running_loop().time()
        self._is_enrolled = False
        self._balance_at = self._measure_at = 0.0

    async def run(self) -> None:
        """Relay until cancelled."""
        await keep(self.name, self._serve_once, self._log)

    async def _serve_once(self) -> None:
        if not self._database.is_ready:
            return  # it tells what is wrong, once for both
        async with AsyncExitStack() as stack:
            connection = await self._database.connect(self.name)
            stack.push_async_callback(connection.close)
            stack.callback(self._forget)
            if await self._prepare(connection):
                await self._relay(connection)
        await asyncio.sleep(REFUSED_INTERVAL)

    async def _prepare(self, connection: "AsyncConnection[Any]") -> bool:
        """Return whether the database is fit; log what is missing if not."""
        try:
            async with asyncio.timeout(MIGRATE_TIMEOUT):
                applied = await migrate(connection)
        except MigrationError as error:
            self._log.warning("outbox_refused", error=str(error))
            return False
        if applied:
            self._log.info("outbox_migrated", versions=applied)
        for setting in SETTINGS:
            await _ask(connection, setting)
        return True

    async def _relay(self, connection: "AsyncConnection[Any]") -> NoReturn:
        done: list[int] = []
        while True:
            try:
                done = await self._step(connection, done)
            except BrokerDownError:
                done = []
                await self._resign(connection)
            if self._clock() >= self._measure_at:
                await self._measure(connection)
                # Or what Postgres notifies would pile up while there is always something to do.
                await _notified(connection, 0.0)
            if not self._broker.is_ready:
                await asyncio.sleep(READY_INTERVAL)
            elif not done:
                await _notified(connection, max(0.0, self._balance_at - self._clock()))

    async def _step(self, connection: "AsyncConnection[Any]", done: list[int]) -> list[int]:
        """Delete what is done, and publish what is next; return the ids of that.

        Raises BrokerDownError.
        """
        if not self._broker.is_ready:
            raise BrokerDownError
        if self._clock() >= self._balance_at:
            await self._balance(connection)
        # Asked for before the rows: whoever publishes them in our place does so after this.
        deadline = self._broker.deadline()
        rows = await self._next_rows(connection, done) if self._shards else []
        return await self._publish_all(rows, deadline) if rows else []

    async def _balance(self, connection: "AsyncConnection[Any]") -> None:
        """Become the leader of as many shards as are our share, and of no more."""
        if not self._is_enrolled:
            await _ask(connection, "SELECT pg_advisory_lock_shared(%s, 0)", [ROSTER])
            self._is_enrolled = True
        ((relays,),) = await _ask(connection, RELAYS, [ROSTER])
        share = math.ceil(SHARDS / relays)
        for shard in range(SHARDS):
            if shard in self._shards and len(self._shards) > share:
                await self._give(connection, shard)
            elif shard not in self._shards and len(self._shards) < share:
                await self._take(connection, shard)
        self.lag.shards = len(self._shards)
        is_short = len(self._shards) < share
        self._balance_at = self._clock() + (TAKE_INTERVAL if is_short else POLL_INTERVAL)

    async def _take(self, connection: "AsyncConnection[Any]", shard: int) -> None:
        query = "SELECT pg_try_advisory_lock(%s, %s)"
        ((is_ours,),) = await _ask(connection, query, (LOCK, shard))
        if is_ours:
            await _ask(connection, f"LISTEN realtime_outbox_{shard}")
            self._shards.append(shard)
            self._log.info("outbox_leader", shard=shard)

    async def _give(self, connection: "AsyncConnection[Any]", shard: int) -> None:
        self._shards.remove(shard)
        await _ask(connection, f"UNLISTEN realtime_outbox_{shard}")
        await _ask(connection, "SELECT pg_advisory_unlock(%s, %s)", (LOCK, shard))

    async def _resign(self, connection: "AsyncConnection[Any]") -> None:
        """Lead nothing any more: another replica may reach the broker."""
        if not self._is_enrolled:
            return
        self._forget()
        await _ask(connection, "UNLISTEN *")
        await _ask(connection, "SELECT pg_advisory_unlock_all()")

    def _forget(self) -> None:
        self._shards.clear()
        self._is_enrolled = False
        self.lag.shards = 0
        self._balance_at = 0.0

    async def _next_rows(self, connection: "AsyncConnection[Any]", done: list[int]) -> list[Row]:
        rows = await _ask(
            connection,
            NEXT_ROWS,
            {"done": done, "shards": self._shards, "limit": BATCH, "bytes": BATCH_BYTES},
        )
        self.lag.published += len(done)
        return [Row(*row) for row in rows]

    async def _publish_all(self, rows: Sequence[Row], deadline: float) -> list[int]:
        """Publish in order, all at once; return the ids of what need not be there any more.

        Each is queued before it waits for anything, so they leave as they stand here. A row that is
        refused is not overtaken by the next one of its channel. Raises BrokerDownError if that is
        all that came of it.
        """
        wanted = [row for row in rows if self._can_be(row)]
        last: dict[str, str] = {}  # the key of the row before, by channel
        waiting = []
        for row in wanted:
            after = last.get(row.channel, "")
            last[row.channel] = row.key
            waiting.append(
                self._publish(row.channel, row.payload, key=row.key, until=deadline, after=after)
            )
        results = await asyncio.gather(*waiting, return_exceptions=True)
        outcomes = zip(wanted, results, strict=True)
        failed = {row.id: r for row, r in outcomes if isinstance(r, BaseException)}
        if len(failed) == len(rows):
            raise next(iter(failed.values()))
        return [row.id for row in rows if row.id not in failed]

    def _can_be(self, row: Row) -> bool:
        """Whether anybody could be subscribed; newer Unicode knows more printable characters."""
        if is_channel(row.channel):
            return True
        self._log.warning("outbox_unknown_channel", channel=row.channel, id=row.id)
        return False

    async def _measure(self, connection: "AsyncConnection[Any]") -> None:
        self._measure_at = self._clock() + MEASURE_INTERVAL
        ((self.lag.waiting, self.lag.oldest),) = await _ask(connection, MEASURE)


async def _ask(
    connection: "AsyncConnection[Any]", query: LiteralString, values: Any = None
) -> list[Any]:
    """Return all rows, if it gives rows. Raises psycopg.Error, also when Postgres is silent."""
    with patience(connection, QUERY_TIMEOUT):
        cursor = await connection.execute(query, values)
        return await cursor.fetchall() if cursor.description else []


async def _notified(connection: "AsyncConnection[Any]", seconds: float) -> None:
    """Wait until a transaction that published in one of our shards commits, or for the time."""
    async for _ in connection.notifies(timeout=seconds, stop_after=1):
        pass
