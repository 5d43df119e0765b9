"""Clients without a WebSocket: a long HTTP response, and frames that they post."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from ws_server.clients.transport import FULL
from ws_server.fallback.stream import MAX_WAITING

from tests.ws.harness import Running, running, token, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATHS = {"http_stream": "/connection/http_stream", "sse": "/connection/sse"}


class Streamed:
    """A client that reads one long response and posts what it sends."""

    def __init__(self, base: str, answer: httpx.Response, http: httpx.AsyncClient) -> None:
        self.base = base
        self.answer = answer
        self._http = http
        self._lines = answer.aiter_lines()
        self._place: dict[str, str] = {}

    async def receive(self) -> Any:
        """The next message, whatever the transport puts around it."""
        async with asyncio.timeout(5):
            async for line in self._lines:
                if text := line.removeprefix("data: "):
                    return json.loads(text)
        return None

    async def greeted(self) -> Any:
        """The answer to ``connect``, which says where to post."""
        reply = (await self.receive())["connect"]
        self._place = {name: reply[name] for name in ("session", "node")}
        return reply

    async def post(self, *commands: dict[str, Any], base: str = "", **more: Any) -> httpx.Response:
        frame = "\n".join(json.dumps(command) for command in commands)
        body = self._place | {"data": frame} | more
        return await self._http.post(f"{base or self.base}/emulation", json=body)


@asynccontextmanager
async def streamed(
    live: Running, transport: str = "http_stream", connect: str = "", **headers: str
) -> AsyncIterator[Streamed]:
    """A client over a stream, whose ``connect`` is alice's unless given."""
    base = f"http://127.0.0.1:{live.server.port}"
    await until(lambda: live.server._multiplexer.http)
    async with (
        httpx.AsyncClient(timeout=5) as http,
        streamed_by(http, base, transport, connect, **headers) as client,
    ):
        yield client


@asynccontextmanager
async def streamed_by(
    http: httpx.AsyncClient, base: str, transport: str, connect: str = "", **headers: str
) -> AsyncIterator[Streamed]:
    """The same, wherever it is and whatever is in front of it."""
    first = connect or json.dumps({"id": 1, "connect": {"token": token()}})
    url, method = f"{base}{PATHS[transport]}", "POST" if transport == "http_stream" else "GET"
    if method == "GET":
        url += f"?cf_connect={quote(first)}"
    body = first if method == "POST" else None
    async with http.stream(method, url, content=body, headers=headers) as answer:
        yield Streamed(base, answer, http)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def live() -> AsyncIterator[Running]:
    async with running(allowed_origins=frozenset({"https://shop.example"})) as server:
        yield server


@pytest.mark.parametrize(("transport", "kind"), [("http_stream", "json"), ("sse", "event-stream")])
async def test_a_conversation(live: Running, transport: str, kind: str) -> None:
    async with streamed(live, transport) as client, live.client() as other:
        assert kind in client.answer.headers["Content-Type"]
        assert client.answer.headers["X-Accel-Buffering"] == "no"
        assert (await client.greeted())["client"]
        assert (await client.post({"id": 2, "subscribe": {"channel": "room:1"}})).status_code == 204
        assert (await client.receive())["id"] == 2
        await other.sign_in(sub="bob")
        await other.subscribe("room:1")
        for number in range(3):  # leave as one frame of several messages
            await other.send({"id": 3, "publish": {"channel": "room:1", "data": number}})
        pushes = [await client.receive() for _ in range(3)]
        assert [push["push"]["pub"]["data"] for push in pushes] == [0, 1, 2]


async def test_a_refused_token_is_told_in_the_stream(live: Running) -> None:
    connect = json.dumps({"id": 1, "connect": {"token": token(b"x" * 32)}})
    async with streamed(live, connect=connect) as client:
        said = (await client.receive())["push"]["disconnect"]
        assert said["code"] == 3500
        assert "signature" in said["reason"]
        assert await client.receive() is None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"session": "0" * 32}, 404),
        ({"node": "nobody"}, 404),
        ({"data": 1}, 400),
        ({"node": None}, 400),
        ({"data": "x" * 65_537}, 413),
        ({"data": "x" * 200_000}, 413),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_nobody_can_take(live: Running, change: dict[str, Any], status: int) -> None:
    async with streamed(live) as client:
        await client.greeted()
        assert (await client.post({}, **change)).status_code == status
        await client.post({"id": 2, "ping": {}})
        assert await client.receive() == {"id": 2, "ping": {}}


