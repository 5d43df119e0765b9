"""Each limit over a real socket, with the code that tells the client which it was."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.datastructures import Headers
from ws_server.clients.connection import FLOOD
from ws_server.core.handshake import client_address

from stack.layout.render import render_nginx_dev
from tests.render import front, upstreams
from tests.render.dev import WEBSOCKET, container, stack_of
from tests.ws.harness import Client, Running, running, token


async def ping(client: Client, count: int = 1, first: int = 10) -> Any:
    """So many commands in one frame, and the first answer."""
    return await client.ask(*({"id": first + n, "ping": {}} for n in range(count)))


@pytest.mark.parametrize(("size", "code"), [(1024, 3501), (1025, 1009)])
async def test_size_of_a_frame(size: int, code: int) -> None:
    async with running(max_message_bytes=1024) as live, live.client() as client:
        await client.socket.send("x" * size)
        assert (await client.closed())[0] == code


async def test_size_of_all_fragments_together() -> None:
    async with running(max_message_bytes=1024) as live, live.client() as client:
        await client.socket.send(["x" * 512, "x" * 512, "x"])
        assert (await client.closed())[0] == 1009


async def test_channels_of_a_connection() -> None:
    async with running(max_channels=2) as live, live.client() as client:
        await client.sign_in()
        for channel in ("room:1", "room:2"):
            assert "subscribe" in await client.subscribe(channel)
        limit = {"code": 106, "message": "limit exceeded"}
        assert (await client.subscribe("room:3"))["error"] == limit
        await client.ask({"id": 3, "unsubscribe": {"channel": "room:1"}})
        assert "subscribe" in await client.subscribe("room:3")


async def test_connections_of_a_user() -> None:
    async with AsyncExitStack() as stack:
        live = await stack.enter_async_context(running(max_connections_per_user=2))
        for _ in range(2):
            client = await stack.enter_async_context(live.client())
            assert "connect" in await client.sign_in()
        third = await stack.enter_async_context(live.client())
        await third.send({"id": 1, "connect": {"token": token()}})
        assert await third.closed() == (3504, "connection limit")
        other = await stack.enter_async_context(live.client())
        assert "connect" in await other.sign_in(sub="bob")


async def from_address(stack: AsyncExitStack, live: Running, address: str) -> Client:
    """A connection as Nginx passes it on: it sets X-Real-IP to who connected to it."""
    headers = {"X-Real-IP": address}
    return await stack.enter_async_context(live.client(additional_headers=headers))


async def test_connections_of_an_address() -> None:
    async with AsyncExitStack() as stack:
        live = await stack.enter_async_context(running(max_connections_per_address=2))
        first = await from_address(stack, live, "192.0.2.1")
        second = await from_address(stack, live, "192.0.2.1")
        third = await from_address(stack, live, "192.0.2.1")
        assert await third.closed() == (3504, "connection limit")
        other = await from_address(stack, live, "2001:db8::1")
        for client in (first, second, other):
            assert "connect" in await client.sign_in()
        await first.socket.close()
        assert "connect" in await (await from_address(stack, live, "192.0.2.1")).sign_in()


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::1", "2001:db8:0:1::"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("unix:", "unix:"),
    ],
)
def test_an_address_counts_as_whoever_was_given_it(address: str, counted: str) -> None:
    assert client_address(Headers({"X-Real-IP": f" {address} "}), None) == counted
    assert client_address(Headers(), (address, 1)) == counted


async def test_nobody_chooses_an_address_through_nginx(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        live = await stack.enter_async_context(running(max_connections_per_address=1))
        names = await stack.enter_async_context(upstreams.dns())
        names.addresses["ws"] = "127.0.0.1"
        shop = stack_of({"ws": container(live.server.port)}, {"/ws": WEBSOCKET})
        nginx = stack.enter_context(front.running(render_nginx_dev(shop), tmp_path, names.port))

        async def come(address: str, **headers: str) -> Client:
            options: Any = {"local_addr": (address, 0), "additional_headers": headers}
            return Client(
                await stack.enter_async_context(connect(nginx.url("/ws", "ws"), **options))
            )

        assert "connect" in await (await come("127.0.0.1")).sign_in()
        for lie in (
            {"X-Real-IP": "192.0.2.1"},
            {"x-real-ip": "192.0.2.2"},
            {"X_Real_IP": "192.0.2.3"},
        ):
            again = await come("127.0.0.1", **lie, **{"X-Forwarded-For": "192.0.2.4"})
            assert await again.closed() == (3504, "connection limit")
        other = await come("127.0.0.2", **{"X-Real-IP": "127.0.0.1"})
        assert "connect" in await other.sign_in()


async def test_without_a_proxy_the_peer_itself_counts() -> None:
    async with AsyncExitStack() as stack:
        live = await stack.enter_async_context(running(max_connections_per_address=1))
        await stack.enter_async_context(live.client())
        second = await stack.enter_async_context(live.client())
        assert await second.closed() == (3504, "connection limit")


async def test_commands_a_second() -> None:
    async with running(max_commands_per_second=5) as live, live.client() as client:
        await client.sign_in()
        answers = [await ping(client, first=10 + n) for n in range(30)]
        refused = [answer["error"] for answer in answers if "error" in answer]
        assert 15 < len(refused) < 22  # a burst of ten is granted, the connect included
        expected = {"code": 111, "message": "too many requests", "temporary": True}
        assert all(error == expected for error in refused)
        assert live.server.parts.service.stats.errors[111] == len(refused)


async def test_who_slows_down_is_answered_again() -> None:
    async with running(max_commands_per_second=20) as live, live.client() as client:
        await client.sign_in()
        while "error" not in await ping(client):
            pass
        await asyncio.sleep(0.1)
        assert "ping" in await ping(client)


async def test_a_flood_of_frames() -> None:
    async with running(max_commands_per_second=1) as live, live.client() as client:
        await client.sign_in()
        for n in range(20):
            await client.send({"id": 10 + n, "ping": {}})
        assert await client.closed() == (3013, "too many requests")


async def test_a_flood_in_one_frame() -> None:
    async with running(max_commands_per_second=5) as live, live.client() as client:
        await client.sign_in()
        lines = (json.dumps({"id": n + 1, "ping": {}}) for n in range(FLOOD * 5 + 1))
        await client.socket.send("\n".join(lines))
        assert await client.closed() == (3013, "too many requests")


async def test_a_burst_below_the_flood_is_answered_command_by_command() -> None:
    async with running(max_commands_per_second=5) as live, live.client() as client:
        await client.sign_in()
        assert (await ping(client, FLOOD * 5))["error"]["code"] == 111
        rest = [await client.receive() for _ in range(FLOOD * 5 - 1)]
        assert {answer["error"]["code"] for answer in rest} == {111}
