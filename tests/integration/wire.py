"""Clients for tests: WebSockets through the front that speak the server's JSON, and tokens."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response
from websockets.typing import Subprotocol

from tests.integration.projects import Project

PATIENCE = 20  # seconds; the machine may be busy with other tests


class Client:
    """A connection to the realtime server that counts its commands and sorts what arrives."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.pushes: list[Any] = []  # the data of publications, in the order of arrival
        self._ids = count(1)
        self._lines: list[str] = []

    async def ask(self, method: str, **params: object) -> Any:
        """Send one command and give its reply; publications that arrive before are kept."""
        (reply,) = await self.ask_all([(method, params)])
        return reply

    async def ask_all(self, commands: list[tuple[str, dict[str, object]]]) -> list[Any]:
        """Send commands in one frame and give their replies, in order."""
        frame = [{"id": next(self._ids), method: params} for method, params in commands]
        await self.socket.send("\n".join(json.dumps(command) for command in frame))
        return [await self._reply(command["id"]) for command in frame]

    async def pushed(self, many: int) -> list[Any]:
        """Give the first ``many`` publications, as soon as they are here."""
        while len(self.pushes) < many:
            self._take(await self._receive())
        return self.pushes[:many]

    async def publication(self) -> Any:
        """Give the next publication, whole, and answer the server's pings meanwhile."""
        while "pub" not in (received := await self._receive()).get("push", {}):
            if not received:
                await self.socket.send("{}")
        return received["push"]["pub"]

    async def _reply(self, number: object) -> Any:
        while (received := await self._receive()).get("id") != number:
            self._take(received)
        return received

    async def _receive(self) -> Any:
        if not self._lines:
            async with asyncio.timeout(PATIENCE):
                self._lines = str(await self.socket.recv()).split("\n")
        return json.loads(self._lines.pop(0))

    def _take(self, received: Any) -> None:
        if "pub" in received.get("push", {}):
            self.pushes.append(received["push"]["pub"]["data"])


@asynccontextmanager
async def opened(
    url: str,
    *subprotocols: str,
    headers: Mapping[str, str] | None = None,
    origin: str = "",
    at: str | None = None,
) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket, at another address than the name's; raises InvalidStatus when refused."""
    offered = [Subprotocol(name) for name in subprotocols] or None
    more = {**(headers or {}), **({"Origin": origin} if origin else {})}
    where: dict[str, Any] = {"host": at} if at else {}
    async with connect(
        url,
        subprotocols=offered,
        additional_headers=more,
        open_timeout=PATIENCE,
        proxy=None,
        **where,
    ) as socket:
        yield socket


@asynccontextmanager
async def signed_in(project: Project, *channels: str) -> AsyncIterator[tuple[Client, str]]:
    """Open a WebSocket, sign in and subscribe; give the client and the id that the server chose."""
    async with opened(project.ws_url) as socket:
        client = Client(socket)
        welcome = await client.ask("connect", token=forge(project, channels=list(channels)))
        for channel in channels:
            await client.ask("subscribe", channel=channel)
        yield client, welcome["connect"]["client"]


async def refusal(url: str, **options: Any) -> Response:
    """Give the HTTP answer of a handshake that has to be refused."""
    try:
        async with opened(url, **options):
            raise AssertionError("the handshake was accepted")
    except InvalidStatus as error:
        return error.response


def forge(project: Project, *, key: str = "", algorithm: str = "HS256", **claims: object) -> str:
    """Make a token in the test itself: a good one with the stack's secret, unless told else."""
    secret = key or (project.state / "secrets" / "nextauth-secret").read_text()
    payload = {"sub": "alice", "exp": int(time.time()) + 600} | claims
    return jwt.encode(payload, "" if algorithm == "none" else secret, algorithm)
