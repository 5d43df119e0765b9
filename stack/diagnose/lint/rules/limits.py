"""Rules about how many WebSockets may be open: each holds two connections for hours."""

from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import replace
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import value
from stack.diagnose.nginx.site import Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Cause

CORE = "https://nginx.org/en/docs/ngx_core_module.html"
ZONE = "limit_conn_zone $binary_remote_addr zone=addr:1m;"
FEW = 256
"""Half of Nginx's default of 512, so a deliberate reduction."""
TABS = 10

CONNECTIONS = Cause(
    code="WS028",
    name="worker-connections-low",
    severity="warning",
    title="few connections per worker",
    why=(
        "A proxied WebSocket uses two of worker_connections while it is open; when they are used "
        "up, Nginx drops new connections without an answer."
    ),
    fix="raise worker_connections, and worker_rlimit_nofile accordingly",
    link=f"{CORE}#worker_connections",
    bad=http(server(location()), connections=64),
    good=http(server(location()), connections=4096),
)

FILES = Cause(
    code="WS029",
    name="open-files-low",
    severity="warning",
    title="fewer open files than connections",
    why="Each connection is an open file: worker_connections above the limit cannot be reached.",
    fix="raise worker_rlimit_nofile to at least twice worker_connections",
    link=f"{CORE}#worker_rlimit_nofile",
    bad=http(server(location()), main="worker_rlimit_nofile 512;"),
    good=http(server(location()), main="worker_rlimit_nofile 4096;"),
)

LIMIT = Cause(
    code="WS030",
    name="limit-conn-low",
    severity="warning",
    title="limit_conn counts open WebSockets",
    why=(
        "A WebSocket counts while it is open: one tab over the limit gets 503, and so do other "
        "clients with the same address behind one router."
    ),
    fix="raise the limit in the WebSocket's location",
    link="https://nginx.org/en/docs/http/ngx_http_limit_conn_module.html#limit_conn",
    bad=http(ZONE, server(location("limit_conn addr 1;"))),
    good=http(ZONE, server(location("limit_conn addr 100;"))),
)


def _number(directive: Directive | None) -> int | None:
    text = value(directive)
    return int(text) if text.isdecimal() and len(text) < 12 else None


def _connections(site: Site) -> Directive | None:
    found = [d for d in site.directives if d.name == "worker_connections"]
    return found[-1] if found else None


def check_connections(site: Site) -> Iterator[Hit]:
    """Find fewer connections than half the default."""
    written = _connections(site)
    number = _number(written)
    if site.sockets and written and number is not None and number < FEW:
        edits = replace(site.config, written, "worker_connections 4096;")
        yield Hit(written.place, f"at most {number // 2} WebSockets per worker", edits)


def check_files(site: Site) -> Iterator[Hit]:
    """Find a limit of open files below the connections."""
    wanted = _number(_connections(site)) or 512
    for written in site.root.own("worker_rlimit_nofile"):
        number = _number(written)
        if site.sockets and number is not None and number < wanted:
            edits = replace(site.config, written, f"worker_rlimit_nofile {wanted * 2};")
            yield Hit(written.place, f"{wanted} connections need more open files", edits)


def check_limit(site: Site) -> Iterator[Hit]:
    """Find limits of a few connections per key on WebSocket routes."""
    for route in site.sockets:
        for written in route.scope.effective("limit_conn"):
            number = _number(written)
            if number is not None and number <= TABS:
                message = f"at most {number} WebSockets per key can be open"
                yield Hit(written.place, message, severity=None if number <= 1 else "info")


RULES = (
    Rule(CONNECTIONS, check_connections),
    Rule(FILES, check_files),
    Rule(LIMIT, check_limit),
)
