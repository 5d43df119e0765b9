"""The server that most tests share in kind, never in fact; and a Redis that a module shares."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.ws.harness import API_KEY, Running, running
from tests.ws.redis_server import RDB, RealRedis, real_redis


@pytest.fixture
async def live() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


@pytest.fixture
async def served() -> AsyncIterator[Running]:
    """A server with its HTTP API."""
    async with running(api_key=API_KEY) as server:
        yield server


@pytest.fixture(scope="module")
def shared() -> Iterator[RealRedis]:
    with real_redis(*RDB) as server:
        yield server


@pytest.fixture
def redis(shared: RealRedis) -> RealRedis:
    """A Redis that is empty, and whose process no test ends."""
    shared.ask("FLUSHALL")
    return shared
