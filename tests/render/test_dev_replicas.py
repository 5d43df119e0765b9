"""Several replicas behind one name: how connections spread, and what happens while one is away."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve

from stack.layout.routing import RESOLVES_GROUPS, Version
from tests.render.dev import WEBSOCKET, Start, container
from tests.render.front import Front, free_port
from tests.render.upstreams import Names

HOSTS = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]


class Replicas:
    """WebSocket servers on one port of several addresses, which can stop and come back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.servers: dict[str, Server] = {}

    async def start(self, host: str) -> None:
        self.servers[host] = await serve(_stay, host, self.port)

    async def stop(self, host: str) -> None:
        server = self.servers.pop(host)
        server.close()
        await server.wait_closed()

    def spread(self) -> list[int]:
        return sorted(len(server.connections) for server in self.servers.values())


async def _stay(connection: ServerConnection) -> None:
    await connection.wait_closed()


@asynccontextmanager
async def replicas(names: Names) -> AsyncIterator[Replicas]:
    names.addresses["ws"] = " ".join(HOSTS)
    some = Replicas(free_port())
    for host in HOSTS:
        await some.start(host)
    try:
        yield some
    finally:
        for host in list(some.servers):
            await some.stop(host)


async def open_all(exits: AsyncExitStack, front: Front, many: int) -> list[ClientConnection]:
    address = front.url("/ws", "ws")
    return [
        await exits.enter_async_context(connect(address, ping_interval=None)) for _ in range(many)
    ]


async def test_long_lived_connections_spread(start: Start, names: Names, nginx: Version) -> None:
    async with replicas(names) as some, AsyncExitStack() as exits:
        front = start({"ws": container(some.port)}, {"/ws": WEBSOCKET})
        await open_all(exits, front, 90)
        if nginx >= RESOLVES_GROUPS:
            assert some.spread() == [30, 30, 30]
        else:  # by chance: below 12 is four deviations away
            assert some.spread()[0] >= 12


async def test_a_replica_that_refuses_is_skipped(start: Start, names: Names) -> None:
    async with replicas(names) as some, AsyncExitStack() as exits:
        front = start({"ws": container(some.port)}, {"/ws": WEBSOCKET})
        await some.stop(HOSTS[1])
        await open_all(exits, front, 20)
        assert sum(some.spread()) == 20


async def test_a_replica_that_says_503_is_skipped(start: Start, names: Names) -> None:
    async with replicas(names) as some, AsyncExitStack() as exits:
        front = start({"ws": container(some.port)}, {"/ws": WEBSOCKET})
        await some.stop(HOSTS[1])

        async def drains(connection: ServerConnection, _request: object) -> object:
            return connection.respond(503, "stops\n")

        some.servers[HOSTS[1]] = await serve(
            _stay,
            HOSTS[1],
            some.port,
            process_request=drains,  # type: ignore[arg-type]  # any request will do
        )
        await open_all(exits, front, 20)
        assert sum(some.spread()) == 20


async def test_a_replica_that_comes_back_catches_up(
    start: Start, names: Names, nginx: Version
) -> None:
    if nginx < RESOLVES_GROUPS:
        pytest.skip("without least_conn, it only gets its share of what is new")
    async with replicas(names) as some, AsyncExitStack() as exits:
        front = start({"ws": container(some.port)}, {"/ws": WEBSOCKET})
        await some.stop(HOSTS[0])
        await open_all(exits, front, 40)
        await some.start(HOSTS[0])
        await open_all(exits, front, 20)
        assert some.spread() == [20, 20, 20]
