"""Runs an official SDK in a process of its own and speaks with it in JSON lines. No tests."""

import asyncio
import contextlib
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

LIMIT = 10.0  # seconds that anything may take
ENDED = {"event": "ended"}


class Sdk:
    """One client. Events are kept until somebody waits for them."""

    def __init__(self, process: "SdkProcess", number: int) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._process = process
        self._number = number
        self._events: list[dict[str, Any]] = []

    def tell(self, action: str, **fields: Any) -> None:
        """Have it do something."""
        self._process.write({"client": self._number, "do": action, **fields})

    async def event(self, *names: str) -> dict[str, Any]:
        """Give the next event of these names; others stay, in their order."""
        async with asyncio.timeout(LIMIT):
            while True:
                for event in self._events:
                    if event["event"] in names:
                        self._events.remove(event)
                        return event
                found = await self.inbox.get()
                assert found is not ENDED, f"the SDK ended; before it: {self._events}"
                self._events.append(found)

    async def do(self, action: str, **fields: Any) -> Any:
        """Have it do something; gives what came of it, or the code of the error."""
        self.tell(action, **fields)
        answer = await self.event("done", "failed")
        return answer["result"] if answer["event"] == "done" else answer["code"]

    async def connected(self, token: str) -> None:
        """Connect, and wait for it."""
        await self.do("connect", token=token)
        await self.event("connected")

    async def subscribed(self, channel: str) -> dict[str, Any]:
        """Subscribe, and wait for it."""
        await self.do("subscribe", channel=channel)
        return await self.event("subscribed")

    async def publications(self, count: int) -> list[Any]:
        """Give the data of the next publications."""
        return [(await self.event("publication"))["data"] for _ in range(count)]


class SdkProcess:
    """A process in which any number of clients of one SDK live."""

    def __init__(self, process: Process, transport: str = "") -> None:
        self._process = process
        self._transport = transport
        self._clients: dict[int, Sdk] = {}
        self._opened = 0

    @contextlib.asynccontextmanager
    async def client(self, url: str) -> AsyncIterator[Sdk]:
        """Make a client, and disconnect it whatever happens."""
        self._opened += 1
        number = self._opened
        one = self._clients[number] = Sdk(self, number)
        one.tell("open", url=url, transport=self._transport)
        try:
            yield one
        finally:
            del self._clients[number]
            one.tell("disconnect")

    def write(self, order: dict[str, Any]) -> None:
        """Pass an order on."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def read(self) -> None:
        """Give each client its events until the process ends."""
        assert self._process.stdout
        async for line in self._process.stdout:
            event = json.loads(line)
            client = self._clients.get(event.pop("client"))
            if client:
                client.inbox.put_nowait(event)
        for client in self._clients.values():
            client.inbox.put_nowait(ENDED)


@contextlib.asynccontextmanager
async def sdk(*command: str, transport: str = "") -> AsyncIterator[SdkProcess]:
    """Start the process of an SDK, and end it whatever happens; its default is a WebSocket."""
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    one = SdkProcess(process, transport)
    reading = asyncio.create_task(one.read())
    try:
        yield one
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
