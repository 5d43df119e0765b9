"""A frame may be posted to any replica, and to any worker: the one that has the stream gets it."""

import asyncio
import json

import httpx
import pytest

from tests.ws.harness import running, token, until
from tests.ws.redis_server import RealRedis
from tests.ws.test_fallback import streamed
from tests.ws.test_workers import master

pytestmark = pytest.mark.integration


async def test_another_replica_passes_it_on(redis: RealRedis) -> None:
    async with running(redis=redis.address) as one, running(redis=redis.address) as other:
        await until(lambda: one.server.parts.broker.is_ready and other.server.parts.broker.is_ready)
        elsewhere = f"http://127.0.0.1:{other.server.port}"
        await until(lambda: other.server._door.http)
        async with streamed(one) as client:
            await client.greeted()
            for number in range(2, 12):
                answer = await client.post({"id": number, "ping": {}}, base=elsewhere)
                assert answer.status_code == 204
                assert await client.receive() == {"id": number, "ping": {}}
            wrong = await client.post({"id": 12, "ping": {}}, base=elsewhere, session="0" * 32)
            assert wrong.status_code == 404
            await one.server.stop()
            assert (await client.post({"id": 13, "ping": {}}, base=elsewhere)).status_code == 404


async def test_without_redis_it_is_told_to_try_again(redis: RealRedis) -> None:
    async with running(redis=redis.address) as one, running(redis=redis.address) as other:
        await until(lambda: one.server.parts.broker.is_ready and other.server.parts.broker.is_ready)
        elsewhere = f"http://127.0.0.1:{other.server.port}"
        await until(lambda: other.server._door.http)
        async with streamed(one) as client:
            await client.greeted()
            other.server.parts.broker.is_ready = False
            answer = await client.post({"id": 2, "ping": {}}, base=elsewhere)
            assert answer.status_code == 503


async def test_any_worker_may_get_it(redis: RealRedis) -> None:
    async with master(3, REDIS_URL=redis.url) as one:
        async with asyncio.timeout(10):
            while (await one.get("/readyz"))[0] != 200:  # noqa: ASYNC110 - as in until
                await asyncio.sleep(0.02)
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
