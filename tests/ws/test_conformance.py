"""RFC 6455 by Autobahn's cases, of kosoku, against an echo that is set up as the server is.

What plain websockets fails itself is its own affair: the same cases run against a plain echo.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import kosoku

from stack.layout.render import render_nginx_dev
from tests.integration.projects import free_port
from tests.render import front
from tests.render.dev import WEBSOCKET, container, stack_of
from tests.render.upstreams import dns

OURS = str(Path(__file__).with_name("echo.py"))
SERVICE = Path(__file__).parents[2] / "services" / "ws"
CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]  # compression is off
PLAIN = """
import asyncio, sys
from websockets.asyncio.server import serve
async def echo(connection):
    async for message in connection:
        await connection.send(message)
async def main():
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=2**24) as server:
        await server.serve_forever()
asyncio.run(main())
"""
KNOWN = {
    "7.1.5",  # a close frame in the midst of a fragmented message
    *("9.3.1", "9.3.2", "9.4.1", "9.4.2"),  # it refuses a message of so many fragments: 1009
}


@asynccontextmanager
async def echo(*command: str) -> AsyncIterator[int]:
    """Run an echo as a process; gives its port."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, str(port), env={**os.environ, "PYTHONPATH": str(SERVICE)}
    )
    try:
        async with asyncio.timeout(10):
            while not await listens(port):  # noqa: ASYNC110 - it cannot tell us
                await asyncio.sleep(0.05)
        yield port
    finally:
        process.kill()
        await process.wait()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def failing(port: int, path: str = "/") -> set[str]:
    """Give the cases that fail, also when they have the machine for themselves."""
    url = f"ws://127.0.0.1:{port}{path}"
    return await fail(url, sorted(await fail(url, CASES, concurrency=4)), concurrency=1)


async def fail(url: str, cases: list[str], concurrency: int) -> set[str]:
    if not cases:
        return set()
    try:
        await kosoku.run_fuzzingclient(url, cases, concurrency=concurrency)
    except kosoku.FailureError as failure:
        wrong = {each for each in failure.results if each.behavior.value in {"FAILED", "ERROR"}}
        return {each.case_id for each in wrong}
    return set()


async def test_all_pass_but_what_plain_websockets_fails() -> None:
    async with echo("-c", PLAIN) as plain, echo(OURS) as ours:
        assert await failing(ours) <= await failing(plain) == KNOWN


async def test_all_pass_through_nginx(tmp_path: Path) -> None:
    async with echo(OURS) as port, dns() as names:
        names.addresses["ws"] = "127.0.0.1"
        stack = stack_of({"ws": container(port)}, {"/ws": WEBSOCKET})
        with front.running(render_nginx_dev(stack), tmp_path, names.port) as nginx:
            assert await failing(nginx.port, "/ws") <= KNOWN
