"""The one server fixture that most tests share in kind, never in fact."""

from collections.abc import AsyncIterator

import pytest

from tests.ws.harness import Running, running


@pytest.fixture
async def live() -> AsyncIterator[Running]:
    async with running() as server:
        yield server
