"""The HTTP API, asked by the real client of Centrifugo and by requests that it would never send."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cent import (
    AsyncClient,
    BatchRequest,
    BroadcastRequest,
    CentApiResponseError,
    ChannelsRequest,
    Disconnect,
    DisconnectRequest,
    HistoryRemoveRequest,
    HistoryRequest,
    InfoRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    RefreshRequest,
    StreamPosition,
    SubscribeRequest,
    UnsubscribeRequest,
)
from cent.exceptions import CentUnauthorizedError
from ws_server.broker.base import BrokerDownError
from ws_server.broker.memory import MemoryBroker
from ws_server.core.publication import Position
from ws_server.service import survey

from tests.ws.harness import API_KEY, Client, Running, running, token


@asynccontextmanager
async def cent(live: Running, key: bytes = API_KEY) -> AsyncIterator[AsyncClient]:
    client = AsyncClient(live.api_url, key.decode())
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def alice(live: Running, channel: str = "") -> AsyncIterator[Client]:
    async with live.client() as client:
        await client.sign_in()
        if channel:
            await client.subscribe(channel)
        yield client


async def test_publish_arrives_with_tags_and_offset(served: Running) -> None:
    async with alice(served, "chat:1") as client, cent(served) as api:
        await client.receive()  # its own join
        result = await api.publish(PublishRequest(channel="chat:1", data={"n": 1}, tags={"a": "b"}))
        assert (result.offset, len(result.epoch)) == (1, 8)
        pub = {"data": {"n": 1}, "tags": {"a": "b"}, "offset": 1}
        assert await client.receive() == {"push": {"channel": "chat:1", "pub": pub}}


async def test_a_key_publishes_once(served: Running) -> None:
    async with alice(served, "news") as client, cent(served) as api:
        for data in (1, 2):
            await api.publish(PublishRequest(channel="news", data=data, idempotency_key="k"))
        await api.publish(PublishRequest(channel="news", data=3))
        assert [(await client.receive())["push"]["pub"]["data"] for _ in range(2)] == [1, 3]


async def test_broadcast_answers_for_each_channel(served: Running) -> None:
    async with alice(served, "room:1") as client, cent(served) as api:
        answer = await api.broadcast(BroadcastRequest(channels=["room:1", "a*", "b"], data="x"))
        codes = [each.error.code if each.error else 0 for each in answer.responses]
        assert codes == [0, 102, 0]
        assert (await client.receive())["push"]["channel"] == "room:1"


async def test_history_and_its_removal(served: Running) -> None:
    async with cent(served) as api:
        for n in range(3):
            await api.publish(PublishRequest(channel="chat:1", data=n))
        await api.publish(PublishRequest(channel="chat:1", data="not kept", skip_history=True))
        found = await api.history(HistoryRequest(channel="chat:1", limit=2, reverse=True))
        assert ([pub.data for pub in found.publications], found.offset) == ([2, 1], 3)
        since = StreamPosition(offset=2, epoch=found.epoch)
        found = await api.history(HistoryRequest(channel="chat:1", limit=-1, since=since))
        assert [pub.data for pub in found.publications] == [2]
        await api.history_remove(HistoryRemoveRequest(channel="chat:1"))
        found = await api.history(HistoryRequest(channel="chat:1", limit=10))
        assert (found.publications, found.offset) == ([], 3)
        lost = StreamPosition(offset=2, epoch="other")
        with pytest.raises(CentApiResponseError) as caught:
            await api.history(HistoryRequest(channel="chat:1", since=lost))
        assert caught.value.code == 112


async def test_presence(served: Running) -> None:
    async with alice(served, "chat:1") as client, cent(served) as api:
        await client.receive()
        present = (await api.presence(PresenceRequest(channel="chat:1"))).presence
        assert [info.user for info in present.values()] == ["alice"]
        stats = await api.presence_stats(PresenceStatsRequest(channel="chat:1"))
        assert (stats.num_clients, stats.num_users) == (1, 1)


async def test_channels_and_info(served: Running) -> None:
    async with alice(served, "room:1"), cent(served) as api:
        found = await api.channels(ChannelsRequest(pattern="room:*"))
        assert {name: info.num_clients for name, info in found.channels.items()} == {"room:1": 1}
        assert (await api.channels(ChannelsRequest(pattern="x*"))).channels == {}
        (node,) = (await api.info(InfoRequest())).nodes
        assert (node.num_clients, node.num_users, node.num_channels, node.num_subs) == (1, 1, 1, 1)
        assert node.uid == served.server.parts.broker.replica


async def test_more_channels_than_anybody_can_read(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MAX_ANSWER", 200)
    async with alice(served) as client:
        for number in range(20):
            await client.subscribe(f"room:{number}")
        assert (await served.api("channels"))["error"]["code"] == 106
        assert (await served.api("channels", pattern="room:7"))["result"]["channels"]


async def test_disconnect_spares_the_whitelist(served: Running) -> None:
    async with alice(served) as kept, alice(served) as gone, cent(served) as api:
        custom, spared = Disconnect(code=4501, reason="banned"), [await me(kept)]
        await api.disconnect(DisconnectRequest(user="alice", whitelist=spared, disconnect=custom))
        assert await gone.closed() == (4501, "banned")
        assert await kept.ask({"id": 9, "ping": {}}) == {"id": 9, "ping": {}}


async def me(client: Client) -> str:
    """The session's own id, as a refresh tells it."""
    return str((await client.ask({"id": 8, "refresh": {"token": token()}}))["refresh"]["client"])


