"""A subscription's reply comes before its publications; and what else clients rely on."""

import asyncio
import time
from typing import Any

from ws_server.broker.memory import MemoryBroker
from ws_server.core.publication import History, Position

from tests.ws.harness import Client, Running, running, token


class Slow(MemoryBroker):
    """A history that takes a while, during which others publish."""

    async def history(
        self, channel: str, since: Position | None, limit: int, *, reverse: bool = False
    ) -> History:
        found = await super().history(channel, since, limit, reverse=reverse)
        await asyncio.sleep(0.02)
        return found


async def publish_for_ever(live: Running, channel: str) -> None:
    number = 0
    while True:
        number += 1
        await live.server.parts.service.publish(channel, b'{"data":%d}' % number)
        await asyncio.sleep(0.001)


async def follow(client: Client, reply: dict[str, Any], count: int) -> int:
    """Expect those of the reply and ``count`` more, in order; gives the offset of the last."""
    last = int(reply["offset"])
    for publication in reply.get("publications", ()):
        assert publication["offset"] == last + 1
        last += 1
    for _ in range(count):
        push = (await client.receive())["push"]
        if "pub" in push:
            assert push["pub"]["offset"] == last + 1
            last += 1
    return last


async def test_reply_first_then_publications_without_a_hole() -> None:
    async with running(Slow()) as live:
        feeding = asyncio.create_task(publish_for_ever(live, "chat:1"))
        await asyncio.sleep(0.05)
        async with live.client() as client:
            await client.sign_in()
            position: dict[str, Any] = {}
            for _ in range(5):
                answer = await client.ask({"id": 2, "subscribe": {"channel": "chat:1"} | position})
                reply = answer["subscribe"]
                assert reply.get("recovered", True) or reply["offset"] > 10  # ten are kept
                last = await follow(client, reply, 20)
                await client.send({"id": 3, "unsubscribe": {"channel": "chat:1"}})
                while "id" not in await client.receive():
                    pass
                position = {"recover": True, "offset": last, "epoch": reply["epoch"]}
        feeding.cancel()


async def test_subs_of_a_connect_come_in_its_reply_before_their_publications() -> None:
    async with running(Slow()) as live:
        feeding = asyncio.create_task(publish_for_ever(live, "chat:1"))
        await asyncio.sleep(0.02)
        async with live.client() as client:
            subs = {"chat:1": {"recover": True}, "private:1": {}, "chat:2": {}}
            answer = await client.ask({"id": 1, "connect": {"token": token(), "subs": subs}})
            found = answer["connect"]["subs"]
            assert set(found) == {"chat:1", "chat:2"}  # the other is nobody's business
            assert found["chat:1"]["was_recovering"]
            await follow(client, found["chat:1"], 20)
        feeding.cancel()


async def test_a_subscription_that_expires_says_2501() -> None:
    async with running(expired_grace=0.1) as server, server.client() as client:
        await client.sign_in(channels=[])
        once = token(channel="private:1", exp=time.time() + 0.3)
        answer = await client.ask({"id": 2, "subscribe": {"channel": "private:1", "token": once}})
        assert answer == {"id": 2, "subscribe": {"expires": True, "ttl": 1}}
        push = (await client.receive())["push"]
        assert push["unsubscribe"] == {"code": 2501, "reason": "subscription expired"}


async def test_a_subscription_that_is_refreshed_goes_on() -> None:
    async with running(expired_grace=0.1) as live, live.client() as client:
        await client.sign_in(channels=[])
        tokens = [token(channel="private:1", exp=time.time() + life) for life in (0.3, 600)]
        await client.ask({"id": 2, "subscribe": {"channel": "private:1", "token": tokens[0]}})
        answer = await client.ask(
            {"id": 3, "sub_refresh": {"channel": "private:1", "token": tokens[1]}}
        )
        assert answer["sub_refresh"]["ttl"] > 500
        await asyncio.sleep(0.6)
        assert "ping" in await client.ask({"id": 9, "ping": {}})


async def test_a_token_for_ever_has_a_ttl_that_32_bits_hold(live: Running) -> None:
    ever = 10**11
    async with live.client() as client:
        answer = await client.sign_in(exp=ever)
        assert answer["connect"]["ttl"] == 2**32 - 1
        wanted = {"channel": "private:1", "token": token(channel="private:1", exp=ever)}
        answers = [
            (await client.ask({"id": 2, "subscribe": wanted}))["subscribe"],
            (await client.ask({"id": 3, "sub_refresh": wanted}))["sub_refresh"],
            (await client.ask({"id": 4, "refresh": {"token": token(exp=ever)}}))["refresh"],
        ]
        (session,) = live.server.parts.hub.of_user("alice")
        live.server.parts.service.prolong(session, ever)
        answers.append((await client.receive())["push"]["refresh"])
        assert [answer["ttl"] for answer in answers] == [2**32 - 1] * 4


async def test_subscription_tokens_are_for_one_user_and_one_channel(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in(channels=[])
        for wrong, code in (
            (token(channel="private:2"), 103),
            (token(channel="private:1", sub="bob"), 103),
            (token(), 103),
            (token(channel="private:1", exp=1), 109),
            ("rubbish", 103),
        ):
            wanted = {"channel": "private:1", "token": wrong}
            assert (await client.ask({"id": 2, "subscribe": wanted}))["error"]["code"] == code


async def test_another_user_s_token_refreshes_nothing(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in()
        await client.send({"id": 2, "refresh": {"token": token(sub="bob")}})
        assert await client.closed() == (3500, "invalid token: it is another user's")


async def test_too_many_commands_are_refused_and_a_flood_ends_the_connection() -> None:
    async with running(max_commands_per_second=10) as live, live.client() as client:
        assert "connect" in await client.sign_in()
        await client.send(*({"id": n + 2, "ping": {}} for n in range(30)))
        answers = [await client.receive() for _ in range(30)]
        assert {answer["error"]["code"] for answer in answers} == {111}
        await client.send(*({"id": n + 2, "ping": {}} for n in range(100)))
        assert await client.closed() == (3013, "too many requests")


async def test_a_gap_is_closed_before_anything_newer_and_a_lost_one_is_said() -> None:
    async with running() as live, live.client() as client:
        await client.sign_in()
        await client.ask({"id": 2, "subscribe": {"channel": "chat:1"}})
        await client.receive()  # its own join
        service, broker = live.server.parts.service, live.server.parts.broker
        listeners, broker._listeners = broker._listeners, []  # type: ignore[attr-defined]
        for number in (1, 2):
            await service.publish("chat:1", b'{"data":%d}' % number)
        broker._listeners = listeners  # type: ignore[attr-defined]
        await service.publish("chat:1", b'{"data":3}')
        found = [(await client.receive())["push"]["pub"]["offset"] for _ in range(3)]
        assert found == [1, 2, 3]
        broker._streams.clear()  # type: ignore[attr-defined]
        live.server.parts.node.reconnected()
        push = (await client.receive())["push"]
        assert push["unsubscribe"] == {"code": 2500, "reason": "insufficient state"}
