"""Fixtures of the rendered configurations: a DNS server, and Nginx in front of a small stack."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest_asyncio

from stack.render import render_nginx_dev
from tests.render import upstreams
from tests.render.dev import Start, stack_of
from tests.render.front import running
from tests.render.upstreams import Names


@pytest_asyncio.fixture
async def names() -> AsyncIterator[Names]:
    """Play Docker's DNS, so that names are really looked up."""
    async with upstreams.dns() as server:
        server.addresses |= dict.fromkeys(["api", "users", "ws"], "127.0.0.1")
        yield server


@pytest_asyncio.fixture
async def start(tmp_path: Path, names: Names) -> AsyncIterator[Start]:
    """Start Nginx under ``nginx-dev.conf`` of the services and routes given."""
    with ExitStack() as exits:
        yield lambda services, routes: exits.enter_context(
            running(render_nginx_dev(stack_of(services, routes)), tmp_path, names.port)
        )
