"""Subscribers that recover as the SDKs do, and publishers that number what they say."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from tests.chaos.ledger import Ledger
from tests.ws.harness import token

GONE = (OSError, WebSocketException, InvalidHandshake, TimeoutError, EOFError)
TERMINAL = 3500
QUIET = 8.0  # seconds without a ping after which a client leaves


class RefusedError(Exception):
    """The server answered what it must not: a terminal code, or an error that is not temporary."""


@dataclass
class Client:
    """Keeps a connection to any of the ``fronts``, with a delay that is spread at random."""

    name: str
    fronts: list[int]
    dice: random.Random
    connections: int = 0

    async def run(self) -> None:
        """Come back until cancelled. Raises RefusedError."""
        while True:
            with suppress(*GONE):
                port = self.dice.choice(self.fronts)
                async with asyncio.timeout(5):
                    socket = await connect(f"ws://127.0.0.1:{port}/ws", compression=None)
                async with socket:
                    self.connections += 1
                    await self.serve(socket)
                    await socket.close()
                if (socket.close_code or 0) >= TERMINAL:
                    raise RefusedError(f"{self.name}: {socket.close_code} {socket.close_reason}")
            await asyncio.sleep(self.dice.uniform(0.02, 0.3))

    async def serve(self, socket: ClientConnection) -> None:
        """Use one connection until it breaks."""
        raise NotImplementedError

    async def sign_in(self, socket: ClientConnection) -> None:
        await say(socket, id=1, connect={"token": token(sub=self.name)})


async def say(socket: ClientConnection, **command: Any) -> None:
    await socket.send(json.dumps(command))


async def messages(socket: ClientConnection) -> AsyncIterator[dict[str, Any]]:
    """Give all but pings, which are answered."""
    while True:
        async with asyncio.timeout(QUIET):
            frame = str(await socket.recv())
        for line in frame.split("\n"):
            message = json.loads(line)
            if message:
                yield message
            else:
                await socket.send("{}")


@dataclass
class Subscriber(Client):
    """Follows one channel, and writes into its ledger."""

    channel: str = ""
    ledger: Ledger = field(default_factory=lambda: Ledger("", ()))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, socket: ClientConnection) -> None:
        await self.sign_in(socket)
        await self.subscribe(socket)
        async for message in messages(socket):
            if "push" in message:
                await self.pushed(socket, message["push"])
            elif message["id"] == 2:
                await self.answered(socket, message)
            elif "error" in message:
                raise RefusedError(f"{self.name}: {message}")
            self.arrived.set()

    async def subscribe(self, socket: ClientConnection) -> None:
        wanted: dict[str, Any] = {"channel": self.channel}
        if self.ledger.epoch:
            wanted |= {"recover": True, "offset": self.ledger.offset, "epoch": self.ledger.epoch}
        await say(socket, id=2, subscribe=wanted)

    async def answered(self, socket: ClientConnection, reply: dict[str, Any]) -> None:
        if "error" in reply:
            if not reply["error"].get("temporary"):
                raise RefusedError(f"{self.name}: {reply}")
            await asyncio.sleep(self.dice.uniform(0.05, 0.2))
            await self.subscribe(socket)
            return
        result = reply["subscribe"]
        if not result.get("recovered"):
            self.ledger.restarted(result.get("offset", 0), result["epoch"])
        for publication in result.get("publications", ()):
            self.count(publication)

    async def pushed(self, socket: ClientConnection, push: dict[str, Any]) -> None:
        if "pub" in push:
            self.count(push["pub"])
        elif "unsubscribe" in push:
            if push["unsubscribe"]["code"] < 2500:
                raise RefusedError(f"{self.name}: {push}")
            await self.subscribe(socket)

    def count(self, publication: dict[str, Any]) -> None:
        publisher, number = publication["data"]
        self.ledger.saw(publisher, number, publication["offset"])


@dataclass
class Publisher(Client):
    """Says 1, 2, 3 … in a channel; what it is not told to be published is ``uncertain``."""

    channel: str = ""
    interval: float = 0.02
    number: int = 0
    uncertain: set[tuple[str, int]] = field(default_factory=set)
    is_done: bool = False

    @property
    def last(self) -> int:
        """The number that everybody has to hear in the end."""
        return self.number

    async def serve(self, socket: ClientConnection) -> None:
        await self.sign_in(socket)
        await say(socket, id=2, subscribe={"channel": self.channel})
        mailbox = messages(socket)
        async for message in mailbox:
            if message.get("id") == 2:
                if "error" in message:
                    return
                break
        while not self.is_done:
            await self.publish(socket, mailbox)
            await asyncio.sleep(self.dice.uniform(0, 2 * self.interval))
        await asyncio.Future()

    async def publish(
        self, socket: ClientConnection, mailbox: AsyncIterator[dict[str, Any]]
    ) -> None:
        self.number += 1
        event = (self.name, self.number)
        self.uncertain.add(event)
        command = {"channel": self.channel, "data": event}
        await say(socket, id=self.number + 2, publish=command)
        async for message in mailbox:
            if message.get("id") == self.number + 2:
                if "error" not in message:
                    self.uncertain.discard(event)
                return
