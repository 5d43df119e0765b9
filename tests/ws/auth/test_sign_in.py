"""Where a token may come from, and what becomes of it on a live connection, over real sockets."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from stack.layout.render import render_nginx_dev
from tests.render import front, upstreams
from tests.render.dev import WEBSOCKET, container, stack_of
from tests.ws.auth.authjs import header
from tests.ws.auth.conftest import Sessions
from tests.ws.auth.provider import ED, jwk, provider
from tests.ws.auth.test_jwks import signed
from tests.ws.harness import Client, Running, running, token
from tests.ws.test_process import process

EXPIRED = {"id": 1, "error": {"code": 109, "message": "token expired"}}
CONNECT: dict[str, Any] = {"id": 1, "connect": {}}


def page(live: Running, cookies: dict[str, str], host: str = "") -> dict[str, Any]:
    """How a browser connects from a page with these cookies."""
    origin = Origin(host or f"http://127.0.0.1:{live.server.port}")
    return {"origin": origin, "additional_headers": {"Cookie": header(cookies)}}


@pytest.mark.parametrize("kind", ["v4", "v5", "v5 secure"])
async def test_a_session_cookie_of_our_own_page(
    live: Running, sessions: Sessions, kind: str
) -> None:
    async with live.client(**page(live, sessions[kind])) as client:
        result = (await client.ask(CONNECT))["connect"]
        # The page cannot renew it, so it is not told to: it comes back after 3005.
        assert "expires" not in result or result["expires"] is False
        assert "ttl" not in result
        assert "subscribe" in await client.subscribe("room:1")
        assert live.server.parts.hub.sessions.pop().user == "alice"
    (value,) = sessions[kind].values()
    assert value not in live.logged


async def test_a_page_of_an_origin_that_is_allowed(sessions: Sessions) -> None:
    friend = "https://app.example"
    async with (
        running(allowed_origins=frozenset({friend})) as live,
        live.client(**page(live, sessions["v5"], friend)) as client,
    ):
        assert "connect" in await client.ask(CONNECT)


async def test_a_page_of_others_gets_no_connection(live: Running, sessions: Sessions) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with live.client(**page(live, sessions["v5"], "https://evil.example")):
            pass


async def test_without_an_origin_a_cookie_is_nobody(live: Running, sessions: Sessions) -> None:
    headers = {"Cookie": header(sessions["v5"])}
    async with live.client(additional_headers=headers) as client:
        await client.send(CONNECT)
        assert await client.closed() == (3500, "invalid token: there is none")


async def test_two_origins_are_none(live: Running, sessions: Sessions) -> None:
    headers = [("Cookie", header(sessions["v5"]))]
    headers += [("Origin", f"http://127.0.0.1:{live.server.port}"), ("Origin", "https://e.example")]
    with pytest.raises(InvalidStatus, match="400"):
        async with live.client(additional_headers=headers):
            pass


async def test_a_bad_cookie_is_refused_and_a_token_wins_over_it(
    live: Running, sessions: Sessions
) -> None:
    options = page(live, sessions["v5 old"])
    async with live.client(**options) as client:
        await client.send(CONNECT)
        reason = "invalid token: its encryption does not match the secret"
        assert await client.closed() == (3500, reason)
    async with live.client(**options) as client:
        assert "connect" in await client.sign_in()


async def test_an_expired_cookie_is_error_109(live: Running, sessions: Sessions) -> None:
    async with live.client(**page(live, sessions["v5 expired"])) as client:
        assert await client.ask(CONNECT) == EXPIRED


async def test_a_session_of_twelve_kibibytes_through_the_real_process(sessions: Sessions) -> None:
    cookies = sessions["v5 long"]
    assert len(header(cookies)) > 12 * 1024
    async with process() as (_, port):
        url, origin = f"ws://127.0.0.1:{port}/ws", Origin(f"http://127.0.0.1:{port}")
        headers = {"Cookie": header(cookies)}
        async with connect(url, origin=origin, additional_headers=headers) as socket:
            assert "connect" in await Client(socket).ask(CONNECT)


async def test_the_same_through_nginx_which_logs_no_token(
    sessions: Sessions, tmp_path: Path
) -> None:
    cookies, secret = {"Cookie": header(sessions["v5 long"])}, token()
    async with process(WS_ALLOW_QUERY_TOKEN="on") as (_, port), upstreams.dns() as names:
        names.addresses["ws"] = "127.0.0.1"
        stack = stack_of({"ws": container(port)}, {"/ws": WEBSOCKET})
        with front.running(render_nginx_dev(stack), tmp_path, names.port) as nginx:
            url, origin = nginx.url("/ws", "ws"), Origin(nginx.url(""))
            async with connect(url, origin=origin, additional_headers=cookies) as socket:
                assert "connect" in await Client(socket).ask(CONNECT)
            async with connect(f"{url}?token={secret}") as socket:
                assert "connect" in await Client(socket).ask(CONNECT)
        assert nginx.log().count('"path":"/ws"') == 2
        assert secret not in nginx.log()


async def test_the_query_string_only_where_it_is_switched_on(live: Running) -> None:
    query = f"/ws?room=1&token={token()}"
    async with live.client(path=query) as client:
        await client.send(CONNECT)
        assert await client.closed() == (3500, "invalid token: there is none")
    async with running(allow_query_token=True) as open_minded:
        async with open_minded.client(path=query) as client:
            assert "connect" in await client.ask(CONNECT)
        async with open_minded.client(path="/ws?token=rubbish-rubbish") as client:
            await client.send(CONNECT)
            assert (await client.closed())[0] == 3500
        refused = await open_minded.http(f"GET {query} HTTP/1.1\nHost: x")
        assert refused.startswith("HTTP/1.1 426")
        assert token().partition(".")[0] not in open_minded.logged
        assert "rubbish" not in open_minded.logged


async def test_an_opaque_token_is_refused_where_there_is_no_table(live: Running) -> None:
    async with live.client() as client:
        await client.send({"id": 1, "connect": {"token": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}})
        assert await client.closed() == (3500, "invalid token: it is not a JSON Web Token")


async def test_a_token_of_an_identity_provider() -> None:
    async with provider(jwk("d", ED, "EdDSA")) as there, running(jwks_url=there.url) as live:
        async with live.client() as client:
            value = signed("d", ED, "EdDSA", channels=["news"])
            assert "connect" in await client.ask({"id": 1, "connect": {"token": value}})
            assert "subscribe" in await client.subscribe("news")
        async with live.client(additional_headers={"Authorization": f"Bearer {value}"}) as client:
            assert "connect" in await client.ask(CONNECT)


async def test_a_provider_that_is_away_is_a_temporary_error_and_holds_up_nobody() -> None:
    async with provider() as there, running(jwks_url=there.url) as live:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def answer(_request: web.Request) -> web.StreamResponse:
            entered.set()
            await leave.wait()
            return web.Response(status=502)

        there.answer = answer
        async with live.client() as waiting, live.client() as other:
            value = signed("d", ED, "EdDSA")
            await waiting.send({"id": 1, "connect": {"token": value}})
            await entered.wait()
            assert "connect" in await other.sign_in()
            leave.set()
            error = (await waiting.receive())["error"]
            assert (error["code"], error["temporary"]) == (100, True)
            await other.send({"id": 2, "refresh": {"token": value}})
            assert (await other.receive())["error"]["code"] == 100
            await other.send({"id": 3, "subscribe": {"channel": "secret:1", "token": value}})
            assert (await other.receive())["error"]["code"] == 100
        async with live.client(f"bearer.{value}") as client:
            assert (await client.ask(CONNECT))["error"]["code"] == 100
        with pytest.raises(InvalidStatus, match="503"):
            async with live.client(additional_headers={"Authorization": f"Bearer {value}"}):
                pass


async def test_expired_at_connect_is_109_and_another_token_mends_it(live: Running) -> None:
    async with live.client() as client:
        assert await client.sign_in(exp=time.time() - 1) == EXPIRED
        assert "connect" in await client.sign_in()


async def test_refresh_in_the_grace_keeps_the_connection() -> None:
    async with running(expired_grace=0.4) as live, live.client() as client:
        await client.sign_in(exp=time.time() + 0.1)
        await asyncio.sleep(0.2)  # expired, and not yet closed
        answer = await client.ask({"id": 2, "refresh": {"token": token(exp=time.time() + 0.5)}})
        assert answer["refresh"]["expires"] is True
        started = time.monotonic()
        assert await client.closed() == (3005, "connection expired")
        assert 0.6 < time.monotonic() - started < 1.5


async def test_a_bad_refresh(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in()
        await client.send({"id": 3, "refresh": {"token": token(sub="bob")}})
        assert await client.closed() == (3500, "invalid token: it is another user's")
    async with live.client() as client:
        await client.sign_in()
        await client.send({"id": 2, "refresh": {"token": token(exp=1)}})
        assert await client.closed() == (3005, "connection expired")


async def test_a_bad_refresh_of_a_subscription(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in()
        wish = {"channel": "secret:1", "token": subscription_token(60)}
        assert "subscribe" in await client.ask({"id": 2, "subscribe": wish})
        old = {"channel": "secret:1", "token": subscription_token(-1)}
        push = (await client.ask({"id": 3, "sub_refresh": old}))["push"]
        assert push["unsubscribe"] == {"code": 2501, "reason": "subscription expired"}
        assert (await client.receive())["error"]["code"] == 109
        assert "subscribe" in await client.ask({"id": 4, "subscribe": wish})


async def test_a_subscription_token_opens_its_channel_and_nothing_else(live: Running) -> None:
    ticket = token(channel="secret:1", channels=None)
    async with live.client() as client:
        await client.send({"id": 1, "connect": {"token": ticket}})
        assert await client.closed() == (3500, "invalid token: it is for a subscription")
    async with live.client() as client:
        await client.sign_in()
        for number, (channel, value) in enumerate(
            [
                ("secret:2", ticket),
                ("secret:1", token(channel="secret:1", sub="bob")),
                ("secret:1", token()),
                ("secret:1", "rubbish"),
            ]
        ):
            wish = {"channel": channel, "token": value}
            answer = await client.ask({"id": number + 2, "subscribe": wish})
            assert answer["error"]["code"] == 103
        wish = {"channel": "secret:1", "token": token(channel="secret:1", exp=1)}
        assert (await client.ask({"id": 8, "subscribe": wish}))["error"]["code"] == 109
        answer = await client.ask({"id": 9, "subscribe": {"channel": "secret:1", "token": ticket}})
        assert answer["subscribe"]["expires"] is True
        await client.send({"id": 10, "refresh": {"token": ticket}})
        assert (await client.closed())[0] == 3500


def subscription_token(seconds: float, **claims: Any) -> str:
    return token(channel="secret:1", exp=time.time() + seconds, **claims)


async def test_a_subscription_ends_with_its_token_unless_that_is_renewed() -> None:
    async with running(expired_grace=0.1) as live, live.client() as client:
        await client.sign_in()
        wish = {"channel": "secret:1", "token": subscription_token(0.2)}
        assert "subscribe" in await client.ask({"id": 2, "subscribe": wish})
        renewed = {"channel": "secret:1", "token": subscription_token(0.8)}
        answer = await client.ask({"id": 3, "sub_refresh": renewed})
        assert answer["sub_refresh"] == {"expires": True, "ttl": 1}
        started = time.monotonic()
        push = (await client.receive())["push"]
        assert push["unsubscribe"] == {"code": 2501, "reason": "subscription expired"}
        assert 0.7 < time.monotonic() - started < 1.5
        assert await client.ask({"id": 4, "ping": {}}) == {"id": 4, "ping": {}}


async def test_a_subscription_that_ends_while_its_new_token_is_looked_at() -> None:
    async with provider(jwk("d", ED, "EdDSA")) as there, running(jwks_url=there.url) as live:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def answer(_request: web.Request) -> web.StreamResponse:
            entered.set()
            await leave.wait()
            return web.Response(text=json.dumps({"keys": there.keys}))

        there.answer = answer
        async with live.client() as client:
            await client.sign_in()
            wish = {"channel": "secret:1", "token": subscription_token(60, jti="t")}
            await client.ask({"id": 2, "subscribe": wish})
            value = signed("d", ED, "EdDSA", channel="secret:1")
            await client.send({"id": 3, "sub_refresh": {"channel": "secret:1", "token": value}})
            await entered.wait()
            await live.server.parts.revoking.revoke(token_id="t")
            assert (await client.receive())["push"]["unsubscribe"]["code"] == 2501
            leave.set()
            assert (await client.receive())["error"]["code"] == 103
