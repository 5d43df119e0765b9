"""What ``stream`` blocks pass on that may be HTTP according to the file. Pure; no rules."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stack.diagnose.nginx.scope import Scope, value
from stack.diagnose.nginx.site import SCHEME, Site
from stack.diagnose.nginx.tree import Directive

PORTS = {"80", "443", "8080", "8443"}
LOCAL = re.compile(r"(?:(?:127\.0\.0\.1|localhost|0\.0\.0\.0|\*):)?(?P<port>\d+)")


@dataclass(frozen=True, eq=False)
class Stream:
    """A ``server`` of a ``stream`` block.

    ``addresses`` are those that it leads to: of its upstream, or its own. ``is_http``: its port or
    ``ssl_preread`` says so, or a WebSocket route of this file leads to the same address, which is
    ``is_shared``.
    """

    scope: Scope
    proxy_pass: Directive
    upstream: Directive | None
    addresses: tuple[str, ...]
    is_http: bool
    is_shared: bool


def streams(site: Site) -> Iterator[Stream]:
    """Return every server that passes something on."""
    blocks = [d for d in site.root.block if d.name == "stream" and d.block is not None]
    sockets = set(_of_sockets(site)) if blocks else set()
    for block in blocks:
        around = Scope(block, block.block or (), site.root)
        upstreams = {d.args[0]: d for d in around.block if d.name == "upstream" and d.args}
        for scope in around.children:
            for proxy_pass in scope.own("proxy_pass"):
                upstream = upstreams.get(value(proxy_pass))
                addresses = _addresses(upstream, value(proxy_pass))
                shared = bool(sockets.intersection(addresses))
                ports = {arg.rpartition(":")[2] for d in scope.own("listen") for arg in d.args[:1]}
                read = value(scope.one("ssl_preread")) == "on"
                is_http = shared or read or bool(ports & PORTS)
                yield Stream(scope, proxy_pass, upstream, addresses, is_http, shared)


def local(address: str) -> str:
    """Name an address of this machine: its IPv4 port or its socket; empty for any other."""
    found = LOCAL.fullmatch(address)
    return found["port"] if found else address if address.startswith("unix:") else ""


def _addresses(upstream: Directive | None, target: str) -> tuple[str, ...]:
    if upstream is None:
        return (target,)
    return tuple(d.args[0] for d in upstream.block or () if d.name == "server" and d.args)


def _of_sockets(site: Site) -> Iterator[str]:
    """Return the addresses that WebSocket routes lead to, and those that they listen on."""
    for route in site.sockets:
        found = SCHEME.match(route.target)
        if found:
            written = found["host"] + (found["port"] or "")
            yield from _addresses(site.upstreams.get(route.host), written)
        for listen in route.scope.server.own("listen") if route.scope.server else ():
            port = local(listen.args[0]) if listen.args else ""
            yield from (f"127.0.0.1:{port}", f"localhost:{port}", port) if port else ()
