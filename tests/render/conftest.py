"""Fixtures of the rendered configurations: a DNS server, and Nginx in front of a small stack."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stack.layout.render import render_nginx_dev
from stack.layout.routing import OLDEST, RESOLVES_GROUPS, Version
from tests.render import upstreams
from tests.render.dev import Start, stack_of
from tests.render.front import PATIENCE, Front, running
from tests.render.upstreams import Names


@pytest_asyncio.fixture
async def names() -> AsyncIterator[Names]:
    """Play Docker's DNS, so that names are really looked up."""
    async with upstreams.dns() as server:
        server.addresses |= dict.fromkeys(["api", "users", "ws"], "127.0.0.1")
        yield server


@pytest.fixture(params=[OLDEST, RESOLVES_GROUPS], ids=["variable", "group"])
def nginx(request: pytest.FixtureRequest) -> Version:
    """The Nginx that a file is for: either way it has to behave the same."""
    version: Version = request.param
    return version


@pytest_asyncio.fixture
async def start(tmp_path: Path, names: Names, nginx: Version) -> AsyncIterator[Start]:
    """Start Nginx under ``nginx-dev.conf`` of the services and routes given."""
    with ExitStack() as exits:

        def started(services: dict[str, Any], routes: dict[str, Any]) -> Front:
            text = render_nginx_dev(stack_of(services, routes), nginx)
            front = exits.enter_context(running(text, tmp_path, names.port))
            _await_looked_up(names, text)
            return front

        yield started


def _await_looked_up(names: Names, text: str) -> None:
    """Until the first answer, a group has no server; `stack up` waits for its routes as well."""
    wanted = set(re.findall(r'"(\w+):\d+" resolve', text))
    deadline = time.monotonic() + PATIENCE
    while not wanted <= names.asked:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.05 if wanted else 0)
