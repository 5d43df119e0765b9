"""The hooks that say who a client is, for how long, and what it may publish."""

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web

from tests.ws.application import ERROR, Application, hooked, signed_in
from tests.ws.harness import Client, Running, token, until

HOUR = 3600.0
KNOWN = {"result": {"user": "carol", "info": {"n": 1}, "data": {"hi": 1}, "channels": ["news"]}}


async def test_connect_says_who_a_client_without_a_token_is() -> None:
    async with hooked() as (live, application), live.client() as client:
        application.answer = KNOWN
        reply = (await client.ask({"id": 1, "connect": {"data": {"from": "app"}}}))["connect"]
        assert (reply["data"], reply["subs"], reply["expires"]) == ({"hi": 1}, {"news": {}}, False)
        asked = application.asked[0]
        assert asked["data"] == {"from": "app"}
        assert "user" not in asked
        (session,) = live.server.parts.hub.of_user("carol")
        assert session.claims
        assert session.claims.info == {"n": 1}


async def test_a_token_comes_before_the_hook() -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        assert application.asked == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": ERROR}, 1000),
        ({"result": {"user": 1}}, 100),
        ({"result": {"user": "a", "expire_at": 1}}, 100),
        ({"result": {"user": "a", "channels": [1]}}, 100),
        ({}, 100),
    ],
)
async def test_connect_is_refused(answer: dict[str, Any], error: int) -> None:
    async with hooked() as (live, application), live.client() as client:
        application.answer = answer
        assert (await client.ask({"id": 1, "connect": {}}))["error"]["code"] == error
        application.answer = {"disconnect": {"code": 4500, "reason": "go away"}}
        await client.send({"id": 2, "connect": {}})
        assert await client.closed() == (4500, "go away")


async def test_without_that_hook_a_token_is_needed() -> None:
    async with hooked(connect_url="") as (live, _), live.client() as client:
        await client.send({"id": 1, "connect": {}})
        assert (await client.closed())[0] == 3500


async def ends_soon(live: Running, client: Client, application: Application) -> None:
    """Sign in by the hook, for a moment."""
    application.answer = {"result": {"user": "carol", "expire_at": int(time.time()) + 2}}
    assert "connect" in await client.ask({"id": 1, "connect": {}})
    (session,) = live.server.parts.hub.of_user("carol")
    assert session.renew


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"result": {"expired": True}}, 3005),
        ({"error": ERROR}, 3005),
        ({"disconnect": {"code": 4501, "reason": "banned"}}, 4501),
        ({"result": {"expire_at": 2**33}}, 0),
        ({"result": {}}, 0),
    ],
)
async def test_a_connection_of_the_hook_is_renewed_by_it(answer: dict[str, Any], code: int) -> None:
    async with hooked() as (live, application), live.client() as client:
        await ends_soon(live, client, application)
        application.answer = answer
        if code:
            assert (await client.closed())[0] == code
        else:
            await until(lambda: len(application.asked) == 2)
            assert application.asked[1]["user"] == "carol"
            assert await client.ask({"id": 9, "ping": {}}) == {"id": 9, "ping": {}}
            (session,) = live.server.parts.hub.of_user("carol")
            await until(lambda: not session.is_renewing)
            assert session.expires_at - live.server.parts.service.clocks.now() > HOUR