@pytest.mark.parametrize("body", ["", "[]", "nonsense", "[" * 60_000, b"\xff"])
async def test_a_body_that_is_no_frame(live: Running, body: str | bytes) -> None:
    async with httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{live.server.port}/emulation"
        assert (await http.post(url, content=body)).status_code == 400


async def test_what_waits_to_be_read_is_bounded(live: Running) -> None:
    async with streamed(live) as client:
        await client.greeted()
        emulation = live.server.parts.emulation
        place = emulation.node, client._place["session"]
        taken = [await emulation.deliver(*place, "{}") for _ in range(MAX_WAITING + 1)]
        assert taken == ["taken"] * MAX_WAITING + ["full"]


async def test_a_page_of_another_site_may_not(live: Running) -> None:
    async with streamed(live, Origin="https://evil.example") as client:
        assert client.answer.status_code == 403
        assert "evil.example" in (await client.answer.aread()).decode()
        url = f"{client.base}/emulation"
        async with httpx.AsyncClient() as http:
            answer = await http.post(url, json={}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_listed_page_of_another_site_may(live: Running) -> None:
    origin = {"Origin": "https://shop.example"}
    async with streamed(live, **origin) as client:
        assert client.answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]
        await client.greeted()
        async with httpx.AsyncClient() as http:
            asked = await http.options(f"{client.base}/emulation", headers=origin)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Headers"] == "Content-Type"


@pytest.mark.parametrize("path", [PATHS["sse"], "/connection/http_stream?a=b"])
async def test_what_lacks_its_connect_command(live: Running, path: str) -> None:
    await until(lambda: live.server._multiplexer.http)
    async with httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{live.server.port}{path}"
        assert (await http.get(url)).status_code in {400, 405}


async def test_protobuf_is_refused_by_name(live: Running) -> None:
    kind = {"Content-Type": "application/octet-stream"}
    async with streamed(live, **kind) as client:
        assert client.answer.status_code == 415
        assert "speaks JSON, not Protobuf" in (await client.answer.aread()).decode()


async def test_a_client_that_is_gone_leaves_the_hub(live: Running) -> None:
    hub = live.server.parts.hub
    await until(lambda: not hub.sessions)
    async with streamed(live) as client:
        await client.greeted()
        assert len(hub.sessions) == 1
    await until(lambda: not hub.sessions)


async def test_each_half_of_a_first_line_may_come_alone(live: Running) -> None:
    await until(lambda: live.server._multiplexer.http)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    for part in (b"GE", b"T /connection/ss", b"e HTTP/1.1\r\nHost: a\r\n\r\n"):
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        assert (await reader.readline()) == b"HTTP/1.1 400 Bad Request\r\n"
    writer.close()


