"""The official SDKs for JavaScript and Python as clients: what they expect is what we do."""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from ws_server.broker.memory import MemoryBroker
from ws_server.core import codes
from ws_server.core.codes import Disconnect, Unsubscribe

from tests.integration.projects import free_port
from tests.npm import installed
from tests.ws.application import hooked
from tests.ws.harness import Running, running, token
from tests.ws.sdk.driver import Sdk, SdkProcess, sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")
Start = Callable[[Running], AbstractAsyncContextManager[Sdk]]
SOURCES = Path(__file__).parent / "sdk"
OVER = {"javascript": "", "over http": "http_stream", "over sse": "sse"}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[*OVER, "python"])
async def process(request: pytest.FixtureRequest) -> AsyncIterator[SdkProcess]:
    """A process of each SDK in turn; JavaScript's in the version of the lock file."""
    if request.param == "python":
        command = [sys.executable, str(SOURCES / "client.py")]
    elif shutil.which("npm"):
        command = ["node", str(installed(SOURCES) / "client.mjs")]
    else:
        pytest.skip("needs Node 20 and npm")
    async with sdk(*command, transport=OVER.get(request.param, "")) as one:
        yield one


@pytest.fixture
def start(process: SdkProcess) -> Start:
    """Start a client: ``start(live)``."""
    return lambda live: process.client(live.url())


@pytest_asyncio.fixture(loop_scope="module")
async def live() -> AsyncIterator[Running]:
    async with running(expired_grace=2.0) as server:
        yield server


async def test_a_conversation(start: Start, live: Running) -> None:
    async with start(live) as alice, start(live) as bob:
        await alice.connected(token())
        await alice.subscribed("chat:1")
        assert (await alice.event("join"))["user"] == "alice"
        await bob.connected(token(sub="bob"))
        await bob.subscribed("chat:1")
        assert (await alice.event("join"))["user"] == "bob"
        for number in range(5):
            assert await bob.do("publish", channel="chat:1", data={"n": number}) is None
        assert await alice.publications(5) == [{"n": number} for number in range(5)]
        assert await alice.do("presence", channel="chat:1") == ["alice", "bob"]
        assert await alice.do("presence_stats", channel="chat:1") == [2, 2]
        assert await alice.do("history", channel="chat:1", limit=3) == [1, 2, 3]
        assert await alice.do("history", channel="chat:1", limit=2, reverse=True) == [5, 4]
        await bob.do("unsubscribe", channel="chat:1")
        assert (await alice.event("leave"))["user"] == "bob"
        await alice.do("disconnect")
        assert (await alice.event("disconnected"))["code"] == 0


async def test_errors_are_errors(start: Start, live: Running) -> None:
    async with start(live) as client:
        await client.connected(token())
        assert await client.do("rpc", method="pay") == 108
        await client.do("subscribe", channel="private:1")
        assert (await client.event("unsubscribed"))["code"] == 103
        await client.subscribed("news")
        assert await client.do("history", channel="news", limit=1) == 108
        assert await client.do("publish", channel="news", data="x" * 60_000) is None


async def test_a_token_is_refreshed_while_connected(start: Start, live: Running) -> None:
    async with start(live) as client:
        await client.connected(token(exp=time.time() + 5))
        await client.subscribed("chat:1")
        await client.event("token_wanted")
        await client.do("token", token=token())
        await asyncio.sleep(4)  # beyond the first token's life and the time to mend it
        assert await client.do("publish", channel="chat:1", data=1) is None
        assert live.server.parts.service.stats.disconnects == {}


async def test_a_refresh_by_an_old_token_is_a_reason_to_come_back(
    start: Start, live: Running
) -> None:
    async with start(live) as client:
        await client.connected(token(exp=time.time() + 5))
        await client.event("connecting")
        await client.event("token_wanted")
        await client.do("token", token=token(exp=time.time() - 1))  # out of somebody's cache
        event = await client.event("connecting", "disconnected")
        assert (event["event"], event["code"]) == ("connecting", codes.CONNECTION_EXPIRED.code)
        await client.event("token_wanted")
        await client.do("token", token=token())
        await client.event("connected")


async def test_an_expired_token_is_replaced(start: Start, live: Running) -> None:
    async with start(live) as client:
        await client.do("connect", token=token(exp=1))
        await client.event("token_wanted")
        await client.do("token", token=token())
        await client.event("connected")


