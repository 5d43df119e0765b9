"""Signing in, order, limits and goodbyes, over real sockets."""

import asyncio
import json
import time
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from ws_server.broker.base import BrokerDownError
from ws_server.broker.memory import MemoryBroker
from ws_server.core import commands

from tests.ws.harness import Client, Running, running, token


async def test_token_in_the_first_message(live: Running) -> None:
    async with live.client() as client:
        result = (await client.sign_in(exp=time.time() + 600))["connect"]
        assert 500 < result["ttl"] <= 600
        assert live.server.parts.hub.sessions.pop().id == result["client"]


async def test_token_in_authorization(live: Running) -> None:
    headers = {"Authorization": f"Bearer {token()}"}
    async with live.client(additional_headers=headers) as client:
        assert "connect" in await client.ask({"id": 1, "connect": {}})


async def test_token_in_the_subprotocol_is_never_echoed(live: Running) -> None:
    async with live.client(f"bearer.{token()}", "centrifuge-json") as client:
        assert client.socket.subprotocol == "centrifuge-json"
        assert "connect" in await client.ask({"id": 1, "connect": {}})
    async with live.client(f"bearer.{token()}") as client:
        assert client.socket.subprotocol is None


async def test_bad_token_in_the_subprotocol_closes_at_once(live: Running) -> None:
    async with live.client(f"bearer.{token(nbf=2**40)}") as client:
        assert await client.closed() == (3500, "invalid token: it is not valid yet (nbf)")


async def test_expired_token_in_the_subprotocol_can_be_replaced(live: Running) -> None:
    async with live.client(f"bearer.{token(exp=1)}") as client:
        answer = await client.ask({"id": 1, "connect": {}})
        assert answer == {"id": 1, "error": {"code": 109, "message": "token expired"}}
        assert "connect" in await client.sign_in()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (token(b"another secret of 32 bytes or more"), "its signature does not match the secret"),
        (token(algorithm="none"), "it is not signed (alg none)"),
        (token(nbf=2**40), "it is not valid yet (nbf)"),
        ("", "there is none"),
        ("rubbish", "it is not a JSON Web Token"),
    ],
)
async def test_bad_token_in_the_first_message(live: Running, value: str, reason: str) -> None:
    async with live.client() as client:
        await client.send({"id": 1, "connect": {"token": value}})
        assert await client.closed() == (3500, f"invalid token: {reason}")
        assert not value or value not in live.logged


async def test_token_of_another_type_is_a_bad_request(live: Running) -> None:
    async with live.client() as client:
        assert (await client.ask({"id": 1, "connect": {"token": 7}}))["error"]["code"] == 107


async def test_connect_comes_first(live: Running) -> None:
    async with live.client() as client:
        await client.send({"id": 1, "subscribe": {"channel": "news"}})
        assert await client.closed() == (3501, "bad request: connect comes first")


async def test_no_connect_in_time() -> None:
    async with running(connect_timeout=0.05) as live, live.client() as client:
        assert await client.closed() == (3502, "stale")


async def test_expiry_ends_a_live_connection_after_a_time_to_mend_it() -> None:
    async with running(expired_grace=0.1) as live, live.client() as client:
        await client.sign_in(exp=time.time() + 0.2)
        assert await client.closed() == (3005, "connection expired")


async def test_pings_and_the_missing_pong() -> None:
    async with running(ping_interval=0.05, pong_timeout=0.2) as live, live.client() as client:
        await client.sign_in()
        assert await client.receive() == {}
        await client.send({})
        assert await client.receive() == {}
        assert (await client.closed())[0] == 3012


async def test_ten_thousand_publications_arrive_in_order(live: Running) -> None:
    count = 10_000
    async with live.client() as publisher, live.client() as subscriber:
        for client in (publisher, subscriber):
            await client.sign_in()
            await client.subscribe("news")
        feeding = asyncio.create_task(feed(publisher, count, per_frame=100))
        numbers = [(await subscriber.receive())["push"]["pub"]["data"] for _ in range(count)]
        assert numbers == list(range(count))
        await feeding


async def feed(client: Client, count: int, per_frame: int) -> None:
    for start in range(0, count, per_frame):
        numbers = range(start, start + per_frame)
        await client.send(
            *({"id": n + 9, "publish": {"channel": "news", "data": n}} for n in numbers)
        )
        for _ in range(per_frame * 2):  # its own replies and pushes, read so that it is not slow
            await client.receive()


async def test_slow_consumer_is_closed_and_the_others_are_not_held_up() -> None:
    async with (
        running(max_queue_bytes=100_000) as live,
        live.client() as publisher,
        live.client(max_queue=1) as slow,
    ):
        for client in (publisher, slow):
            await client.sign_in()
            await client.subscribe("news")
        assert await publish_until_closed(live, publisher) < 2000
        assert await slow.closed() == (3008, "slow")
        assert "id" in await publisher.ask({"id": 2, "ping": {}})


