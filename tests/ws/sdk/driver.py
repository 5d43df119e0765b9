"""Runs an official SDK in a process of its own and speaks with it in JSON lines. No tests."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LIMIT = 10.0  # seconds that anything may take


class Sdk:
    """One client. Events are kept until somebody waits for them."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._events: list[dict[str, Any]] = []

    def tell(self, action: str, **fields: Any) -> None:
        """Have it do something."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": action, **fields}).encode() + b"\n")

    async def event(self, *names: str) -> dict[str, Any]:
        """Give the next event of these names; others stay, in their order."""
        async with asyncio.timeout(LIMIT):
            while True:
                for event in self._events:
                    if event["event"] in names:
                        self._events.remove(event)
                        return event
                assert self._process.stdout
                line = await self._process.stdout.readline()
                assert line, f"the SDK ended; before it: {self._events}"
                self._events.append(json.loads(line))

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


@contextlib.asynccontextmanager
async def sdk(command: tuple[str, ...], url: str) -> AsyncIterator[Sdk]:
    """Start one, and end it whatever happens."""
    process = await asyncio.create_subprocess_exec(*command, url, stdin=PIPE, stdout=PIPE)
    try:
        yield Sdk(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


PYTHON = (sys.executable, str(HERE / "client.py"))