@pytest.mark.parametrize("what", [{"user": "alice"}, {"token_id": "t1"}])
async def test_what_is_revoked_is_closed_and_opens_nothing_more(
    served: Running, what: dict[str, str]
) -> None:
    old = token(jti="t1", iat=time.time() - 60)
    async with served.client() as client:
        assert "connect" in await client.ask({"id": 1, "connect": {"token": old}})
        assert await served.api("revoke", **what) == {"result": {}}
        assert (await client.closed())[0] == 3014
    async with served.client() as again:
        answer = await again.ask({"id": 1, "connect": {"token": old}})
        assert answer["error"]["code"] == 109
        newer = token(jti="t2", iat=time.time() + 1)
        assert "connect" in await again.ask({"id": 2, "connect": {"token": newer}})


async def test_nobody_to_revoke_is_a_bad_request(served: Running) -> None:
    assert (await served.api("revoke"))["error"]["code"] == 107


async def test_disconnect_by_default(served: Running) -> None:
    async with alice(served) as client, cent(served) as api:
        await api.disconnect(DisconnectRequest(user="alice"))
        assert await client.closed() == (3503, "force disconnect")


async def test_subscribe_and_unsubscribe_a_user(served: Running) -> None:
    async with alice(served) as client, cent(served) as api:
        await api.subscribe(SubscribeRequest(user="alice", channel="chat:9", data={"why": "vip"}))
        pushed = (await client.receive())["push"]
        assert pushed["channel"] == "chat:9"
        assert pushed["subscribe"]["data"] == {"why": "vip"}
        assert pushed["subscribe"]["offset"] == 0
        await client.receive()  # its own join
        await api.publish(PublishRequest(channel="chat:9", data=1))
        assert (await client.receive())["push"]["pub"]["data"] == 1
        await api.unsubscribe(UnsubscribeRequest(user="alice", channel="chat:9"))
        gone = {"code": 2000, "reason": "server unsubscribe"}
        assert await client.receive() == {"push": {"channel": "chat:9", "unsubscribe": gone}}


async def test_refresh(served: Running) -> None:
    async with alice(served) as client, cent(served) as api:
        await api.refresh(RefreshRequest(user="alice"))
        assert await client.receive() == {"push": {"refresh": {"expires": False}}}
        await api.refresh(RefreshRequest(user="alice", expire_at=2**33))
        assert (await client.receive())["push"]["refresh"]["expires"] is True
        await api.refresh(RefreshRequest(user="alice", expired=True))
        assert await client.closed() == (3005, "connection expired")


async def test_an_end_in_the_past_is_an_end(served: Running) -> None:
    async with alice(served) as client:
        await served.api("subscribe", user="alice", channel="news", expire_at=1)
        assert await client.ask({"id": 9, "ping": {}}) == {"id": 9, "ping": {}}
        await served.api("refresh", user="alice", expire_at=1)
        assert await client.closed() == (3005, "connection expired")


