"""Clients whose upgrade is blocked, through a real Nginx under both configurations."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from stack.config.model import Stack
from stack.layout.render import render_nginx_deploy, render_nginx_dev
from tests.render.front import PATIENCE, make_certificate, running
from tests.ws.harness import Running, until
from tests.ws.harness import running as serving
from tests.ws.test_fallback import PATHS, streamed_by

HOST = "shop.example.com"
TLS = {"certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/shop.key"}


def stack_of(port: int) -> Stack:
    """The app is nowhere: what reaches it is an error."""
    return Stack.model_validate(
        {
            "name": "shop",
            "services": {"ws": {"host": port}, "app": {"host": 1}},
            "routes": {"/": "app", "/ws": {"to": "ws", "websocket": True, "fallback": True}},
            "deploy": {"host": HOST, "tls": TLS},
        }
    )


@pytest.fixture
async def live() -> AsyncIterator[Running]:
    async with serving() as server:
        await until(lambda: server.server._multiplexer.http)
        yield server


@contextmanager
def development(stack: Stack, folder: Path) -> Iterator[tuple[str, httpx.AsyncClient]]:
    with running(render_nginx_dev(stack), folder) as front:
        yield front.url("").rstrip("/"), httpx.AsyncClient(timeout=PATIENCE)


@contextmanager
def production(stack: Stack, folder: Path) -> Iterator[tuple[str, httpx.AsyncClient]]:
    """Over TLS and HTTP/2, as browsers come."""
    make_certificate(folder)
    context = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    with running(render_nginx_deploy(stack), folder) as front:
        transport = httpx.AsyncHTTPTransport(verify=context, http2=True)
        # The name is nowhere in DNS: SNI and Host carry it, and the address is loopback's.
        client = httpx.AsyncClient(
            transport=transport, timeout=PATIENCE, headers={"Host": HOST}, event_hooks=NAMED
        )
        yield f"https://127.0.0.1:{front.ports['443']}", client


async def _name(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = HOST


NAMED = {"request": [_name]}


@pytest.mark.parametrize("transport", PATHS)
@pytest.mark.parametrize("front", [development, production])
async def test_each_message_arrives_when_it_is_sent(
    live: Running,
    tmp_path: Path,
    front: Callable[[Stack, Path], AbstractContextManager[tuple[str, httpx.AsyncClient]]],
    transport: str,
) -> None:
    with front(stack_of(live.server.port), tmp_path) as (base, http):
        async with http, streamed_by(http, base, transport) as client:
            assert client.answer.status_code == 200
            assert "Content-Encoding" not in client.answer.headers
            await client.greeted()
            subscribe = {"id": 2, "subscribe": {"channel": "room:1"}}
            assert (await client.post(subscribe)).status_code == 204
            assert (await client.receive())["id"] == 2
            for number in range(3, 6):
                publish = {"id": number, "publish": {"channel": "room:1", "data": number}}
                assert (await client.post(publish)).status_code == 204
                assert (await client.receive())["push"]["pub"]["data"] == number
                assert (await client.receive())["id"] == number


async def test_handshakes_and_posts_may_share_an_upstream(live: Running, tmp_path: Path) -> None:
    """Nginx keeps connections to it, and sends the next request of anybody on one of them."""
    with production(stack_of(live.server.port), tmp_path) as (base, http):
        port = int(base.rpartition(":")[2])
        context = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        async with http, streamed_by(http, base, "http_stream") as client:
            await client.greeted()
            for number in range(2, 12):
                assert (await client.post({"id": number, "ping": {}})).status_code == 204
                socket = connect(f"wss://{HOST}/ws", host="127.0.0.1", port=port, ssl=context)
                async with socket:
                    assert (await client.receive())["id"] == number