async def test_without_the_refresh_hook_it_ends() -> None:
    async with hooked(refresh_url="") as (live, application), live.client() as client:
        await ends_soon(live, client, application)
        assert (await client.closed())[0] == 3005


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"result": {}}, {"n": 1}),
        ({"result": {"data": {"n": 2}}}, {"n": 2}),
        ({"error": ERROR}, None),
    ],
)
async def test_publications_are_what_the_application_makes_of_them(
    answer: dict[str, Any], says: object
) -> None:
    async with hooked() as (live, application), live.client() as client:
        await client.sign_in(channels=["offer:*"])
        await client.subscribe("offer:1")
        application.answer = answer
        await client.send({"id": 3, "publish": {"channel": "offer:1", "data": {"n": 1}}})
        if says is None:
            assert (await client.receive())["error"]["code"] == 1000
        else:
            push = (await client.receive())["push"]
            assert (push["channel"], push["pub"]["data"]) == ("offer:1", says)
            assert push["pub"]["info"]["user"] == "alice"
            assert await client.receive() == {"id": 3, "publish": {}}
        asked = application.asked[0]
        assert (asked["channel"], asked["data"]) == ("offer:1", {"n": 1})


@pytest.mark.parametrize(
    ("answer", "is_renewed"),
    [
        ({"result": {"expired": True}}, False),
        ({"error": ERROR}, False),
        ({"result": {"expire_at": 1}}, False),
        ({"result": {"expire_at": 2**33}}, True),
    ],
)
async def test_a_subscription_of_the_hook_is_renewed_by_it(
    answer: dict[str, Any], is_renewed: bool
) -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        application.answer = {"result": {"expire_at": int(time.time()) + 2}}
        assert "subscribe" in await client.subscribe("again:1")
        application.answer = answer
        if not is_renewed:
            assert (await client.receive())["push"]["unsubscribe"]["code"] == 2501
            return
        await until(lambda: len(application.asked) == 2)
        assert application.asked[1]["channel"] == "again:1"
        (session,) = live.server.parts.hub.of_user("alice")
        await until(lambda: not session.channels["again:1"].is_renewing)
        ends = session.channels["again:1"].expires_at
        assert ends - live.server.parts.service.clocks.now() > HOUR


async def slow_answer(release: asyncio.Event, result: dict[str, Any]) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.json_response({"result": result})

    return answer


async def test_the_answer_about_an_older_subscription_counts_for_nothing() -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        application.answer = {"result": {"expire_at": int(time.time()) + 2}}
        await client.subscribe("again:1")
        release = asyncio.Event()
        application.answer = await slow_answer(release, {"expire_at": 2**33})
        (session,) = live.server.parts.hub.of_user("alice")
        await until(lambda: session.channels["again:1"].is_renewing)
        await client.ask({"id": 3, "unsubscribe": {"channel": "again:1"}})
        given = token(channel="again:1", exp=int(time.time()) + 60)
        await client.ask({"id": 4, "subscribe": {"channel": "again:1", "token": given}})
        ends = session.channels["again:1"].expires_at
        release.set()
        await live.server.parts.service.settled()
        assert session.channels["again:1"].expires_at == ends


@pytest.mark.parametrize("result", [{"expire_at": 2**33}, {"expired": True}])
async def test_the_answer_about_an_older_sign_in_counts_for_nothing(result: dict[str, Any]) -> None:
    async with hooked() as (live, application), live.client() as client:
        await ends_soon(live, client, application)
        release = asyncio.Event()
        application.answer = await slow_answer(release, result)
        (session,) = live.server.parts.hub.of_user("carol")
        await until(lambda: session.is_renewing)
        other = token(sub="carol", exp=int(time.time()) + 60)
        assert "refresh" in await client.ask({"id": 3, "refresh": {"token": other}})
        ends = session.expires_at
        release.set()
        await live.server.parts.service.settled()
        assert session.expires_at == ends
        assert await client.ask({"id": 9, "ping": {}}) == {"id": 9, "ping": {}}


@pytest.mark.parametrize(("asked", "made"), [("x" * 500, "x"), ("x", "x" * 500)])
async def test_offered_publications_are_bounded_too(asked: str, made: str) -> None:
    async with hooked() as (live, application), live.client() as client:
        await client.sign_in(channels=["small:*"])
        application.answer = {"result": {"data": made}}
        answer = await client.ask({"id": 3, "publish": {"channel": "small:1", "data": asked}})
        assert answer["error"]["code"] == 106
