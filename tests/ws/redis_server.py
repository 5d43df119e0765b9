"""Real Redis servers in containers of our image, each on a fixed free port of loopback.

They share the network of this machine, so that a replica, a sentinel and a cluster find each other.
"""

import asyncio
import io
import socket
import tarfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from docker.models.containers import Container
from ws_server.broker.redis import RedisBroker
from ws_server.core.publication import Kind, Publication, Version
from ws_server.log import Log
from ws_server.settings.redis_address import RedisAddress

from stack.engines.docker.connect import connect
from stack.engines.docker.opening import choose_source, open_engine
from stack.layout import images
from stack.layout.labels import Owner
from tests.integration.containers import (
    HARDENED,
    LABEL,
    OwnContainers,
    eventually,
    made,
    own_containers,
)
from tests.integration.projects import free_port

VERSIONS = [
    (Version(2), 1),
    (Version(1), 1),  # an older state is not published
    (Version(2), 1),  # nor the same again
    (Version(3), 2),
    (None, 3),  # says nothing about the version
    (Version(3), 3),
    (Version(1, "new"), 4),  # counted anew
    (Version(1, "new"), 4),
    (Version(4), 5),
]
"""Versions that are published one after the other, and the offset of the answer to each."""
Message = tuple[str, Kind, Publication]
RDB = ("--save", "60 1")  # as the preset runs it: a kill forgets the last seconds
AOF = ("--appendonly", "yes", "--save", "")


def user_options(*users: str) -> tuple[str, ...]:
    """Options of a server with such users, who may do everything."""
    rights = ("~*", "&*", "+@all")
    return tuple(part for user in users for part in ("--user", user, "on", f">{user}", *rights))


@dataclass(frozen=True)
class RealRedis:
    """One server and what can be done to it."""

    container: Container
    port: int
    password: str | None = None

    @property
    def address(self) -> RedisAddress:
        return RedisAddress("127.0.0.1", self.port, 0)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def url_of(self, user: str) -> str:
        """Where one of several users comes in, who was made by ``user_options``."""
        return f"redis://{user}:{user}@127.0.0.1:{self.port}/0"

    def shut_out(self, user: str) -> None:
        """Close the connections of one user, who cannot come back."""
        self.ask("ACL", "SETUSER", user, "off")
        self.ask("CLIENT", "KILL", "USER", user)

    def let_in(self, user: str) -> None:
        self.ask("ACL", "SETUSER", user, "on")

    def ask(self, *command: str | bytes) -> Any:
        """Give the answer to one command, on a connection of its own."""
        with redis.Redis(port=self.port, password=self.password) as link:
            return link.execute_command(*command)

    def wait(self) -> None:
        eventually(lambda: self.ask("PING"))

    def follow(self, master: "RealRedis | None") -> None:
        """Become a replica of another server, or a master."""
        where = ("127.0.0.1", str(master.port)) if master else ("NO", "ONE")
        self.ask("REPLICAOF", *where)
        if master:
            eventually(self._in_sync)

    def _in_sync(self) -> None:
        assert self.ask("INFO", "replication")["master_link_status"] == "up"

    def stop_following(self) -> None:
        """Stay a replica that its master does not reach any more."""
        self.ask("REPLICAOF", "127.0.0.1", "1")

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

    def files(self) -> bytes:
        """Return the files that it has written, as a tar archive."""
        chunks, _ = self.container.get_archive("/data/.")
        return b"".join(chunks)

    def write_files(self, archive: bytes) -> None:
        """Replace its files, while it does not run."""
        assert self.container.put_archive("/data", archive)

    def cut(self) -> None:
        """Close the connection of every client."""
        self.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.ask("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")


