"""WebSockets through a real Nginx under nginx-dev.conf; needs no container."""

import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from stack.layout.render import render_nginx_dev
from tests.render import upstreams
from tests.render.dev import UPGRADE, WEBSOCKET, Start, container, seen, stack_of
from tests.render.front import free_port, make_certificate, running


async def test_an_upgrade_passes_with_host_origin_cookies_and_subprotocol(start: Start) -> None:
    demo = Subprotocol("demo")
    async with upstreams.echo(demo) as echo:
        front = start({"ws": container(echo.port)}, {"/ws": WEBSOCKET})
        async with connect(
            front.url("/ws?token=secret", "ws"),
            origin=Origin("http://shop.test"),
            subprotocols=[demo],
            additional_headers={"Cookie": "a=1; b=2"},
        ) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            assert socket.subprotocol == demo
    handshake = echo.handshakes[0]
    assert handshake["Host"] == f"127.0.0.1:{front.port}"
    assert handshake["Origin"] == "http://shop.test"
    assert handshake["Cookie"] == "a=1; b=2"
    assert handshake["Upgrade"] == "websocket"
    assert handshake["Connection"] == "upgrade"


async def test_the_upgrade_token_is_read_without_its_case(start: Start) -> None:
    async with upstreams.http() as port:
        front = start({"ws": container(port)}, {"/ws": WEBSOCKET})
        answer = await front.get("/ws", Upgrade="WebSocket", **UPGRADE)
    assert seen(answer)["upgrade"] == "websocket"


@pytest.mark.parametrize("upgrade", ["h2c", "websocket, h2c", "TLS/1.3", "websocket2"])
async def test_nothing_but_websocket_upgrades(start: Start, upgrade: str) -> None:
    async with upstreams.http() as port:
        front = start({"ws": container(port)}, {"/ws": WEBSOCKET})
        answer = seen(await front.get("/ws", Upgrade=upgrade, Connection="Upgrade"))
    assert {"upgrade", "connection"}.isdisjoint(answer)


async def test_a_plain_route_forwards_no_upgrade(start: Start) -> None:
    async with upstreams.http() as port:
        front = start({"api": container(port)}, {"/": "api"})
        answer = seen(await front.get("/", Upgrade="websocket", **UPGRADE))
    assert {"upgrade", "connection"}.isdisjoint(answer)


async def test_a_dev_server_takes_hot_reload_sockets_on_any_path(start: Start) -> None:
    async with upstreams.echo() as echo:
        front = start({"app": {"host": echo.port}}, {"/": "app"})
        async with connect(front.url("/_next/webpack-hmr", "ws")) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"


async def test_a_failed_handshake_is_a_502_and_no_redirect(start: Start) -> None:
    front = start({"ws": container(free_port())}, {"/ws": WEBSOCKET})
    with pytest.raises(InvalidStatus) as refused:
        await connect(front.url("/ws", "ws"))
    assert refused.value.response.status_code == 502


async def test_a_reload_drops_no_websocket(start: Start) -> None:
    async with upstreams.echo() as echo:
        services: dict[str, Any] = {"ws": container(echo.port)}
        front = start(services, {"/ws": WEBSOCKET})
        async with connect(front.url("/ws", "ws")) as socket:
            await front.reload(
                render_nginx_dev(stack_of(services, {"/ws": WEBSOCKET, "/more": "ws"}))
            )
            await socket.send("still here")
            assert await socket.recv() == "still here"


async def test_it_stops_at_once_with_an_open_websocket(start: Start) -> None:
    async with upstreams.echo() as echo:
        front = start({"ws": container(echo.port)}, {"/ws": WEBSOCKET})
        async with connect(front.url("/ws", "ws")):
            front.process.terminate()
            assert front.process.wait(timeout=1) == 0


async def test_a_silent_websocket_is_closed_after_its_idle_timeout(start: Start) -> None:
    async with upstreams.echo() as echo:
        front = start({"ws": container(echo.port)}, {"/ws": WEBSOCKET | {"idle_timeout": "200ms"}})
        async with connect(front.url("/ws", "ws")) as socket:
            began = time.monotonic()
            await socket.wait_closed()
    assert 0.1 < time.monotonic() - began < 3


async def test_with_tls_the_one_port_speaks_wss_and_sends_http_to_https(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    async with upstreams.echo() as echo:
        stack = stack_of(
            {"app": {"host": echo.port}},
            {"/": "app"},
            front={"tls": True, "hosts": ["shop.example.com"]},
        )
        with running(render_nginx_dev(stack), tmp_path) as front:
            trust = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
            address = ("127.0.0.1", front.port)
            async with connect(
                "wss://shop.example.com/ws", host=address[0], port=address[1], ssl=trust
            ) as socket:
                await socket.send("hello")
                assert await socket.recv() == "hello"
            plain = await front.get("/a?b=1")
    assert echo.handshakes[0]["X-Forwarded-Proto"] == "https"
    assert echo.handshakes[0]["X-Forwarded-Port"] == "443"
    assert (plain.status_code, plain.headers["location"]) == (308, front.url("/a?b=1", "https"))
