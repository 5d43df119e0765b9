"""The process as a container runs it: start, signals, exit codes, health check."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.ws.harness import SECRET, Client

FOLDER = Path(__file__).parents[2] / "services" / "ws"
HEALTHCHECK = str(FOLDER / "ws_server" / "healthcheck.py")


async def spawn(*arguments: str, **environment: str) -> Process:
    environment = {"PATH": os.environ["PATH"], "WS_HOST": "127.0.0.1", "WS_PORT": "0"} | environment
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, stderr=PIPE, env=environment, cwd=FOLDER
    )


@asynccontextmanager
async def process(**environment: str) -> AsyncIterator[tuple[Process, int]]:
    """A server process with its port; killed if the test left it running."""
    running = await spawn("-m", "ws_server", NEXTAUTH_SECRET=SECRET.decode(), **environment)
    try:
        yield running, (await logged(running, "listening"))["port"]
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def logged(running: Process, event: str) -> Any:
    """The next record with that event."""
    assert running.stdout
    async with asyncio.timeout(10):
        while True:
            record = json.loads(await running.stdout.readline())
            if record["event"] == event:
                return record


async def stop(running: Process) -> float:
    """Send SIGTERM; returns the seconds that the process took to end."""
    clock = asyncio.get_running_loop().time
    started = clock()
    running.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        await running.wait()
    return clock() - started


async def test_sigterm_without_connections_ends_at_once() -> None:
    async with process() as (running, _):
        assert await stop(running) < 1
        assert running.returncode == 0


async def test_sigterm_drains() -> None:
    async with process() as (running, port):
        async with connect(f"ws://127.0.0.1:{port}/ws") as link:
            client = Client(link)
            closing = asyncio.create_task(client.closed())
            assert await stop(running) < 2
            assert await closing == (3001, "shutdown")
        assert running.returncode == 0


async def test_sigterm_does_not_wait_for_the_dead() -> None:
    async with process(WS_DRAIN_TIMEOUT="0.2") as (running, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /ws HT")  # a handshake that never ends
        await writer.drain()
        assert await stop(running) < 2
        assert running.returncode == 0
        writer.close()


async def test_wrong_setting_is_one_line_and_exit_code_2() -> None:
    running = await spawn("-m", "ws_server")
    _, errors = await running.communicate()
    text = "ws_server: NEXTAUTH_SECRET_FILE: is not set, and neither is NEXTAUTH_SECRET\n"
    assert (running.returncode, errors.decode()) == (2, text)


async def test_taken_port_is_one_line_and_exit_code_1() -> None:
    async with process() as (_, port):
        second = await spawn("-m", "ws_server", NEXTAUTH_SECRET=SECRET.decode(), WS_PORT=str(port))
        _, errors = await second.communicate()
        assert second.returncode == 1
        assert errors.decode().startswith(f"ws_server: cannot listen on 127.0.0.1:{port}: ")
        assert errors.count(b"\n") == 1


async def test_taken_port_of_the_api_is_named() -> None:
    key = "q7Lw-2vT9xZk4Rb8Nd1mYc5Hf3Js6Pg0"
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    secret = SECRET.decode()
    second = await spawn(
        "-m", "ws_server", NEXTAUTH_SECRET=secret, WS_API_KEY=key, WS_API_PORT=port
    )
    _, errors = await second.communicate()
    taken.close()
    assert second.returncode == 1
    assert errors.decode().startswith(f"ws_server: cannot listen on 127.0.0.1:{port}: ")
    assert errors.count(b"\n") == 1


async def test_starts_and_stays_though_its_dependencies_are_down() -> None:
    away = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/shop",
    }
    async with process(**away) as (running, port):
        assert (await logged(running, "dependency_down"))["dependency"] in ("redis", "postgres")
        assert await health(port) == 1
        assert running.returncode is None


NO_IPV6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "localhost", *(pytest.param(ip, marks=NO_IPV6) for ip in ("::", "::1"))]
)
async def test_healthcheck_of_a_ready_server(host: str) -> None:
    async with process(WS_HOST=host or "127.0.0.1") as (_, port):
        assert await health(port, WS_HOST=host) == 0
    assert await health(port, WS_HOST=host) == 1


async def health(port: int, **environment: str) -> int:
    check = await spawn("-I", "-S", HEALTHCHECK, WS_PORT=str(port), **environment)
    return await check.wait()
