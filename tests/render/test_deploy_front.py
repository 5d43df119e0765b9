"""The production nginx.conf under a real Nginx with a certificate; needs no container."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from stack.config.model import Stack
from stack.layout.render import render_nginx_deploy
from tests.render import upstreams
from tests.render.front import PATIENCE, Front, free_port, make_certificate, running

HOST = "shop.example.com"
POLICIES = {
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "base-uri 'self'; object-src 'none'; frame-ancestors 'self'",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}

Start = Callable[[int], Front]


def stack_of(port: int) -> Stack:
    """Everything is on one port; only where it is looked up differs."""
    services: dict[str, Any] = {
        "app": {"host": port},
        "ws": {"image": "example", "port": 3002},
        "gone": {"image": "example", "port": 80},
        "site": {"static": "./public"},
    }
    routes = {
        "/": "app",
        "/ws": {"to": "ws", "websocket": True},
        "/gone": "gone",
        "/docs": "site",
    }
    tls = {"certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/shop.key"}
    deploy = {"host": HOST, "tls": tls, "upstreams": {"ws": f"127.0.0.1:{port}"}}
    return Stack.model_validate(
        {"name": "shop", "services": services, "routes": routes, "deploy": deploy}
    )


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    make_certificate(tmp_path)
    async with upstreams.dns() as names:
        with ExitStack() as exits:
            yield lambda port: exits.enter_context(
                running(render_nginx_deploy(stack_of(port)), tmp_path, names.port)
            )


def trusted(front: Front) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(front.root / "certificate.pem"))


async def exchange(front: Front, head: str, *, tls: bool = True, name: str = HOST) -> str:
    """Send one request head, ``Connection: close`` added, and give the whole answer."""
    context, server_name = (trusted(front), name) if tls else (None, None)
    port = front.ports["443" if tls else "80"]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=server_name
    )
    writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    return answer.decode()


def values(answer: str, name: str) -> list[str]:
    head = answer.partition("\r\n\r\n")[0].split("\r\n")[1:]
    pairs = (line.split(": ", 1) for line in head)
    return [value for key, value in pairs if key.lower() == name.lower()]


async def test_http_is_sent_to_https_with_path_and_query(start: Start) -> None:
    answer = await exchange(start(1), f"GET /a%2Fb?x=1 HTTP/1.1\r\nHost: {HOST}", tls=False)
    assert answer.startswith("HTTP/1.1 308 ")
    assert values(answer, "Location") == [f"https://{HOST}/a%2Fb?x=1"]


async def test_a_websocket_without_tls_is_told_where_to_go(start: Start) -> None:
    front = start(1)
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{HOST}/ws", host="127.0.0.1", port=front.ports["80"])
    assert refused.value.response.status_code == 400
    assert (
        refused.value.response.body
        == f"Open this WebSocket with wss://{HOST}, not ws://.\n".encode()
    )


async def test_certificates_can_be_renewed_over_http(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "acme/.well-known/acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("proof")
    path = "/.well-known/acme-challenge/token"
    answer = await exchange(start(1), f"GET {path} HTTP/1.1\r\nHost: {HOST}", tls=False)
    assert answer.endswith("\r\n\r\nproof")


async def test_a_secure_websocket_passes(start: Start) -> None:
    async with upstreams.echo() as echo:
        front = start(echo.port)
        async with connect(
            f"wss://{HOST}/ws", host="127.0.0.1", port=front.ports["443"], ssl=trusted(front)
        ) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
    assert echo.handshakes[0]["Host"] == HOST
    assert echo.handshakes[0]["X-Forwarded-Proto"] == "https"


@pytest.mark.parametrize(("path", "passes"), [("/ws", True), ("/", False)])
async def test_only_websocket_routes_upgrade(start: Start, path: str, passes: bool) -> None:
    async with upstreams.http() as port:
        head = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket"
        seen = json.loads((await exchange(start(port), head)).partition("\r\n\r\n")[2])
    assert ("Upgrade: websocket" in seen["headers"]) is passes


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/gone", 502), ("/docs/none", 404)])
async def test_every_answer_carries_the_policies_once(start: Start, path: str, status: int) -> None:
    async with upstreams.http() as port:
        answer = await exchange(start(port), f"GET {path} HTTP/1.1\r\nHost: {HOST}")
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert {name: values(answer, name) for name in POLICIES} == {
        name: [value] for name, value in POLICIES.items()
    }


async def test_the_services_own_policy_wins(start: Start) -> None:
    own = "content-security-policy: default-src 'self'\r\nX-Content-Type-Options: nosniff\r\n"
    async with upstreams.http(headers=f"{own}X-Powered-By: PHP\r\n") as port:
        answer = await exchange(start(port), f"GET / HTTP/1.1\r\nHost: {HOST}")
    assert values(answer, "Content-Security-Policy") == ["default-src 'self'"]
    assert values(answer, "X-Content-Type-Options") == ["nosniff"]
    assert values(answer, "X-Powered-By") == []


async def test_another_name_gets_no_certificate_and_no_answer(start: Start) -> None:
    front = start(1)
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        await exchange(front, "GET / HTTP/1.1\r\nHost: evil.example", name="evil.example")
    for tls in (False, True):  # with a right name in TLS, and a wrong one in HTTP
        with pytest.raises(ConnectionResetError):
            await exchange(front, "GET / HTTP/1.1\r\nHost: evil.example", tls=tls)


async def test_a_forged_host_does_not_reach_the_service(start: Start) -> None:
    async with upstreams.http() as port:
        head = f"GET https://{HOST}/ HTTP/1.1\r\nHost: evil.example"
        answer = await exchange(start(port), head)
    assert "evil.example" not in answer


async def test_http2_is_offered(start: Start) -> None:
    context = trusted(front := start(1))
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(
        "127.0.0.1", front.ports["443"], ssl=context, server_hostname=HOST
    )
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    writer.close()


async def test_a_key_exchange_without_forward_secrecy_is_refused(start: Start) -> None:
    context = trusted(front := start(1))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection(
            "127.0.0.1", front.ports["443"], ssl=context, server_hostname=HOST
        )


async def test_too_many_requests_are_slowed_down(start: Start) -> None:
    async with upstreams.http() as port:
        front = start(port)
        async with asyncio.TaskGroup() as group:
            heads = [f"GET /docs/{n} HTTP/1.1\r\nHost: {HOST}" for n in range(300)]
            tasks = [group.create_task(exchange(front, head)) for head in heads]
    statuses = [task.result()[9:12] for task in tasks]
    assert statuses.count("404") >= 200
    assert "429" in statuses


async def test_no_log_holds_a_query(start: Start) -> None:
    front = start(free_port())
    await exchange(front, f"GET /ws?SECRET HTTP/1.1\r\nHost: {HOST}\r\nCookie: SECRET")
    await exchange(front, f"GET /x?SECRET HTTP/1.1\r\nHost: {HOST}", tls=False)
    log = front.log() + (front.root / "error.log").read_text()
    assert "SECRET" not in log
    line = json.loads((front.root / "access.log").read_text().splitlines()[0])
    assert (line["path"], line["status"], line["service"]) == ("/ws", 502, "ws")
