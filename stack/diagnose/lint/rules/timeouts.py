"""Rules about how long Nginx keeps a WebSocket open."""

import re
from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import insert, replace
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import value
from stack.diagnose.nginx.site import Site
from stack.finding import Cause

LINK = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"
UNITS = {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000}
UNITS |= {"y": 31536000}
SHORTEST = 60
"""Nginx's own default; libraries send a heartbeat every 20 to 54 seconds."""
HEARTBEAT = 20
WRONG_ONES = ("proxy_connect_timeout", "proxy_send_timeout", "keepalive_timeout", "send_timeout")

SHORT = Cause(
    code="WS025",
    name="read-timeout-short",
    severity="warning",
    title="proxy_read_timeout is shorter than a heartbeat",
    why=(
        "Nginx closes a WebSocket when the upstream server was silent for this long: the browser "
        "sees close code 1006 and reconnects again and again."
    ),
    fix="write `proxy_read_timeout 1h;` in the WebSocket's location",
    link=LINK,
    bad=location("proxy_read_timeout 10s;"),
    good=location("proxy_read_timeout 1h;"),
)

WRONG = Cause(
    code="WS026",
    name="wrong-timeout",
    severity="info",
    title="another timeout is long, but proxy_read_timeout is the default of 60 s",
    why=(
        "The other timeouts do not end an idle WebSocket; proxy_read_timeout does, as soon as "
        "the upstream server was silent for a minute."
    ),
    fix="set `proxy_read_timeout` too, or send a heartbeat at least every 50 s",
    link=LINK,
    bad=location("proxy_connect_timeout 7d;", "proxy_send_timeout 7d;"),
    good=location("proxy_read_timeout 7d;", "proxy_send_timeout 7d;"),
)

SHUTDOWN = Cause(
    code="WS027",
    name="worker-shutdown-timeout",
    severity="info",
    title="each reload cuts the open WebSockets after a short time",
    why=(
        "After a reload old workers serve their connections until they end; this limit closes "
        "them, and all clients reconnect at the same moment."
    ),
    fix="raise worker_shutdown_timeout, and make clients wait a random time before they reconnect",
    link="https://nginx.org/en/docs/ngx_core_module.html#worker_shutdown_timeout",
    bad=http(server(location()), main="worker_shutdown_timeout 5s;"),
    good=http(server(location()), main="worker_shutdown_timeout 1h;"),
)


def seconds(text: str) -> float | None:
    """Read a time as Nginx writes it (``1h 30m``, ``90``); None for anything else."""
    if not re.fullmatch(r"(?:\d+(?:ms|[smhdwMy])?\s*)+", text):
        return None
    parts = re.findall(r"(\d+)(ms|[smhdwMy])?", text)
    return float(sum(int(number) * UNITS[unit] for number, unit in parts))


def check_short(site: Site) -> Iterator[Hit]:
    """Find a read timeout below the default; where other requests pass it may be intended."""
    for route in site.sockets:
        written = route.scope.one("proxy_read_timeout")
        limit = seconds(value(written))
        if written is None or limit is None or limit >= SHORTEST or not route.proxy_pass:
            continue
        is_sure = route.is_dedicated or limit < HEARTBEAT
        is_own = written in route.scope.block
        line = "proxy_read_timeout 1h;"
        where = (replace if is_own else insert)(
            site.config, written if is_own else route.proxy_pass, line
        )
        message = f"an idle WebSocket is cut after {limit:g} s"
        yield Hit(written.place, message, where, None if is_sure else "info")


def check_wrong(site: Site) -> Iterator[Hit]:
    """Find long timeouts beside a proxy_read_timeout that is not set."""
    for route in site.sockets:
        if route.scope.one("proxy_read_timeout") or route.scope.has_unknown:
            continue
        for name in WRONG_ONES:
            written = next(iter(route.scope.own(name)), None)
            if written and (seconds(value(written)) or 0) > SHORTEST:
                edits = insert(site.config, written, f"proxy_read_timeout {value(written)};")
                message = f"{name} is long, but an idle WebSocket is cut after 60 s"
                yield Hit(written.place, message, edits)


def check_shutdown(site: Site) -> Iterator[Hit]:
    """Find a short worker_shutdown_timeout where there are WebSocket routes."""
    for written in site.root.own("worker_shutdown_timeout"):
        limit = seconds(value(written))
        if site.sockets and limit is not None and limit < SHORTEST:
            yield Hit(written.place, f"a reload cuts open WebSockets after {limit:g} s")


RULES = (Rule(SHORT, check_short), Rule(WRONG, check_wrong), Rule(SHUTDOWN, check_shutdown))
