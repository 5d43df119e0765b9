"""A real server on a port of its own, tokens for it, and a client that speaks JSON. No tests."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol
from ws_server.broker.base import Broker
from ws_server.composition import compose
from ws_server.core.namespaces import Namespace, Namespaces
from ws_server.core.publication import Kind, Publication
from ws_server.log import Log
from ws_server.server import Server
from ws_server.settings.config import Settings

LOG = Namespace(
    allow_subscribe_for_client=True,
    allow_publish_for_subscriber=True,
    allow_presence_for_subscriber=True,
    allow_history_for_subscriber=True,
    presence=True,
    history_size=10,
    history_ttl=60,
    force_recovery=True,
)
NAMESPACES = Namespaces(
    {
        "": Namespace(allow_publish_for_subscriber=True),
        "room": Namespace(allow_publish_for_subscriber=True),
        "log": LOG,
        "chat": replace(LOG, join_leave=True),
    }
)
SECRET = b"a secret for tests, 32 bytes long or more"
API_KEY = b"a-key-for-tests-that-is-32-bytes-long"
CHANNELS = ["room:*", "news"]


def token(secret: bytes = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """A good token for alice; a claim given as None is left out.

    Good for a day: tables are made when tests are collected, long before some of them run.
    """
    payload = {"sub": "alice", "exp": time.time() + 86400, "channels": CHANNELS} | claims
    payload = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(payload, secret if algorithm != "none" else "", algorithm)


class Nobody:
    """A listener of a broker that does not care."""

    def deliver(self, channel: str, kind: Kind, publication: Publication) -> None: ...

    def control(self, payload: bytes) -> None: ...

    def reconnected(self) -> None: ...


async def until(condition: Callable[[], object], limit: float = 15) -> None:
    """Wait for what only asking shows: another process, or what has no event."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110 - there is none to wait for
            await asyncio.sleep(0.01)


class Client:
    """A connection that sends and receives JSON, and waits for nothing long."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.patience = 5.0  # seconds for one message
        self._lines: list[str] = []

    async def send(self, *commands: dict[str, Any]) -> None:
        await self.socket.send("\n".join(json.dumps(command) for command in commands))

    async def receive(self) -> Any:
        """The next message; several may come in one frame."""
        async with asyncio.timeout(self.patience):
            while not self._lines:
                self._lines = str(await self.socket.recv()).split("\n")
        return json.loads(self._lines.pop(0))

    async def ask(self, *commands: dict[str, Any]) -> Any:
        await self.send(*commands)
        return await self.receive()

    async def sign_in(self, **claims: Any) -> Any:
        return await self.ask({"id": 1, "connect": {"token": token(**claims)}})

    async def subscribe(self, channel: str) -> Any:
        return await self.ask({"id": 2, "subscribe": {"channel": channel}})

    async def closed(self) -> tuple[int | None, str | None]:
        """The code and reason that the server closes with; what arrives before is dropped."""
        async with asyncio.timeout(5):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed:
                return self.socket.close_code, self.socket.close_reason


@dataclass(frozen=True)
class Running:
    """A server that runs, and what it logs."""

    server: Server
    output: io.StringIO

    @property
    def logged(self) -> str:
        return self.output.getvalue()

    def url(self, path: str = "/ws") -> str:
        return f"ws://127.0.0.1:{self.server.port}{path}"

    @asynccontextmanager
    async def client(
        self, *subprotocols: str, path: str = "/ws", **options: Any
    ) -> AsyncIterator[Client]:
        offered = [Subprotocol(name) for name in subprotocols] or None
        options = {"compression": None, "close_timeout": 2} | options
        async with connect(self.url(path), subprotocols=offered, **options) as socket:
            yield Client(socket)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.server.api_port}/api"

    async def api(self, method: str, **body: Any) -> Any:
        """The answer of the HTTP API, whatever it is."""
        async with httpx.AsyncClient() as client:
            headers = {"X-API-Key": API_KEY.decode()}
            answer = await client.post(f"{self.api_url}/{method}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def http(self, request: str, port: int = 0) -> str:
        """The whole answer to raw request lines; the server closes after it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port or self.server.port)
        writer.write(request.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        return answer.decode()


def exchange(live: Running, broker: Broker) -> None:
    """Let a server that runs go on with another broker, which it listens to."""
    server = live.server
    server.parts.service.broker = broker
    server._upkeep.append(asyncio.create_task(broker.run(server.parts.node)))


@asynccontextmanager
async def running(broker: Broker | None = None, **settings: Any) -> AsyncIterator[Running]:
    """Start a server in this process with the given settings; stop it afterwards."""
    output = io.StringIO()
    defaults: dict[str, Any] = {
        "secret": SECRET,
        "host": "127.0.0.1",
        "port": 0,
        "api_port": 0,
        "drain_timeout": 0.3,
        "max_commands_per_second": 0,
        "max_connects_per_second": 0,
        "namespaces": NAMESPACES,
    }
    server = compose(Settings(**defaults | settings), Log("debug", output), broker)
    await server.start()
    try:
        yield Running(server, output)
    finally:
        await server.stop()
