"""A server whose hooks are asked of a real HTTP server: the team's own application. No tests."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from ws_server.core.namespaces import Namespace, Namespaces
from ws_server.settings.config import HookSettings

from tests.ws.harness import API_KEY, Client, Running, running

NAMESPACES = Namespaces(
    {
        "ask": Namespace(proxy_subscribe=True, history_size=5, history_ttl=60),
        "again": Namespace(proxy_subscribe=True, proxy_sub_refresh=True),
        "offer": Namespace(proxy_publish=True),
        "small": Namespace(proxy_publish=True, max_publication_bytes=200),
        "no": Namespace(),
    }
)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Application:
    """The team's own backend: keeps what it was asked, and answers ``answer``."""

    answer: Any = field(default_factory=lambda: {"result": {}})
    asked: list[Any] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.headers.append(request.headers)
        if callable(self.answer):
            response: web.StreamResponse = await self.answer(request)
            return response
        return web.json_response(self.answer)


@asynccontextmanager
async def hooked(**more: Any) -> AsyncIterator[tuple[Running, Application]]:
    """A server whose hooks are asked of an application."""
    application, server = Application(), web.Application()
    server.router.add_post("/hook", application.hear)
    runner = web.AppRunner(server)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listening).start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
    names = ("rpc", "subscribe", "connect", "refresh", "publish", "sub_refresh")
    defaults: dict[str, Any] = {f"{name}_url": url for name in names} | {"timeout": 3.0}
    hooks = HookSettings(**defaults | more)
    try:
        async with running(hooks=hooks, namespaces=NAMESPACES, api_key=API_KEY) as live:
            yield live, application
    finally:
        await runner.cleanup()


async def signed_in(client: Client) -> str:
    return str((await client.sign_in(channels=[]))["connect"]["client"])


ERROR = {"code": 1000, "message": "not today"}
