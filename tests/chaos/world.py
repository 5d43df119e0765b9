"""Two replicas, Redis and Postgres behind, Nginx and a relay in front, and what may befall them.

No tests. A fault is an entry of ``FAULTS``: something that happens to the world and is over when it
returns.
"""

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from stack.engines.docker.opening import choose_source, open_engine
from stack.layout.labels import Owner
from tests.chaos.nginx import Nginx
from tests.chaos.postgres import RealPostgres, real_postgres
from tests.chaos.redis_pair import RedisPair, redis_pair
from tests.chaos.redis_watched import watched_pair
from tests.chaos.replica import KEY_TTL
from tests.integration.projects import free_port
from tests.ws.harness import SECRET
from tests.ws.redis_server import AOF, RDB, RealRedis, user_options

ROLES = {"first": 0.0, "second": 90.0}  # the two replicas, and how far their clocks are ahead
PROGRAM = Path(__file__).with_name("replica.py")
FOLDER = Path(__file__).parents[2] / "services" / "ws"
NAMESPACES = {
    "room": {
        "allow_publish_for_subscriber": True,
        "presence": True,
        "join_leave": True,
        "history_size": 1000,
        "history_ttl": 300,
        "force_recovery": True,
    }
}


@dataclass
class Replica:
    """One server process, on the same port in each of its lives."""

    redis_url: str
    database_url: str
    ahead: float  # seconds that its wall clock is ahead
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def role(self) -> str | None:
        """As whom it comes to Postgres and Redis, which is how it is found there."""
        return urlsplit(self.database_url).username

    async def start(self) -> None:
        """Return when it listens."""
        environment = {
            "PATH": os.environ["PATH"],
            "NEXTAUTH_SECRET": SECRET.decode(),
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.database_url,
            "WS_HOST": "127.0.0.1",
            "WS_PORT": str(self.port),
            "WS_NAMESPACES": json.dumps(NAMESPACES),
            "WS_PING_INTERVAL": "2",
            "WS_LOG_LEVEL": "error",
            "PYTHONPATH": str(FOLDER),
            "CHAOS_AHEAD": str(self.ahead),
        }
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(PROGRAM)), env=environment, stdout=DEVNULL
        )
        async with asyncio.timeout(10):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.05)

    async def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(number)
            async with asyncio.timeout(10):
                await self.process.wait()


@dataclass
class Relay:
    """Passes bytes to whichever replica is there, as a proxy would, until it is cut."""

    replicas: list[Replica]
    dice: random.Random
    port: int = field(default_factory=free_port)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for replica in self.dice.sample(self.replicas, len(self.replicas)):
            with suppress(OSError):
                back, forth = await asyncio.open_connection("127.0.0.1", replica.port)
                self._writers |= {writer, forth}
                await asyncio.gather(pump(reader, forth), pump(back, writer))
                self._writers -= {writer, forth}
                return
        writer.close()

    def cut(self) -> None:
        """End every connection without a goodbye."""
        for writer in tuple(self._writers):
            writer.transport.abort()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@dataclass
class World:
    """All that can break."""

    stores: RedisPair
    postgres: RealPostgres
    replicas: list[Replica]
    relay: Relay
    nginx: Nginx
    dice: random.Random

    @property
    def redis(self) -> RealRedis:
        """The one that takes writes now."""
        return self.stores.master

    @property
    def fronts(self) -> list[int]:
        """Where clients connect."""
        return [self.nginx.port, self.relay.port, *(replica.port for replica in self.replicas)]


async def cut_redis(world: World) -> None:
    await asyncio.to_thread(world.redis.cut)


async def part_from_redis(world: World) -> None:
    """One replica only: the other goes on publishing what it then has missed."""
    user = world.dice.choice(world.replicas).role or ""
    await asyncio.to_thread(world.redis.shut_out, user)
    await asyncio.sleep(world.dice.uniform(0.2, 2))
    await asyncio.to_thread(world.redis.let_in, user)


async def kill_redis(world: World) -> None:
    redis = world.redis
    await asyncio.to_thread(redis.kill)
    await asyncio.sleep(world.dice.uniform(0, 1))
    await asyncio.to_thread(redis.start)
    await world.stores.settled()


async def restart_redis(world: World) -> None:
    await asyncio.to_thread(world.redis.restart)
    await world.stores.settled()


async def empty_redis(world: World) -> None:
    await asyncio.to_thread(world.redis.ask, "FLUSHALL")


async def fail_over_redis(world: World) -> None:
    await world.stores.fail_over()


