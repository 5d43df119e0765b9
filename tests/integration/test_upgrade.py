"""A WebSocket goes through the whole stack, and nothing of its handshake is lost on the way."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import httpx
import pytest
from docker.models.containers import Container
from websockets.exceptions import ConnectionClosed

from tests.integration.containers import eventually, logs, shell
from tests.integration.projects import REALTIME, SITE, WS_ROUTE, Project
from tests.integration.wire import Client, forge, opened, refusal, signed_in

# One token of each kind, and what the server says about it.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": 1}, "it has expired"),
    "forged": ({"key": "k" * 43}, "its signature does not match the secret"),
    "alg none": ({"algorithm": "none"}, "it is not signed (alg none)"),
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# Tokens


async def test_a_good_token_in_the_header_opens(demo: Project) -> None:
    async with opened(demo.ws_url, headers=bearer(demo.token())) as socket:
        welcome = await Client(socket).ask("connect")
    assert welcome["connect"]["expires"] is True


async def test_a_good_token_in_the_first_message_opens(demo: Project) -> None:
    async with opened(demo.ws_url) as socket:
        welcome = await Client(socket).ask("connect", token=demo.token())
    assert welcome["connect"]["client"]


async def test_a_good_token_as_a_subprotocol_opens_and_is_never_echoed(demo: Project) -> None:
    offered = ("centrifuge-json", f"bearer.{demo.token()}")
    async with opened(demo.ws_url, *offered) as socket:
        assert socket.subprotocol == "centrifuge-json"
        assert "connect" in await Client(socket).ask("connect")


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_token_in_the_header_is_refused_with_the_reason(
    demo: Project, kind: str
) -> None:
    how, why = BAD[kind]
    answer = await refusal(demo.ws_url, headers=bearer(forge(demo, **how)))
    assert (answer.status_code, answer.body) == (401, f"The token was refused: {why}.\n".encode())


@pytest.mark.parametrize("kind", ["forged", "alg none"])
async def test_a_bad_token_in_the_first_message_closes_with_the_reason(
    demo: Project, kind: str
) -> None:
    how, why = BAD[kind]
    async with opened(demo.ws_url) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await Client(socket).ask("connect", token=forge(demo, **how))
    assert closed.value.rcvd
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3500, f"invalid token: {why}")


async def test_an_expired_token_in_the_first_message_may_be_renewed(demo: Project) -> None:
    async with opened(demo.ws_url) as socket:
        client = Client(socket)
        failed = await client.ask("connect", token=forge(demo, exp=1))
        assert failed["error"] == {"code": 109, "message": "token expired"}
        assert "connect" in await client.ask("connect", token=demo.token())


async def test_without_a_token_the_first_message_is_refused(demo: Project) -> None:
    async with opened(demo.ws_url) as socket:
        with pytest.raises(ConnectionClosed, match="there is none"):
            await Client(socket).ask("connect")


async def test_a_token_opens_only_its_channels(demo: Project) -> None:
    async with opened(demo.ws_url) as socket:
        client = Client(socket)
        await client.ask("connect", token=demo.token("room:1"))
        assert "subscribe" in await client.ask("subscribe", channel="room:1")
        denied = await client.ask("subscribe", channel="room:2")
    assert denied["error"]["code"] == 103


# Paths, origins, and what is no WebSocket


async def test_a_wrong_path_says_where_the_websocket_is(demo: Project) -> None:
    answer = await refusal(f"{demo.ws_url}/wrong")
    assert answer.status_code == 404
    assert b"The WebSocket is at /ws." in answer.body


async def test_a_foreign_origin_is_refused_and_told_why(demo: Project) -> None:
    answer = await refusal(demo.ws_url, origin="https://evil.example")
    assert answer.status_code == 403
    assert f"localhost:{demo.port}" in answer.body.decode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_the_own_origin_is_right_under_each_name(demo: Project, host: str) -> None:
    origin = f"http://{host}:{demo.port}"
    async with opened(demo.ws_url.replace("localhost", host), origin=origin) as socket:
        assert "connect" in await Client(socket).ask("connect", token=demo.token())


@pytest.mark.parametrize("upgrade", ["h2c", "websocket, h2c", "TLS/1.0"])
def test_nothing_but_a_websocket_is_upgraded_or_passed_on(demo: Project, upgrade: str) -> None:
    asked = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": upgrade, "HTTP2-Settings": "AAMA"}
    answer = httpx.get(f"{demo.url}/echo/x", headers=asked)
    arrived = {name.lower() for name, _ in answer.json()["headers"]}
    assert answer.status_code == 200
    assert arrived.isdisjoint({"upgrade", "connection"})
    assert httpx.get(f"{demo.url}/ws", headers=asked).status_code == 426


# What arrives


async def test_the_handshake_arrives_as_it_was_sent(demo: Project) -> None:
    sent = {"Cookie": "sid=a.b; theme=dark", "X-Trace": "one, two", "Origin": "http://a.example"}
    offered = ("chat.v2", "chat.v1")
    async with opened(f"ws://localhost:{demo.port}/echo?q=%2F", *offered, headers=sent) as socket:
        seen = json.loads(await socket.recv())
    arrived = dict(seen["headers"])
    assert sent.items() <= arrived.items()
    assert arrived["Host"] == f"localhost:{demo.port}"
    assert arrived["Sec-WebSocket-Protocol"].replace(" ", "") == "chat.v2,chat.v1"
    assert (socket.subprotocol, seen["path"]) == ("chat.v2", "/echo?q=%2F")


async def test_a_session_cookie_in_chunks_arrives_whole(demo: Project) -> None:
    cookie = "; ".join(f"session-token.{part}={'x' * 3900}" for part in range(4))
    async with opened(f"{demo.url.replace('http', 'ws')}/echo", headers={"Cookie": cookie}) as one:
        assert ["Cookie", cookie] in json.loads(await one.recv())["headers"]


async def test_messages_of_every_size_come_back_unchanged(demo: Project) -> None:
    async with opened(f"{demo.url.replace('http', 'ws')}/echo") as socket:
        await socket.recv()
        for message in ("é", "x" * 126, "y" * 70_000, b"\x00\xff"):
            await socket.send(message)
            assert await socket.recv() == message


# Two replicas


@pytest.fixture
async def apart(demo: Project) -> AsyncIterator[list[Client]]:
    """Two signed-in clients on two replicas.

    Each replica logs the ids of its clients: connections are opened until both have one.
    """
    found: dict[str, Client] = {}
    async with AsyncExitStack() as stack:
        for _ in range(40):
            client, number = await stack.enter_async_context(signed_in(demo, "news"))
            home = eventually(partial(home_of, demo, number))
            found.setdefault(home, client)
            if len(found) == 2:
                break
        assert len(found) == 2, "Nginx sent every connection to one replica"
        yield list(found.values())


def home_of(project: Project, number: str) -> str:
    """Name the one realtime container whose log knows a connection."""
    (home,) = (str(each.name) for each in project.containers("ws") if number in logs(each))
    return home


async def test_what_is_published_on_one_replica_arrives_on_the_other(apart: list[Client]) -> None:
    for number, publisher in enumerate(apart):
        reply = await publisher.ask("publish", channel="news", data={"from": number})
        assert "publish" in reply
    for client in apart:
        assert await client.pushed(2) == [{"from": 0}, {"from": 1}]


async def test_ten_thousand_messages_arrive_in_order(apart: list[Client]) -> None:
    publisher, subscriber = apart
    for start in range(0, 10_000, 100):
        numbers = range(start, start + 100)
        batch = [("publish", {"channel": "news", "data": number}) for number in numbers]
        replies = await publisher.ask_all(list(batch))
        assert all("publish" in reply for reply in replies)
        await subscriber.pushed(start + 100)
    assert subscriber.pushes == publisher.pushes == list(range(10_000))


# Postgres

ASK_READINESS = """\
import urllib.request as u, urllib.error as e
try: print(u.urlopen("http://127.0.0.1:3002/readyz", timeout=2).read().decode())
except e.HTTPError as answer: print(answer.read().decode())
"""


def missing(replica: Container) -> list[str]:
    """Ask a replica, from inside its container, what it cannot reach."""
    answer = shell(replica, f"/opt/ws/bin/python -c '{ASK_READINESS}'")
    return list(json.loads(answer)["missing"])


def started(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["StartedAt"])


def test_each_replica_notices_when_postgres_goes_and_comes_back(project: Project) -> None:
    project.write({**SITE, **REALTIME}, {"/": "site", **WS_ROUTE})
    project.stack("up")
    both = project.containers("ws")
    before = [started(each) for each in both]
    assert [missing(each) for each in both] == [[], []]
    project.container("postgres").stop()
    wait_for(both, ["postgres"])
    project.container("postgres").start()
    wait_for(both, [])
    assert [started(each) for each in both] == before  # without a restart


def wait_for(both: list[Container], wanted: list[str]) -> None:
    def attempt() -> None:
        assert [missing(each) for each in both] == [wanted, wanted]

    start = time.monotonic()
    eventually(attempt)
    assert time.monotonic() - start < 15
