"""A frame may be posted to any replica, and to any worker: the one that has the stream gets it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from ws_server.settings.redis_address import RedisAddress

from tests.ws.harness import Running, running, token, until
from tests.ws.redis_server import RealRedis, real_redis, user_options
from tests.ws.test_fallback import Streamed, streamed
from tests.ws.test_workers import master

pytestmark = pytest.mark.integration


@asynccontextmanager
async def two(*addresses: RedisAddress) -> AsyncIterator[tuple[Running, str]]:
    """Two replicas that are ready: the first, and where the second is."""
    async with running(redis=addresses[0]) as one, running(redis=addresses[-1]) as other:
        servers = (one.server, other.server)
        await until(lambda: all(each.parts.broker.is_ready for each in servers))
        await until(lambda: other.server._multiplexer.http)
        yield one, f"http://127.0.0.1:{other.server.port}"


async def test_another_replica_passes_it_on(redis: RealRedis) -> None:
    async with two(redis.address) as (one, elsewhere), streamed(one) as client:
        await client.greeted()
        for number in range(2, 12):
            answer = await client.post({"id": number, "ping": {}}, base=elsewhere)
            assert answer.status_code == 204
            assert await client.receive() == {"id": number, "ping": {}}
        wrong = await client.post({"id": 12, "ping": {}}, base=elsewhere, session="0" * 32)
        assert wrong.status_code == 404
        await one.server.stop()
        assert (await client.post({"id": 13, "ping": {}}, base=elsewhere)).status_code == 404


async def test_a_replica_without_redis_says_that_it_may_come_again() -> None:
    with real_redis("--save", "", *user_options("first", "second")) as redis:
        addresses = [
            replace(redis.address, username=user, password=user) for user in ("first", "second")
        ]
        async with two(*addresses) as (one, elsewhere), streamed(one) as client:
            await client.greeted()
            redis.shut_out("second")
            await eventually_answered(client, elsewhere, 503)
            redis.let_in("second")
            await eventually_answered(client, elsewhere, 204)


async def eventually_answered(client: Streamed, elsewhere: str, status: int) -> None:
    for _ in range(200):
        if (await client.post({}, base=elsewhere)).status_code == status:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never {status}")


async def test_any_worker_may_get_it(redis: RealRedis) -> None:
    async with master(3, REDIS_URL=redis.url) as one:
        await one.answers("/readyz")
        base = f"http://127.0.0.1:{one.port}"
        connect = json.dumps({"id": 1, "connect": {"token": token()}})
        async with (
            httpx.AsyncClient(timeout=5) as http,
            http.stream("POST", f"{base}/connection/http_stream", content=connect) as stream,
        ):
            lines = (line async for line in stream.aiter_lines() if line)
            reply = json.loads(await anext(lines))["connect"]
            place = {name: reply[name] for name in ("session", "node")}
            statuses = []
            for number in range(2, 20):
                frame = json.dumps({"id": number, "ping": {}})
                async with httpx.AsyncClient() as other:  # a connection each, so that all get some
                    answer = await other.post(f"{base}/emulation", json=place | {"data": frame})
                statuses.append(answer.status_code)
                assert json.loads(await anext(lines)) == {"id": number, "ping": {}}
            assert statuses == [204] * 18
    assert not one.events("connection_failed")
