"""Clients that outlive their connections: they come back, recover, and publish exactly once."""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.integration.projects import Project
from tests.integration.wire import Client, forge, opened

GONE = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError)
JITTER = (0.05, 0.5)  # seconds; an SDK waits a little longer


@dataclass
class Subscriber:
    """Receives one channel over as many connections as it takes."""

    project: Project
    token: str
    channel: str
    received: list[Any] = field(default_factory=list)
    recoveries: list[bool] = field(default_factory=list)
    closes: list[int] = field(default_factory=list)
    is_here: asyncio.Event = field(default_factory=asyncio.Event)
    _offset: int = 0
    _epoch: str = ""

    async def run(self) -> None:
        """Stay subscribed until cancelled."""
        while True:
            with suppress(*GONE):
                async with opened(self.project.ws_url) as socket:
                    try:
                        await self._stay(Client(socket))
                    finally:
                        if socket.close_code is not None:
                            self.closes.append(socket.close_code)
            await asyncio.sleep(random.uniform(*JITTER))

    async def _stay(self, client: Client) -> None:
        where = {"recover": True, "offset": self._offset, "epoch": self._epoch}
        known = where if self._epoch else {}
        await client.ask("connect", token=self.token)
        reply = await client.ask("subscribe", channel=self.channel, **known)
        if "subscribe" not in reply:
            return  # not yet, or not any more
        result = reply["subscribe"]
        if known:
            self.recoveries.append(result["recovered"])
        self._epoch = result["epoch"]
        for publication in result.get("publications", []):
            self._take(publication)
        self._offset = max(self._offset, result.get("offset", 0))
        self.is_here.set()
        while True:
            self._take(await client.publication())

    def _take(self, publication: Any) -> None:
        self._offset = publication["offset"]
        self.received.append(publication["data"])


@dataclass
class Publisher:
    """Publishes 0, 1, 2, …; what was not answered is looked up before it is said again."""

    project: Project
    token: str
    channel: str
    name: str
    pause: float = 0.02
    many: int = 0
    is_done: bool = False

    async def run(self) -> None:
        """Publish until ``is_done``, and then see the last one through."""
        while not self.is_done:
            with suppress(*GONE):
                async with opened(self.project.ws_url) as socket:
                    await self._publish(Client(socket))
            await asyncio.sleep(random.uniform(*JITTER))

    async def _publish(self, client: Client) -> None:
        await client.ask("connect", token=self.token)
        if "subscribe" not in await client.ask("subscribe", channel=self.channel):
            return
        if not await self._look_up(client):
            return
        while not self.is_done:
            data = {"by": self.name, "n": self.many}
            if "publish" not in await client.ask("publish", channel=self.channel, data=data):
                return
            self.many += 1
            await asyncio.sleep(self.pause)

    async def _look_up(self, client: Client) -> bool:
        """Count the one that was published although its answer was lost."""
        reply = await client.ask("history", channel=self.channel, limit=200, reverse=True)
        if "history" not in reply:
            return False
        found = [publication["data"] for publication in reply["history"].get("publications", [])]
        if {"by": self.name, "n": self.many} in found:
            self.many += 1
        return True


@dataclass
class Prober:
    """Opens a new connection again and again: does the route always answer?"""

    project: Project
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Go on until cancelled."""
        token = forge(self.project)
        while True:
            begun = time.monotonic()
            try:
                async with opened(self.project.ws_url) as socket:
                    took = time.monotonic() - begun
                    with suppress(ConnectionClosed):  # it may be one that is just about to stop
                        await Client(socket).ask("connect", token=token)
                self.seconds.append(took)
            except GONE as error:
                self.failures.append(repr(error))
            await asyncio.sleep(0.03)
