"""What replicas tell each other, and what none of them trips over."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ws_server.core import protocol
from ws_server.service import control

from tests.examples import examples
from tests.ws.harness import Running, running


@pytest.fixture
async def live() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


async def order(live: Running, name: str, **fields: Any) -> None:
    await live.server.parts.broker.command(control.encode(name, **fields))


async def test_disconnect_a_user_but_for_one_client(live: Running) -> None:
    async with live.client() as first, live.client() as second, live.client() as bob:
        await first.sign_in()
        kept = (await second.sign_in())["connect"]["client"]
        await bob.sign_in(sub="bob")
        await order(live, "disconnect", user="alice", whitelist=[kept])
        assert await first.closed() == (3503, "force disconnect")
        for client in (second, bob):
            assert "ping" in await client.ask({"id": 9, "ping": {}})


async def test_disconnect_one_client_with_a_code_of_ones_own(live: Running) -> None:
    async with live.client() as first, live.client() as second:
        named = (await first.sign_in())["connect"]["client"]
        await second.sign_in()
        reason = "ü" * 200  # more than a close frame holds
        await order(live, "disconnect", user="alice", client=named, code=4001, reason=reason)
        code, said = await first.closed()
        assert (code, said) == (4001, "ü" * 61)
        assert "ping" in await second.ask({"id": 9, "ping": {}})


async def test_unsubscribe(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in()
        await client.subscribe("news")
        await order(live, "unsubscribe", user="alice", channel="other")
        await order(live, "unsubscribe", user="alice", channel="news")
        push = {"channel": "news", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
        assert await client.receive() == {"push": push}
        assert "subscribe" in await client.subscribe("news")


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
FIELDS = st.dictionaries(
    st.sampled_from(["user", "client", "code", "reason", "whitelist", "channel"]), VALUES
)
ANY = st.dictionaries(st.sampled_from(["disconnect", "unsubscribe", "later"]), FIELDS | VALUES)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(order=ANY.map(protocol.encode) | st.binary())
@example(order=b"[" * 100_000)
async def test_what_is_not_understood_is_left_alone(live: Running, order: bytes) -> None:
    await live.server.parts.broker.command(order)


@pytest.mark.parametrize("code", ["x", 99, 1005, 5000, [1], True])
async def test_a_code_that_cannot_be_sent_closes_nothing(live: Running, code: object) -> None:
    async with live.client() as client:
        await client.sign_in()
        await order(live, "disconnect", user="alice", code=code)
        assert "ping" in await client.ask({"id": 9, "ping": {}})
