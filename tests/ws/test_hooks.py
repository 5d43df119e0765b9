"""The hooks for subscriptions and calls: what they are asked, and what becomes of the answer."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.ws.application import ERROR, Answer, hooked, signed_in
from tests.ws.harness import Client, Running, until
from tests.ws.test_metrics import scrape


async def rpc(client: Client, data: object = None) -> Any:
    return await client.ask({"id": 7, "rpc": {"method": "price", "data": data}})


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