def archive_of(files: Mapping[str, str]) -> bytes:
    """Return a tar archive of text files that Redis may change."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.uid, entry.gid, entry.mode = len(text.encode()), 999, 999, 0o600
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass
class Servers:
    """Starts servers of one image; all are removed at the end."""

    place: OwnContainers
    image: str

    def start(self, *options: str, shared: Path | None = None) -> RealRedis:
        """Start a server and wait until it answers; ``shared`` is a folder at /shared."""
        port = free_port()
        server = RealRedis(self._run(("--port", str(port), *options), {}, shared), port)
        server.wait()
        return server

    def start_tls(self, *options: str, files: Mapping[str, str]) -> int:
        """Start a server on a port for TLS alone; ``files`` are those of its certificate."""
        port = free_port()
        names = ("tls-cert-file", "/data/server.pem", "tls-key-file", "/data/server.key")
        tls = ("tls-port", str(port), *names, "tls-ca-cert-file", "/data/ca.pem")
        flags = [f"--{part}" if at % 2 == 0 else part for at, part in enumerate(tls)]
        self._run(("--port", "0", *flags, *options), files, None)
        eventually(lambda: socket.create_connection(("127.0.0.1", port)).close())
        return port

    def start_sentinel(self, configuration: str, password: str) -> RealRedis:
        """Start a sentinel and wait until it answers."""
        port = free_port()
        options = ("/data/sentinel.conf", "--sentinel", "--port", str(port))
        container = self._run(options, {"sentinel.conf": configuration}, None)
        server = RealRedis(container, port, password)
        server.wait()
        return server

    def _run(
        self, options: tuple[str, ...], files: Mapping[str, str], shared: Path | None
    ) -> Container:
        """Start a container; ``files`` are put into its folder /data, by name."""
        volumes = {self.place.volume(): {"bind": "/data", "mode": "rw"}}
        if shared:
            volumes[str(shared)] = {"bind": "/shared", "mode": "rw"}
        container = self.place.client.containers.create(
            self.image,
            ["redis-server", *options, "--bind", "127.0.0.1"],
            labels={LABEL: self.place.mark},
            network_mode="host",
            volumes=volumes,
            user="999:999",
            **HARDENED,
        )
        if files:
            assert container.put_archive("/data", archive_of(files))
        container.start()
        return container


@contextmanager
def redis_servers() -> Iterator[Servers]:
    """Give a place for servers, and remove them whatever happens."""
    client = connect()
    source = choose_source(open_engine(Owner("it"), frozenset, print), "", print)
    recipe = images.recipe_for("redis", source)
    made(client, recipe)
    with own_containers(client) as place:
        yield Servers(place, recipe.reference)
    client.close()


@contextmanager
def real_redis(*options: str) -> Iterator[RealRedis]:
    """Start a Redis, and remove it whatever happens."""
    with redis_servers() as servers:
        yield servers.start(*(options or RDB))


@dataclass
class Address:
    """A port that leads to one server at a time, as the address of a managed Redis does."""

    target: int
    port: int = field(default_factory=free_port)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def lead_to(self, target: int) -> None:
        """Lead to another server from now on, and close what leads to the old one."""
        self.target = target
        for writer in self._writers:
            writer.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on in both directions."""
        with suppress(OSError):
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers |= {writer, forth}
            await asyncio.gather(_pump(reader, forth), _pump(back, writer))
            self._writers -= {writer, forth}
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def address_of(server: RealRedis) -> AsyncIterator[Address]:
    """Give an address that leads to the server and can lead to another one."""
    address = Address(server.port)
    listener = await asyncio.start_server(address.accept, "127.0.0.1", address.port)
    try:
        yield address
    finally:
        listener.close()
        address.lead_to(0)


@dataclass
class Recorder:
    """A listener that keeps what the broker says, in order."""

    messages: list[Message] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    reconnections: int = 0

    def deliver(self, channel: str, kind: Kind, publication: Publication) -> None:
        self.messages.append((channel, kind, publication))

    def control(self, payload: bytes) -> None:
        self.told.append(payload)

    def reconnected(self) -> None:
        self.reconnections += 1

    def of(self, kind: Kind) -> list[bytes]:
        return [each.payload for _, was, each in self.messages if was == kind]

    async def until(self, kind: Kind, payload: bytes, limit: float = 10) -> None:
        """Wait for a message."""
        async with asyncio.timeout(limit):
            while payload not in self.of(kind):  # noqa: ASYNC110 - a list has no event
                await asyncio.sleep(0.01)


@dataclass
class Replica:
    """A broker that runs, and what it said."""

    broker: RedisBroker
    heard: Recorder
    task: "asyncio.Task[None]"

    async def ready(self, *, expected: bool = True, limit: float = 10) -> None:
        async with asyncio.timeout(limit):
            while self.broker.is_ready is not expected:  # noqa: ASYNC110 - asked as /readyz is
                await asyncio.sleep(0.002)

    async def die(self) -> None:
        """End without a goodbye."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@asynccontextmanager
async def replica(address: RedisAddress) -> AsyncIterator[Replica]:
    """Run a broker until the end."""
    heard = Recorder()
    broker = RedisBroker(address, Log("info", io.StringIO()))
    one = Replica(broker, heard, asyncio.create_task(broker.run(heard)))
    try:
        await one.ready()
        yield one
    finally:
        await one.die()
