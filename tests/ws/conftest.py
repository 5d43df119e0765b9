"""The one server fixture that most tests share in kind, never in fact."""

from collections.abc import AsyncIterator

import pytest

from tests.ws.harness import API_KEY, Running, running


@pytest.fixture
async def live() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


@pytest.fixture
async def served() -> AsyncIterator[Running]:
    """A server with its HTTP API."""
    async with running(api_key=API_KEY) as server:
        yield server