async def test_batch_by_cent(served: Running) -> None:
    async with alice(served, "news") as client, cent(served) as api:
        requests: list[Any] = [
            PublishRequest(channel="news", data=1),
            PresenceStatsRequest(channel="chat:1"),
        ]
        for parallel in (False, True):
            answer = await api.batch(BatchRequest(requests=requests, parallel=parallel))
            assert len(answer.replies) == 2
            assert (await client.receive())["push"]["pub"]["data"] == 1


async def test_batch_answers_each_command(served: Running) -> None:
    commands = [{"publish": {"channel": "n", "data": 1}}, {"publish": {"channel": "n"}}, {"no": {}}]
    assert await served.api("batch", commands=commands) == {
        "replies": [
            {"publish": {}},
            {"error": {"code": 107, "message": "bad request"}},
            {"error": {"code": 104, "message": "method not found"}},
        ]
    }


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("publish", {}, 107),
        ("publish", {"channel": "a"}, 107),
        ("publish", {"data": 1}, 107),
        ("publish", {"channel": "a*", "data": 1}, 102),
        ("publish", {"channel": "a", "b64data": "!!"}, 107),
        ("publish", {"channel": "a", "b64data": "bm90IEpTT04="}, 107),
        ("publish", {"channel": "a", "data": 1, "idempotency_key": "k" * 257}, 107),
        ("publish", {"channel": "a", "data": 1, "delta": True}, 108),
        ("broadcast", {"channels": [], "data": 1}, 107),
        ("broadcast", {"channels": ["a"] * 10_001, "data": 1}, 106),
        ("presence", {"channel": "news"}, 108),
        ("presence_stats", {"channel": "news"}, 108),
        ("history", {"channel": "news"}, 108),
        ("history", {"channel": "chat:1", "since": {"offset": "1"}}, 107),
        ("history_remove", {"channel": "news"}, 108),
        ("disconnect", {}, 107),
        ("disconnect", {"user": "a", "disconnect": {"code": 1000, "reason": ""}}, 107),
        ("disconnect", {"user": "a", "disconnect": {"code": 4000, "reason": "é" * 62}}, 107),
        ("disconnect", {"user": "a", "session": "s"}, 108),
        ("subscribe", {"channel": "a"}, 107),
        ("subscribe", {"user": "a", "channel": "b", "override": {"presence": {}}}, 108),
        ("unsubscribe", {"user": "a"}, 107),
        ("refresh", {}, 107),
    ],
)
async def test_error_inside_200(served: Running, method: str, body: Any, code: int) -> None:
    assert (await served.api(method, **body))["error"]["code"] == code


async def test_half_of_a_surrogate_pair_is_no_key(served: Running) -> None:
    half = "\\ud800"
    one = '{"publish":{"channel":"a","data":1,"idempotency_key":"%s"}}'
    body = f'{{"commands":[{one % "key"},{one % half}]}}'
    answer = await served.http(raw(body, target="/api/batch"), served.server.api_port)
    first, second = json.loads(answer.rpartition("\r\n")[2])["replies"]
    assert (first, second["error"]["code"]) == ({"publish": {}}, 107)


async def test_data_for_a_subscription_may_be_deep(served: Running) -> None:
    data = "[" * 500 + "]" * 500
    body = f'{{"user":"alice","channel":"news","data":{data}}}'
    async with alice(served) as client:
        answer = await served.http(raw(body, target="/api/subscribe"), served.server.api_port)
        assert answer.endswith('{"result":{}}')
        assert "data" in (await client.receive())["push"]["subscribe"]


async def test_data_that_is_falsy_is_data(served: Running) -> None:
    values: list[Any] = [None, 0, "", [], False]
    for data in values:
        assert await served.api("publish", channel="a", data=data) == {"result": {}}
    assert await served.api("publish", channel="a", b64data="bnVsbA==") == {"result": {}}


