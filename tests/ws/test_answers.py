"""HTTP on the WebSocket's port: health, and refusals as a proxy or a browser sees them."""

import asyncio
import json
from typing import Any

import pytest
from centrifuge import Client, ClientEventHandler, ClientState
from ws_server.broker.memory import MemoryBroker

from tests.ws.harness import Running, running, token

UPGRADE = (
    "GET /ws?token=in-the-query HTTP/1.1\nHost: localhost\nUpgrade: websocket\n"
    "Connection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
)


async def test_healthz(live: Running) -> None:
    answer = await live.http("GET /healthz HTTP/1.0")
    assert answer.startswith("HTTP/1.1 200 OK")
    assert answer.endswith("ok\n")


async def test_head_has_no_body(live: Running) -> None:
    assert (await live.http("HEAD /healthz HTTP/1.1")).endswith("\r\n\r\n")


async def test_readyz_names_what_is_missing() -> None:
    broker = MemoryBroker()
    broker.name, broker.is_ready = "redis", False
    async with running(broker) as live:
        answer = await live.http("GET /readyz HTTP/1.1")
        assert answer.startswith("HTTP/1.1 503 Service Unavailable")
        said = json.loads(answer.split("\r\n\r\n")[1])
        assert said == {"ready": False, "missing": ["redis"], "degraded": []}
        broker.is_ready = True
        assert (await live.http("GET /readyz HTTP/1.1")).startswith("HTTP/1.1 200 OK")


async def test_wrong_path(live: Running) -> None:
    answer = await live.http(UPGRADE.replace("/ws", "/wss"))
    assert answer.startswith("HTTP/1.1 404 Not Found")
    assert answer.endswith("There is nothing here. The WebSocket is at /ws.\n")


async def test_a_path_that_is_none(live: Running) -> None:
    assert (await live.http("GET //[ HTTP/1.1")).startswith("HTTP/1.1 404")


async def test_not_an_upgrade(live: Running) -> None:
    answer = await live.http("GET /ws HTTP/1.1\nHost: localhost\nConnection: keep-alive")
    assert answer.startswith("HTTP/1.1 426 Upgrade Required")
    assert "\r\nUpgrade: websocket\r\n" in answer
    assert "Did not arrive: Upgrade: websocket, Connection: Upgrade, Sec-WebSocket-Key" in answer


async def test_http_1_0_as_nginx_sends_it_by_default(live: Running) -> None:
    answer = await live.http(UPGRADE.replace("HTTP/1.1", "HTTP/1.0"))
    assert answer.startswith("HTTP/1.1 426 Upgrade Required")
    assert "The request arrived as HTTP/1.0, not HTTP/1.1." in answer


async def test_foreign_origin(live: Running) -> None:
    answer = await live.http(f"{UPGRADE}\nOrigin: https://evil.example")
    assert answer.startswith("HTTP/1.1 403 Forbidden")
    assert "https://evil.example is not the host that this request arrived for" in answer


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (token(exp=1), "it has expired"),
        (token(nbf=2**40), "it is not valid yet (nbf)"),
        (token(b"another secret of 32 bytes or more"), "its signature does not match the secret"),
        (token(algorithm="none"), "it is not signed (alg none)"),
        ("rubbish", "it is not a JSON Web Token"),
    ],
)
async def test_bad_authorization(live: Running, value: str, why: str) -> None:
    answer = await live.http(f"{UPGRADE}\nAuthorization: Bearer {value}")
    assert answer.startswith("HTTP/1.1 401 Unauthorized")
    assert answer.endswith(f"The token was refused: {why}.\n")
    assert value not in answer + live.logged


async def test_refusals_are_logged_without_the_query(live: Running) -> None:
    await live.http(UPGRADE.replace("/ws", "/nowhere"))
    record = json.loads(live.logged.splitlines()[-1])
    assert (record["event"], record["path"], record["status"]) == ("refused", "/nowhere", 404)
    assert "in-the-query" not in live.logged


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("Upgrade: websocket\n", "", "Did not arrive: Upgrade: websocket.\n"),
        ("Connection: Upgrade\n", "", "Did not arrive: Connection: Upgrade.\n"),
        ("Connection: Upgrade\n", "Connection: close\n", "Did not arrive: Connection: Upgrade.\n"),
        (
            "\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "",
            "Did not arrive: Sec-WebSocket-Key.\n",
        ),
        ("Version: 13", "Version: 8", "Did not arrive: Sec-WebSocket-Version: 13.\n"),
        ("HTTP/1.1", "HTTP/1.0", "The request arrived as HTTP/1.0, not HTTP/1.1.\n"),
    ],
)
async def test_the_body_names_exactly_what_did_not_arrive(
    live: Running, line: str, instead: str, said: str
) -> None:
    assert line in UPGRADE
    answer = await live.http(UPGRADE.replace(line, instead))
    assert answer.startswith("HTTP/1.1 426 Upgrade Required\r\n")
    named = [text for text in answer.splitlines(keepends=True) if "arrive" in text]
    assert named == [said]


@pytest.mark.parametrize("value", ["", " "])
async def test_an_empty_subprotocol_is_no_error(live: Running, value: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    head = f"{UPGRADE}\nSec-WebSocket-Protocol:{value}\n\n"
    writer.write(head.replace("\n", "\r\n").encode())
    async with asyncio.timeout(5):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Protocol" not in answer


async def test_who_wants_protobuf_is_told_and_stays_away(live: Running) -> None:
    async with live.client("centrifuge-protobuf") as client:
        assert client.socket.subprotocol == "centrifuge-protobuf"
        code, reason = await client.closed()
        assert (code, reason) == (3501, "bad request: this server speaks JSON, not Protobuf")
    async with live.client("centrifuge-protobuf", "centrifuge-json") as client:
        assert client.socket.subprotocol == "centrifuge-json"
        assert "connect" in await client.sign_in()


async def test_an_sdk_that_speaks_protobuf_alone_does_not_try_again(live: Running) -> None:
    """As those for Swift, Java and Dart do."""
    told: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    class Events(ClientEventHandler):  # type: ignore[misc]  # it has no types
        async def on_disconnected(self, ctx: Any) -> None:
            told.put_nowait((ctx.code, ctx.reason))

    client = Client(live.url(), events=Events(), token=token(), use_protobuf=True, proxy=None)
    await client.connect()
    async with asyncio.timeout(5):
        reason = "bad request: this server speaks JSON, not Protobuf"
        assert await told.get() == (3501, reason)
    assert client.state is ClientState.DISCONNECTED