async def publish_until_closed(live: Running, publisher: Client) -> int:
    """Publish 10 kB at a time, reading along, until the server gives the other one up."""
    for number in range(2000):
        await publisher.send({"id": 5, "publish": {"channel": "news", "data": "x" * 10_000}})
        assert "push" in await publisher.receive()
        assert "publish" in await publisher.receive()
        if '"code": 3008' in live.logged:
            return number
    return 2000


async def test_frame_that_is_too_large(live: Running) -> None:
    async with live.client() as client:
        await client.socket.send("x" * 65_537)
        assert (await client.closed())[0] == 1009


async def test_binary_frame(live: Running) -> None:
    async with live.client() as client:
        await client.socket.send(b"{}")
        assert await client.closed() == (3501, "bad request: binary frame")


async def test_fragments_are_one_frame(live: Running) -> None:
    async with live.client() as client:
        text = json.dumps({"id": 1, "connect": {"token": token()}})
        await client.socket.send([text[:9], text[9:50], text[50:]])
        assert "connect" in await client.receive()


async def test_subscriptions_are_limited() -> None:
    async with running(max_channels=2) as live, live.client() as client:
        await client.sign_in()
        answers = [await client.subscribe(f"room:{number}") for number in range(3)]
        assert answers[1] == {"id": 2, "subscribe": {}}
        assert answers[2] == {"id": 2, "error": {"code": 106, "message": "limit exceeded"}}


async def test_what_follows_a_close_is_not_carried_out(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in()
        await client.send({"id": 2, "connect": {}}, {"id": 3, "ping": {}})
        with pytest.raises(Exception, match="3501"):
            await client.receive()


async def test_one_connection_leaves_no_trace(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in()
        await client.subscribe("news")
    await live.server.stop()
    assert live.server.parts.hub.sessions == set()
    assert list(live.server.parts.hub.channels.members("news")) == []


async def test_two_replicas_exchange() -> None:
    broker = MemoryBroker()
    async with (
        running(broker) as one,
        running(broker) as two,
        one.client() as alice,
        two.client() as bob,
    ):
        await alice.sign_in()
        await bob.sign_in(sub="bob")
        await alice.subscribe("room:1")
        await bob.subscribe("room:1")
        await alice.send({"id": 3, "publish": {"channel": "room:1", "data": "hi"}})
        assert (await bob.receive())["push"]["pub"]["info"]["user"] == "alice"


class Down(MemoryBroker):
    """A broker that cannot be reached."""

    async def subscribe(self, channel: str) -> None:
        raise BrokerDownError


async def test_broker_down_is_a_temporary_error_and_keeps_the_connection() -> None:
    async with running(Down()) as live, live.client() as client:
        await client.sign_in()
        for _ in range(2):  # the second is not "already subscribed"
            error = (await client.subscribe("news"))["error"]
            assert (error["code"], error["temporary"]) == (100, True)
        assert await client.ask({"id": 3, "ping": {}}) == {"id": 3, "ping": {}}


async def test_broker_down_while_a_connect_brings_subs_is_a_reason_to_come_back() -> None:
    """SDKs take what is not among the ``subs`` of the reply for unsubscribed, for good."""
    async with running(Down()) as live, live.client() as client:
        connect = {"token": token(), "subs": {"news": {}, "not:allowed": {}}}
        await client.send({"id": 1, "connect": connect})
        assert await client.closed() == (3010, "insufficient state")


class Broken(MemoryBroker):
    """A broker with a bug."""

    async def subscribe(self, channel: str) -> None:
        raise ZeroDivisionError


async def test_a_bug_ends_one_connection_only() -> None:
    broken = Broken()
    async with running(broken) as live, live.client() as other, live.client() as client:
        await client.sign_in()
        await client.send({"id": 2, "subscribe": {"channel": "news"}})
        assert await client.closed() == (3004, "internal server error")
        assert "ZeroDivisionError" in live.logged
        assert "connect" in await other.sign_in()


async def test_drain_tells_everybody() -> None:
    async with running() as live, live.client() as client, live.client() as silent:
        await client.sign_in()
        closing = asyncio.create_task(client.closed())
        await live.server.stop()
        assert await closing == (3001, "shutdown")
        assert await silent.closed() == (3001, "shutdown")


async def test_a_bug_in_the_middle_carries_nothing_out_twice(
    live: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames that came together are carried out together, and one after another if that fails."""
    handled: list[int] = []
    handle = commands.handle

    def broken(*arguments: Any) -> Any:
        command = arguments[-1]
        handled.append(command.id)
        if command.id == 4:
            b"\xff".decode()
        return handle(*arguments)

    async with live.client() as client:
        await client.sign_in()
        monkeypatch.setattr(commands, "handle", broken)
        ping = [Frame(Opcode.TEXT, b'{"id":%d,"ping":{}}' % number) for number in (2, 3, 4, 5)]
        client.socket.transport.write(b"".join(frame.serialize(mask=True) for frame in ping))
        assert (await client.closed())[0] == 3004
    assert handled == [2, 3, 4]
