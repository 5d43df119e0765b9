"""A real Postgres that can be killed, and writers that publish by SQL. Judges nothing."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from docker.models.containers import Container
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from ws_server.outbox.relay import LOCK

from stack.engines.docker.connect import connect
from stack.layout import images
from tests.integration.containers import HARDENED, eventually, made, own_containers
from tests.integration.projects import free_port

LEADERS = """
SELECT a.pid, a.usename FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.classid = %s AND l.granted ORDER BY l.objid
"""
Event = tuple[str, int]


@dataclass(frozen=True)
class RealPostgres:
    """One server on a fixed port; each replica comes as a role of its own, so that it is known."""

    container: Container
    port: int

    def uri(self, user: str = "postgres") -> str:
        return f"postgresql://{user}:secret@127.0.0.1:{self.port}/postgres"

    def ask(self, query: Any, values: Any = None) -> list[Any]:
        """Give all rows, on a connection of its own."""
        with psycopg.connect(self.uri(), autocommit=True, connect_timeout=2) as link:
            cursor = link.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def wait(self) -> None:
        eventually(lambda: self.ask("SELECT 1"))

    def welcome(self, user: str) -> None:
        """Let a replica in."""
        self.ask(SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD 'secret'").format(Identifier(user)))

    def leaders(self) -> list[tuple[int, str]]:
        """The backend and the role that hold each shard's lock, as soon as there are any."""

        def attempt() -> list[tuple[int, str]]:
            found = self.ask(LEADERS, [LOCK])
            assert found, "nobody leads the relay"
            return found

        return eventually(attempt)

    def end(self, backend: int) -> None:
        """Close the connection of one backend."""
        self.ask("SELECT pg_terminate_backend(%s)", [backend])

    def restart(self) -> None:
        """Stop it in good order, and start it again."""
        self.container.restart(timeout=5)
        self.wait()

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.container.kill()

    def start(self) -> None:
        self.container.start()
        self.wait()

    def waiting(self) -> int:
        """How many rows are still to be published."""
        ((count,),) = self.ask("SELECT count(*) FROM realtime.outbox")
        return int(count)


@contextmanager
def real_postgres(source: images.Source) -> Iterator[RealPostgres]:
    """Start a Postgres that forgets nothing, and remove it whatever happens."""
    client = connect()
    recipe = images.recipe_for("postgres", source)
    made(client, recipe)
    with own_containers(client) as place:
        port = free_port()
        container = place.run(
            recipe.reference,
            port=5432,
            at=port,
            environment={"POSTGRES_PASSWORD": "secret"},
            user="999:999",
            tmpfs={"/tmp": "", "/var/run/postgresql": ""},
            **HARDENED,
        )
        server = RealPostgres(container, port)
        server.wait()
        yield server
    client.close()


@dataclass
class Writer:
    """Says 1, 2, 3 … in transactions of one connection, some of which it rolls back.

    ``undone`` was never committed and must never be seen; ``uncertain`` is what a COMMIT without
    an answer said.
    """

    name: str
    uri: str
    dice: random.Random
    channel: str
    uncertain: set[Event]
    undone: set[Event]
    number: int = 0
    last: int = 0  # what was committed last, and everybody has to hear in the end
    is_done: bool = False

    async def run(self) -> None:
        """Come back, whatever breaks, until it is done."""
        while not self.is_done:
            # A replica makes the schema, after the first writer has come.
            with suppress(psycopg.OperationalError, psycopg.ProgrammingError, TimeoutError):
                async with asyncio.timeout(3):
                    link = await psycopg.AsyncConnection.connect(self.uri, autocommit=True)
                async with link:
                    while not self.is_done:
                        async with asyncio.timeout(5):
                            await self.transact(link)
                        await asyncio.sleep(self.dice.uniform(0, 0.1))
            await asyncio.sleep(0.2)

    async def transact(self, link: "psycopg.AsyncConnection[Any]") -> None:
        """Publish a few events in one transaction."""
        events = {(self.name, self.number + n) for n in range(1, self.dice.randint(1, 4) + 1)}
        self.number += len(events)
        self.undone |= events
        await link.execute("BEGIN")
        for name, number in sorted(events):
            data = Jsonb([name, number])
            await link.execute("SELECT realtime.publish(%s, %s)", [self.channel, data])
        if self.dice.random() < 0.2:
            await link.execute("ROLLBACK")
            return
        self.undone -= events
        self.uncertain |= events
        await link.execute("COMMIT")
        self.uncertain -= events
        self.last = max(number for _, number in events)
