"""What the tests of nginx-dev.conf share: small stacks, and what an upstream saw of a request."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from stack.config.model import Stack
from tests.render.front import Front

Start = Callable[[dict[str, Any], dict[str, Any]], Front]


def stack_of(services: dict[str, Any], routes: dict[str, Any], **more: Any) -> Stack:
    """Give a stack of these services and routes."""
    return Stack.model_validate({"name": "shop", "services": services, "routes": routes} | more)


def container(port: int) -> dict[str, Any]:
    """Give a service that Nginx looks up by its name."""
    return {"image": "example", "port": port}


def seen(answer: httpx.Response) -> dict[str, str]:
    """Give the request that the upstream saw, header names in lower case."""
    content = json.loads(answer.text)
    pairs = (line.split(": ", 1) for line in content["headers"])
    return {"line": content["line"]} | {name.lower(): value for name, value in pairs}


WEBSOCKET = {"to": "ws", "websocket": True}
UPGRADE = {"Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 24}
