"""Hooks against a real HTTP server: what it is asked, and what becomes of each answer."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from ws_server.core.namespaces import Namespace, Namespaces
from ws_server.settings.config import HookSettings

from tests.ws.harness import API_KEY, Client, Running, running, token, until
from tests.ws.test_metrics import scrape

NAMESPACES = Namespaces(
    {
        "ask": Namespace(proxy_subscribe=True, history_size=5, history_ttl=60),
        "again": Namespace(proxy_subscribe=True, proxy_sub_refresh=True),
        "offer": Namespace(proxy_publish=True),
        "small": Namespace(proxy_publish=True, max_publication_bytes=200),
        "no": Namespace(),
    }
)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Application:
    """The team's own backend: keeps what it was asked, and answers ``answer``."""

    answer: Any = field(default_factory=lambda: {"result": {}})
    asked: list[Any] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.headers.append(request.headers)
        if callable(self.answer):
            response: web.StreamResponse = await self.answer(request)
            return response
        return web.json_response(self.answer)


@asynccontextmanager
async def hooked(**more: Any) -> AsyncIterator[tuple[Running, Application]]:
    """A server whose hooks are asked of an application."""
    application, server = Application(), web.Application()
    server.router.add_post("/hook", application.hear)
    runner = web.AppRunner(server)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listening).start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
    names = ("rpc", "subscribe", "connect", "refresh", "publish", "sub_refresh")
    defaults: dict[str, Any] = {f"{name}_url": url for name in names} | {"timeout": 3.0}
    hooks = HookSettings(**defaults | more)
    try:
        async with running(hooks=hooks, namespaces=NAMESPACES, api_key=API_KEY) as live:
            yield live, application
    finally:
        await runner.cleanup()


async def rpc(client: Client, data: object = None) -> Any:
    return await client.ask({"id": 7, "rpc": {"method": "price", "data": data}})


async def signed_in(client: Client) -> str:
    return str((await client.sign_in(channels=[]))["connect"]["client"])


async def test_rpc() -> None:
    async with hooked() as (live, application), live.client() as client:
        me = await signed_in(client)
        application.answer = {"result": {"data": [1]}}
        assert await rpc(client, {"of": 12}) == {"id": 7, "rpc": {"data": [1]}}
        assert application.asked == [
            {
                "client": me,
                "transport": "websocket",
                "protocol": "json",
                "encoding": "json",
                "user": "alice",
                "method": "price",
                "data": {"of": 12},
            }
        ]
        assert application.headers[0]["Content-Type"] == "application/json"


async def test_send_has_no_reply() -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        application.answer = {"error": {"code": 1000, "message": "nobody hears this"}}
        await client.send({"send": {"data": "x"}})
        assert await client.ask({"id": 9, "ping": {}}) == {"id": 9, "ping": {}}
        assert "method" not in application.asked[0]
        assert application.asked[0]["data"] == "x"


async def test_subscribe_is_allowed_with_data_and_an_end() -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        application.answer = {"result": {"data": {"hi": 1}, "expire_at": 2**33}}
        answer = await client.ask({"id": 2, "subscribe": {"channel": "ask:1", "data": "let me"}})
        result = answer["subscribe"]
        assert (result["data"], result["offset"]) == ({"hi": 1}, 0)
        assert "expires" not in result  # or an SDK would look for a token to replace
        asked = application.asked[0]
        assert (asked["channel"], asked["data"]) == ("ask:1", "let me")


async def test_only_where_the_namespace_says_so() -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        assert (await client.subscribe("no:1"))["error"]["code"] == 103
        assert application.asked == []


ERROR = {"code": 1000, "message": "not today"}


async def unspeakable(_request: web.Request) -> web.StreamResponse:
    return web.Response(text='{"result":{"data":1e999}}')


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": ERROR}, ERROR),
        ({"error": ERROR | {"temporary": True}}, ERROR | {"temporary": True}),
        ({"error": ERROR, "result": {}}, ERROR),
        ({}, None),
        ({"result": None}, None),
        ({"result": True}, None),
        ([], None),
        ({"error": {"code": 103, "message": "reserved"}}, None),
        ({"error": {"code": "1000"}}, None),
        ({"disconnect": {"code": 3000}}, None),
        ({"disconnect": {"code": 4000, "reason": "x" * 124}}, None),
        ({"result": {"expire_at": "soon"}}, None),
        ({"result": {"expire_at": 1}}, {"code": 110, "message": "expired"}),
        ({"result": {"expire_at": 10**400}}, None),
        (unspeakable, None),
    ],
)
async def test_no_subscription(answer: Any, error: Any) -> None:
    failure = {"code": 100, "message": "internal server error", "temporary": True}
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        application.answer = answer
        assert (await client.subscribe("ask:1")) == {"id": 2, "error": error or failure}
        assert not len(live.server.parts.hub.channels)