async def test_who_never_replaces_it_comes_back_with_another(start: Start, live: Running) -> None:
    async with start(live) as client:
        await client.connected(token(exp=time.time() + 5))  # Node takes a while to start
        await client.event("connecting")
        await client.event("token_wanted")
        assert (await client.event("connecting"))["code"] == codes.CONNECTION_EXPIRED.code
        await client.do("token", token=token())
        # One SDK still waits for the token that it wanted first, the other asks again.
        if (await client.event("connected", "token_wanted"))["event"] == "token_wanted":
            await client.do("token", token=token())
            await client.event("connected")


async def test_a_bad_token_is_terminal(start: Start, live: Running) -> None:
    async with start(live) as client:
        await client.do("connect", token=token(b"another secret, 32 bytes or longer"))
        assert (await client.event("disconnected"))["code"] == 3500


@pytest.mark.parametrize(
    ("why", "event"),
    [(codes.SERVER_ERROR, "connecting"), (codes.FORCED, "disconnected")],
    ids=["it comes back", "it does not"],
)
async def test_disconnect_codes(start: Start, live: Running, why: Disconnect, event: str) -> None:
    async with start(live) as client:
        await client.connected(token())
        await client.event("connecting")
        live.server.parts.service.disconnect(live.server.parts.hub.of_user("alice"), why)
        assert (await client.event(event))["code"] == why.code
        if event == "connecting":
            await client.event("connected")


@pytest.mark.parametrize(
    ("why", "event"),
    [(codes.INSUFFICIENT_STATE, "subscribing"), (codes.SERVER_UNSUBSCRIBE, "unsubscribed")],
    ids=["it comes back", "it does not"],
)
async def test_unsubscribe_codes(start: Start, live: Running, why: Unsubscribe, event: str) -> None:
    async with start(live) as client:
        await client.connected(token())
        await client.subscribed("chat:1")
        await client.event("subscribing")
        (session,) = live.server.parts.hub.of_user("alice")
        live.server.parts.service.unsubscribe(session, "chat:1", why)
        assert (await client.event(event))["code"] == why.code
        if event == "subscribing":
            assert (await client.event("subscribed"))["recovered"]


async def test_who_leaves_while_it_recovers_misses_nothing(start: Start, live: Running) -> None:
    async with start(live) as client:
        await client.connected(token())
        await client.do("subscribe", channel="chat:1", leaves=True)
        await client.event("subscribed")
        await client.do("unsubscribe", channel="chat:1")
        for payload in (b'{"data":1}', b'{"data":2}'):
            await live.server.parts.service.publish("chat:1", payload)
        await client.do("resubscribe", channel="chat:1")
        assert (await client.event("subscribed"))["recovered"]
        for _ in range(2):
            await client.event("unsubscribed")
        await client.do("resubscribe", channel="chat:1")
        assert await client.publications(2) == [1, 2]


async def test_at_the_end_of_a_subscription_the_hook_is_asked_again(start: Start) -> None:
    async with hooked() as (live, application), start(live) as client:
        await client.connected(token(channels=[]))
        application.answer = {"result": {"expire_at": time.time() + 2}}
        await client.subscribed("ask:1")
        await client.event("subscribing")
        application.answer = {"result": {}}
        event = await client.event("subscribing", "unsubscribed")
        assert (event["event"], event["code"]) == ("subscribing", 2501)
        await client.event("subscribed")
        assert len(application.asked) == 2


async def test_recovery_over_a_restart_of_the_server(start: Start) -> None:
    broker, port = MemoryBroker(), free_port()  # it outlives a server, as Redis does
    async with running(broker, port=port) as first:
        client = await (context := start(first)).__aenter__()
        await client.connected(token())
        await client.subscribed("chat:1")
        await first.server.parts.service.publish("chat:1", b'{"data":1}')
        assert await client.publications(1) == [1]
    await first.server.parts.service.publish("chat:1", b'{"data":2}')
    async with running(broker, port=port) as second:
        subscribed = await client.event("subscribed")
        assert (subscribed["wasRecovering"], subscribed["recovered"]) == (True, True)
        await second.server.parts.service.publish("chat:1", b'{"data":3}')
        assert await client.publications(2) == [2, 3]
        await context.__aexit__(None, None, None)


async def test_recovery_is_refused_where_the_history_is_gone(start: Start) -> None:
    port = free_port()
    async with running(port=port) as first:
        client = await (context := start(first)).__aenter__()
        await client.connected(token())
        await client.subscribed("chat:1")
    async with running(port=port):
        subscribed = await client.event("subscribed")
        assert (subscribed["wasRecovering"], subscribed["recovered"]) == (True, False)
        await context.__aexit__(None, None, None)