def raw(body: str, key: bytes = API_KEY, target: str = "/api/publish", verb: str = "POST") -> str:
    return (
        f"{verb} {target} HTTP/1.1\nHost: x\nConnection: close\nX-API-Key: {key.decode()}\n"
        f"Content-Length: {len(body.encode())}\n\n{body}"
    )


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (raw("{}", key=b"wrong"), 401),
        (raw("{}", key="é".encode()), 401),
        (raw("{}").replace("X-API-Key", "X-Other"), 401),
        (raw("{}", key=b"wrong", target="/api/nothing"), 401),
        (raw("{}", target="/api/nothing"), 404),
        (raw("{}", target="/"), 404),
        (raw("{}", verb="GET"), 405),
        (raw(""), 400),
        (raw("{"), 400),
        (raw("[]"), 400),
        (raw("[" * 100_000), 400),
        (raw('{"channel": "a", "data": NaN}'), 400),
        (raw('{"channel": 1, "data": 1}'), 400),
        (raw('{"channel": "a", "data": 1, "tags": {"a": 1}}'), 400),
        (raw('{"channels": "a", "data": 1}', target="/api/broadcast"), 400),
        (raw('{"commands": [{}]}', target="/api/batch"), 400),
        (raw('{"commands": [{"publish": 1}]}', target="/api/batch"), 400),
        (raw('{"commands": [{"publish": {"channel": 1}}]}', target="/api/batch"), 400),
        (raw("{}", target="/api/batch"), 400),
        (raw('"' + "x" * 2**20 + '"'), 413),
    ],
)
async def test_status_of_what_is_no_request(served: Running, request_: str, status: int) -> None:
    answer = await served.http(request_, served.server.api_port)
    assert answer.startswith(f"HTTP/1.1 {status} "), answer[:200]
    assert API_KEY.decode() not in answer + served.logged


async def test_malformed_batch_does_nothing(served: Running) -> None:
    async with alice(served, "news") as client:
        good, bad = '{"publish": {"channel": "news", "data": 1}}', '{"publish": {"channel": 1}}'
        body = f'{{"commands": [{good}, {bad}]}}'
        answer = await served.http(raw(body, target="/api/batch"), served.server.api_port)
        assert answer.startswith("HTTP/1.1 400")
        assert await client.ask({"id": 9, "ping": {}}) == {"id": 9, "ping": {}}


async def test_cent_hears_of_a_wrong_key(served: Running) -> None:
    async with cent(served, b"wrong") as api:
        with pytest.raises(CentUnauthorizedError):
            await api.info(InfoRequest())


async def test_the_key_in_the_query_is_no_key(served: Running) -> None:
    target = f"/api/info?api_key={API_KEY.decode()}"
    answer = await served.http(raw("{}", b"", target), served.server.api_port)
    assert answer.startswith("HTTP/1.1 401")


async def test_no_key_no_port(live: Running) -> None:
    with pytest.raises(RuntimeError, match="no API key"):
        _ = live.server.api_port


async def test_broker_that_is_down_is_error_100() -> None:
    class Down(MemoryBroker):
        def publish(self, *_args: Any, **_options: Any) -> asyncio.Future[Position]:
            down: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
            down.set_exception(BrokerDownError())
            return down

    async with running(Down(), api_key=API_KEY) as live:
        error = {"code": 100, "message": "internal server error"}
        assert await live.api("publish", channel="a", data=1) == {"error": error}
        answer = await live.api("broadcast", channels=["a"], data=1)
        assert answer == {"result": {"responses": [{"error": error}]}}


async def test_a_bug_ends_one_request_only(served: Running, monkeypatch: Any) -> None:
    async def broken(_pattern: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(served.server.parts.survey, "channels", broken)
    answer = await served.http(raw("{}", target="/api/channels"), served.server.api_port)
    assert answer.startswith("HTTP/1.1 500")
    assert '"error": "ZeroDivisionError"' in served.logged
    assert "result" in await served.api("info")


async def test_request_under_way_is_answered_at_the_stop() -> None:
    began = asyncio.Event()

    class Slow(MemoryBroker):
        def publish(self, *args: Any, **options: Any) -> asyncio.Future[Position]:
            return asyncio.ensure_future(self._late(*args, **options))

        async def _late(self, *args: Any, **options: Any) -> Position:
            began.set()
            await asyncio.sleep(0.3)
            return await super().publish(*args, **options)

    async with running(Slow(), api_key=API_KEY) as live:
        asked = asyncio.create_task(live.api("publish", channel="a", data=1))
        await began.wait()
    assert await asked == {"result": {}}