async def test_who_says_nothing_is_dropped(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ws_server.fallback.multiplexer.OPEN_TIMEOUT", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    writer.write(b"GET")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    assert not live.server._multiplexer.undecided


async def test_goodbye_is_said_in_the_stream() -> None:
    async with running() as live, streamed(live) as client:
        await client.greeted()
        silent = await asyncio.open_connection("127.0.0.1", live.server.port)
        await until(lambda: live.server._multiplexer.undecided)
        async with asyncio.timeout(3):
            await live.server.stop()
        assert (await client.receive())["push"]["disconnect"] == {
            "code": 3001,
            "reason": "shutdown",
        }
        assert await client.receive() is None
        silent[1].close()


async def test_a_client_that_does_not_read_is_closed_for_it() -> None:
    async with running(max_queue_bytes=FULL) as live, streamed(live) as client:
        await client.greeted()
        await client.post({"id": 2, "subscribe": {"channel": "room:1"}})
        await client.receive()
        (session,) = live.server.parts.hub.sessions
        for _ in range(300):
            live.server.parts.service.publish("room:1", b'{"data":"%s"}' % (b"x" * 60_000))
            await asyncio.sleep(0.001)
        await until(lambda: session not in live.server.parts.hub.sessions)
        assert live.server.parts.service.stats.disconnects[3008] == 1


async def test_the_rate_of_an_address_counts_streams() -> None:
    async with running(max_connects_per_second=1) as live:
        statuses = []
        for _ in range(4):
            async with streamed(live) as client:
                statuses.append(client.answer.status_code)
    assert statuses == [200, 200, 429, 429]


async def test_cookies_speak_for_the_page_s_own_stream(live: Running) -> None:
    """A browser sends no Origin with a GET to its own origin."""
    connect = json.dumps({"id": 1, "connect": {}})
    seen = {"Cookie": f"next-auth.session-token={token()}", "Sec-Fetch-Site": "same-origin"}
    async with streamed(live, "sse", connect, **seen) as client:
        assert "client" in await client.greeted()
    async with streamed(live, "sse", connect, Cookie=seen["Cookie"]) as client:
        assert (await client.receive())["push"]["disconnect"]["code"] == 3500


async def test_no_connection_is_kept(live: Running) -> None:
    """A proxy would send another client's handshake on it."""
    head = b"Host: a\r\nContent-Length: 2\r\n\r\n{}"
    for start in (b"POST /emulation", b"PUT /emulation", b"POST /connection/sse"):
        await until(lambda: live.server._multiplexer.http)
        reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
        writer.write(start + b" HTTP/1.1\r\n" + head)
        async with asyncio.timeout(5):
            answer = await reader.read()  # to its end
        assert b"\r\nConnection: close\r\n" in answer
        writer.close()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_link_on_another_page_opens_no_stream(live: Running, site: str) -> None:
    async with streamed(live, "sse", **{"Sec-Fetch-Site": site}) as client:
        assert client.answer.status_code == 403


async def test_a_link_carries_one_command(live: Running) -> None:
    connect = json.dumps({"id": 1, "connect": {"token": token()}})
    async with streamed(live, "sse", connect + '\n{"id":2,"rpc":{"method":"delete"}}') as client:
        assert client.answer.status_code == 400


async def test_what_waits_to_be_read_is_bounded_in_bytes(live: Running) -> None:
    async with streamed(live) as client:
        await client.greeted()
        emulation = live.server.parts.emulation
        place, large = (emulation.node, client._place["session"]), " " * 60_000
        taken = [await emulation.deliver(*place, large) for _ in range(6)]
        assert taken == ["taken"] * 4 + ["full"] * 2


@pytest.mark.parametrize("transport", PATHS)
async def test_the_first_frame_is_bounded_too(transport: str) -> None:
    async with running(max_message_bytes=1000) as live:
        connect = json.dumps({"id": 1, "connect": {"token": token(), "data": "x" * 1000}})
        async with streamed(live, transport, connect) as client:
            assert client.answer.status_code == 413


async def raw(live: Running, request: bytes) -> bytes:
    """What comes within a moment, and the connection may stay open."""
    await until(lambda: live.server._multiplexer.http)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    writer.write(request)
    answer = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            while chunk := await reader.read(65536):
                answer += chunk
    writer.close()
    return answer


CONNECT = json.dumps({"id": 1, "connect": {"token": token()}}).encode()


@pytest.mark.parametrize("value", [b"a=\xe2\x82\xac", b"a=\xff"])
async def test_headers_may_have_any_bytes(live: Running, value: bytes) -> None:
    head = b"POST /connection/http_stream HTTP/1.1\r\nHost: a\r\nCookie: %b\r\n" % value
    answer = await raw(live, head + b"Content-Length: %d\r\n\r\n" % len(CONNECT) + CONNECT)
    assert b" 200 OK" in answer
    assert b'"connect"' in answer


async def test_a_stream_before_http_1_1_ends_with_its_connection(live: Running) -> None:
    head = b"POST /connection/http_stream HTTP/1.0\r\nHost: a\r\n"
    answer = await raw(live, head + b"Content-Length: %d\r\n\r\n" % len(CONNECT) + CONNECT)
    assert b"chunked" not in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["connect"]["session"]


async def test_a_body_that_cannot_be_read(live: Running) -> None:
    head = b"POST /emulation HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n"
    assert b" 400 Bad Request" in await raw(live, head + b"\r\nnope")


async def test_a_head_that_does_not_end_is_dropped(
    live: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ws_server.fallback.multiplexer.OPEN_TIMEOUT", 0.2)
    await until(lambda: live.server._multiplexer.http)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    for part in (b"POST /emulation HTTP/1.1\r\n", b"Host: a\r\n", b"X: y"):
        writer.write(part)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_a_bug_is_logged_without_the_request(
    live: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("what the request said")

    monkeypatch.setattr(live.server.parts.emulation, "deliver", broken)
    async with streamed(live) as client:
        await client.greeted()
        assert (await client.post({})).status_code == 500
    assert '"event":"fallback_failed"' in live.logged.replace(" ", "")
    assert "what the request said" not in live.logged
