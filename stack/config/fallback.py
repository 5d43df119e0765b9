"""Which paths carry the clients of a WebSocket route whose upgrade is blocked. Pure.

The names are those that SDKs of the Centrifugo client protocol know
(https://centrifugal.dev/docs/transports/http_stream, …/sse).
"""

from collections.abc import Mapping

from stack.config.model import Route, Stack

PATHS = ("/connection/http_stream", "/connection/sse", "/emulation")
KIND = "realtime"  # the preset whose service serves them


def brought(stack: Stack) -> Mapping[str, Route]:
    """Return the routes that a WebSocket route brings along, by path; the user's own come first.

    They are taken from the route of ``/`` alone. Where another route already leads one of the paths
    to another service, there is no fallback: half of it would be of no use.
    """
    path = next(iter(_bringing(stack)), None)
    if path is None or taken(stack, path):
        return {}
    route = stack.routes[path]
    return {
        name: route.model_copy(update={"websocket": False, "strip_prefix": False})
        for name in PATHS
        if _owner(stack, name) in {None, "/"}
    }


def bringing(stack: Stack, path: str) -> bool:
    """Whether the route of ``path`` is to have a fallback."""
    route = stack.routes[path]
    if route.fallback is not None:
        return route.fallback
    service = stack.services.get(route.to)
    return bool(route.websocket and service and service.preset == KIND)


def taken(stack: Stack, path: str) -> list[str]:
    """Return the paths of the fallback that the user's routes lead to another service."""
    owners = {name: _owner(stack, name) for name in PATHS}
    to = stack.routes[path].to
    return [
        name
        for name, owner in owners.items()
        if owner not in {None, "/"} and stack.routes[str(owner)].to != to
    ]


def _bringing(stack: Stack) -> list[str]:
    return [path for path in sorted(stack.routes) if bringing(stack, path)]


def _owner(stack: Stack, name: str) -> str | None:
    """Return the route that answers a path: the longest one that it begins with."""
    found = (path for path in stack.routes if f"{name}/".startswith(f"{path.rstrip('/')}/"))
    return max(found, key=len, default=None)
