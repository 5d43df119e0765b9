"""Two replicas on one real Redis: what the HTTP API of one does is done by both."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from ws_server.settings.redis_address import RedisAddress

from stack.layout import images
from tests.integration.containers import made, own_containers, published
from tests.ws.harness import API_KEY, Client, Running, running
from tests.ws.test_metrics import scrape


@pytest.fixture(scope="module")
def redis(docker_client: docker.DockerClient, source: images.Source) -> Iterator[Container]:
    recipe = images.recipe_for("redis", source)
    made(docker_client, recipe)
    with own_containers(docker_client) as place:
        yield place.run(recipe.reference, "--requirepass", "secret", port=6379, user="999:999")


@pytest.fixture
async def replicas(redis: Container) -> AsyncIterator[tuple[Running, Running]]:
    address = RedisAddress("127.0.0.1", published(redis, 6379), 0, None, "secret")
    async with AsyncExitStack() as stack:
        started = [
            await stack.enter_async_context(running(redis=address, api_key=API_KEY))
            for _ in range(2)
        ]
        for live in started:
            await ready(live)
        yield started[0], started[1]


async def ready(live: Running) -> None:
    async def attempt() -> bool:
        return live.server.parts.broker.is_ready

    await eventually(attempt)


async def eventually(attempt: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds, for at most ten seconds and what the attempts take."""
    for _ in range(200):
        if await attempt():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(attempt)


@pytest.fixture
async def clients(
    replicas: tuple[Running, Running],
) -> AsyncIterator[tuple[Client, Client]]:
    """Alice, once on each replica."""
    async with replicas[0].client() as first, replicas[1].client() as second:
        for client in (first, second):
            await client.sign_in()
        yield first, second


Pair = tuple[Running, Running]
Both = tuple[Client, Client]


async def test_publications_reach_both(replicas: Pair, clients: Both) -> None:
    channel = f"room:{uuid.uuid4().hex}"
    for client in clients:
        await client.subscribe(channel)
    for data in (1, 1, 2):  # the same key twice, as after an answer that was lost
        key = f"{channel}-{data}"
        await replicas[data % 2].api("publish", channel=channel, data=data, idempotency_key=key)
    for client in clients:
        assert [(await client.receive())["push"]["pub"]["data"] for _ in range(2)] == [1, 2]


async def test_subscribe_unsubscribe_refresh_disconnect(replicas: Pair, clients: Both) -> None:
    channel = f"chat:{uuid.uuid4().hex}"
    api = replicas[0].api
    await api("subscribe", user="alice", channel=channel, data={"n": 1})
    for client in clients:
        subscribed = (await of_kind(client, "subscribe"))["subscribe"]
        assert (subscribed["data"], subscribed["offset"]) == ({"n": 1}, 0)
    await api("publish", channel=channel, data="x")
    for client in clients:
        assert (await of_kind(client, "pub"))["pub"] == {"data": "x", "offset": 1}
    await api("unsubscribe", user="alice", channel=channel)
    for client in clients:
        assert (await of_kind(client, "unsubscribe"))["unsubscribe"]["code"] == 2000
    await api("refresh", user="alice", expire_at=2**33)
    for client in clients:
        assert (await of_kind(client, "refresh"))["refresh"]["expires"] is True
    await api("disconnect", user="alice")
    for client in clients:
        assert (await client.closed())[0] == 3503


async def of_kind(client: Client, kind: str) -> Any:
    """The next push of a kind; joins and leaves come in between, when Redis has them."""
    while kind not in (push := (await client.receive())["push"]):
        pass
    return push


async def test_presence_history_and_its_removal(replicas: Pair, clients: Both) -> None:
    channel = f"chat:{uuid.uuid4().hex}"
    for client in clients:
        await client.subscribe(channel)

    async def both_are_present() -> bool:
        stats = await replicas[0].api("presence_stats", channel=channel)
        return bool(stats["result"] == {"num_clients": 2, "num_users": 1})

    await eventually(both_are_present)
    for n in range(3):
        await replicas[n % 2].api("publish", channel=channel, data=n)
    found = (await replicas[1].api("history", channel=channel, limit=-1))["result"]
    assert [pub["data"] for pub in found["publications"]] == [0, 1, 2]
    await replicas[0].api("history_remove", channel=channel)
    found = (await replicas[1].api("history", channel=channel, limit=-1))["result"]
    assert (found.get("publications", []), found["offset"]) == ([], 3)


async def test_channels_and_info_are_of_all_replicas(replicas: Pair, clients: Both) -> None:
    channel = f"room:{uuid.uuid4().hex}"
    await clients[0].subscribe(channel)
    await clients[1].subscribe(channel)
    for live in replicas:
        found = (await live.api("channels", pattern="room:*"))["result"]["channels"]
        assert found == {channel: {"num_clients": 2}}
        nodes = (await live.api("info"))["result"]["nodes"]
        mine = [
            node
            for node in nodes
            if node["uid"] in {r.server.parts.broker.replica for r in replicas}
        ]
        assert [node["num_clients"] for node in mine] == [1, 1]


async def test_the_lag_of_redis_is_seen(replicas: Pair, redis: Container) -> None:
    async def is_short() -> bool:
        return 0 < (await scrape(replicas[0]))["ws_broker_lag_seconds"] < 0.5

    async def is_long() -> bool:
        return (await scrape(replicas[0]))["ws_broker_lag_seconds"] > 0.5

    await eventually(is_short)
    redis.pause()
    try:
        await eventually(is_long)
    finally:
        redis.unpause()
    await eventually(is_short)


async def test_a_replica_that_does_not_answer_is_left_out(replicas: Pair, clients: Both) -> None:
    replicas[1].server.parts.node.handlers.clear()  # type: ignore[attr-defined]  # a dict
    nodes = (await replicas[0].api("info"))["result"]["nodes"]
    assert replicas[0].server.parts.broker.replica in {node["uid"] for node in nodes}
    assert replicas[1].server.parts.broker.replica not in {node["uid"] for node in nodes}
    assert '"event": "survey_incomplete"' in replicas[0].logged