async def test_disconnect() -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        application.answer = {"disconnect": {"code": 4500, "reason": "banned"}}
        await client.send({"id": 2, "subscribe": {"channel": "ask:1"}})
        assert await client.closed() == (4500, "banned")


async def moved(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("/hook")


async def broken(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"result": {}}, status=500)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(100):
        await response.write(b" " * 65536)
    return response


async def slow(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(1)
    return web.json_response({"result": {}})


async def rubbish(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"\xff{")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (moved, "status 307"),
        (broken, "status 500"),
        (endless, "more than 1048576 bytes"),
        (slow, "TimeoutError"),
        (rubbish, "UnicodeDecodeError"),
    ],
)
async def test_what_goes_wrong_outside_is_temporary(answer: Answer, reason: str) -> None:
    timeout = 0.3 if answer is slow else 3.0
    async with hooked(timeout=timeout) as (live, application), live.client() as client:
        await signed_in(client)
        application.answer = {"result": {}}
        await rpc(client)
        application.answer = answer
        for _ in range(2):
            assert (await rpc(client))["error"]["code"] == 100
        assert live.logged.count('"event": "hook_failing"') == 1
        assert f'"error": "{reason}"' in live.logged
        application.answer = {"result": {"data": 1}}
        assert (await rpc(client))["rpc"] == {"data": 1}
        assert '"event": "hook_answers_again"' in live.logged


async def test_what_json_cannot_carry_is_the_clients_fault_and_not_the_hooks() -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        await client.socket.send('{"id":7,"rpc":{"method":"price","data":1e999}}')
        assert (await client.receive())["error"]["code"] == 107
        assert application.asked == []
        assert "hook_failing" not in live.logged


async def test_nobody_listens() -> None:
    url = "http://user:password@127.0.0.1:1/secret"
    async with hooked(rpc_url=url) as (live, _), live.client() as client:
        await signed_in(client)
        assert (await rpc(client))["error"]["code"] == 100
        assert "password" not in live.logged
        assert "secret" not in live.logged


async def test_one_hook_without_the_other() -> None:
    async with hooked(rpc_url="") as (live, _), live.client() as client:
        await signed_in(client)
        assert (await rpc(client))["error"]["code"] == 108
    async with hooked(subscribe_url="") as (live, _), live.client() as client:
        await signed_in(client)
        assert (await client.subscribe("ask:1"))["error"]["code"] == 103


async def test_only_named_headers_are_passed_on() -> None:
    sent = {"Cookie": "session=1", "X-Other": "2", "X-Real-IP": "192.0.2.1"}
    async with hooked(headers=("Cookie", "X-Real-IP", "Origin")) as (live, application):
        async with live.client(additional_headers=sent) as client:
            await signed_in(client)
            application.answer = with_cookie
            await rpc(client)
            await rpc(client)
        async with live.client() as client:
            await signed_in(client)
            await rpc(client)
    first, second, other = application.headers
    assert (first["Cookie"], first["X-Real-IP"]) == ("session=1", "192.0.2.1")
    assert "X-Other" not in first
    assert "Origin" not in first
    assert second["Cookie"] == "session=1"  # and nothing that the application has set
    assert "Cookie" not in other


async def test_headers_beyond_ascii_arrive_as_they_were_sent() -> None:
    sent = {"Cookie": "name=é".encode().decode("latin-1")}  # as websockets would write it
    async with hooked(headers=("Cookie",)) as (live, application):
        async with live.client(additional_headers=sent) as client:
            await signed_in(client)
            await rpc(client)
        assert application.headers[0]["Cookie"] == "name=é"


async def with_cookie(_request: web.Request) -> web.StreamResponse:
    response = web.json_response({"result": {}})
    response.set_cookie("of", "somebody")
    return response


async def test_many_at_a_time_are_bounded() -> None:
    now, most, enough = 0, 0, asyncio.Event()

    async def count(_request: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await enough.wait()
        now -= 1
        return web.json_response({"result": {}})

    async with hooked() as (live, application):
        application.answer = count
        async with asyncio.TaskGroup() as tasks:
            for _ in range(100):
                tasks.create_task(one_rpc(live))
            await until(lambda: most >= 64)
            await asyncio.sleep(0.1)  # for the 65th, if there is one
            enough.set()
        assert most == 64


async def one_rpc(live: Running) -> None:
    async with live.client() as client:
        await signed_in(client)
        assert "rpc" in await rpc(client)


async def test_calls_are_counted() -> None:
    async with hooked() as (live, application), live.client() as client:
        await signed_in(client)
        await rpc(client)
        application.answer = {"error": ERROR}
        await client.subscribe("ask:1")
        seen = await scrape(live)
    assert seen['ws_hook_calls_total{hook="rpc",outcome="ok"}'] == 1
    assert seen['ws_hook_calls_total{hook="subscribe",outcome="refused"}'] == 1
    assert seen['ws_hook_seconds_count{hook="rpc"}'] == 1


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