async def fail_over_redis_late(world: World) -> None:
    await world.stores.fail_over_late()


async def demote_redis(world: World) -> None:
    await world.stores.demote()


async def restore_redis(world: World) -> None:
    await world.stores.restore()


async def fill_redis(world: World) -> None:
    await world.stores.fill()


async def kill_replica(world: World) -> None:
    await _end(world, signal.SIGKILL)


async def restart_replica(world: World) -> None:
    await _end(world, signal.SIGTERM)


async def pause_replica(world: World) -> None:
    """Long enough to be taken for dead by the other, or for keys to be forgotten."""
    process = world.dice.choice(world.replicas).process
    if process:
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(world.dice.choice([0.5, 6, KEY_TTL + 3]))
        process.send_signal(signal.SIGCONT)


async def cut_relay(world: World) -> None:
    world.relay.cut()


async def kill_postgres(world: World) -> None:
    await asyncio.to_thread(world.postgres.kill)
    await asyncio.sleep(world.dice.uniform(0, 1))
    await asyncio.to_thread(world.postgres.start)


async def restart_postgres(world: World) -> None:
    await asyncio.to_thread(world.postgres.restart)


async def kill_leader(world: World) -> None:
    """The replica that leads the first shard that anybody leads."""
    _, role = (await asyncio.to_thread(world.postgres.leaders))[0]
    replica = next(each for each in world.replicas if role == each.role)
    await _revive(world, replica, signal.SIGKILL)


async def depose_leaders(world: World) -> None:
    """Take their locks away by the end of their connections; they live on."""
    for backend, _ in await asyncio.to_thread(world.postgres.leaders):
        await asyncio.to_thread(world.postgres.end, backend)


async def kill_nginx(world: World) -> None:
    await world.nginx.end(signal.SIGKILL)
    await asyncio.sleep(world.dice.uniform(0, 0.5))
    await world.nginx.start()


async def restart_nginx(world: World) -> None:
    await world.nginx.end(signal.SIGTERM)
    await world.nginx.start()


async def reload_nginx(world: World) -> None:
    world.nginx.reload()


async def _end(world: World, number: signal.Signals) -> None:
    await _revive(world, world.dice.choice(world.replicas), number)


async def _revive(world: World, replica: Replica, number: signal.Signals) -> None:
    await replica.end(number)
    await asyncio.sleep(world.dice.uniform(0, 0.5))
    await replica.start()


Fault = Callable[[World], Awaitable[None]]
FAULTS: tuple[Fault, ...] = (
    *(cut_redis, part_from_redis, kill_redis, restart_redis, empty_redis),
    *(fail_over_redis, fail_over_redis_late, demote_redis, restore_redis, fill_redis),
    *(kill_replica, restart_replica, pause_replica, cut_relay),
    *(kill_postgres, restart_postgres, kill_leader, depose_leaders),
    *(kill_nginx, restart_nginx, reload_nginx),
)


@asynccontextmanager
async def world(dice: random.Random) -> AsyncIterator[World]:
    """Start everything, and end it whatever happens."""
    source = choose_source(open_engine(Owner("it"), frozenset, print), "", print)
    kind = os.environ.get("CHAOS_REDIS", "rdb")
    files = RDB if kind == "rdb" else AOF
    start = watched_pair if kind == "sentinel" else redis_pair
    async with start(dice, *files, *user_options(*ROLES)) as stores:
        with real_postgres(source) as postgres, TemporaryDirectory() as folder:
            async with _serving(stores, postgres, Path(folder), dice) as here:
                yield here


@asynccontextmanager
async def _serving(
    stores: RedisPair, postgres: RealPostgres, folder: Path, dice: random.Random
) -> AsyncIterator[World]:
    replicas = [
        Replica(stores.url_of(role), postgres.uri(role), ahead) for role, ahead in ROLES.items()
    ]
    for replica in replicas:
        postgres.welcome(replica.role or "")
    relay = Relay(replicas, dice)
    nginx = Nginx(folder, [replica.port for replica in replicas])
    server = await asyncio.start_server(relay.accept, "127.0.0.1", relay.port)
    try:
        await asyncio.gather(nginx.start(), *(replica.start() for replica in replicas))
        yield World(stores, postgres, replicas, relay, nginx, dice)
    finally:
        relay.cut()
        server.close()
        ends = [replica.end(signal.SIGKILL) for replica in replicas]
        await asyncio.gather(nginx.end(signal.SIGKILL), *ends)
