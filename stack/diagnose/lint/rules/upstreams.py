"""Rules about where an upstream is: names resolved once, localhost, and sticky sessions."""

import re
from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import insert
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.lint.rules.target import ADDRESS
from stack.diagnose.lint.rules.tcp_routes import Stream, streams
from stack.diagnose.nginx.scope import value
from stack.diagnose.nginx.site import Route, Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Cause, Place

LINK = "https://nginx.org/en/docs/http/ngx_http_upstream_module.html"
STICKY = {"ip_hash", "hash", "sticky", "sticky_cookie_insert", "consistent_hash"}
POLLS = re.compile(r"socket\.io|engine\.io|sockjs|signalr", re.IGNORECASE)
TWO = "upstream chat {\n    server 127.0.0.1:3001;\n    server 127.0.0.1:3002;\n}"

ONCE = Cause(
    code="WS017",
    name="upstream-resolved-once",
    severity="info",
    title="the target's name is resolved only once, when Nginx starts",
    why=(
        "A container that is recreated often gets another address: Nginx keeps the old one and "
        "answers 502 until a reload, and does not start at all while the name is unknown."
    ),
    fix=(
        "in the upstream write `server name:port resolve;` with `zone` and `resolver` (Nginx "
        "1.27.3 or newer), or put the name into a variable beside a `resolver`"
    ),
    link=f"{LINK}#resolve",
    bad=location(target="http://chat.internal:3002"),
    good=http(
        "resolver 127.0.0.11;",
        "upstream chat {\n    zone chat 64k;\n    server chat.internal:3002 resolve;\n}",
        server(location(target="http://chat")),
    ),
)

LOCALHOST = Cause(
    code="WS018",
    name="localhost-target",
    severity="info",
    title="the target is localhost",
    why=(
        "localhost is ::1 and 127.0.0.1: if the server listens on only one of them, every other "
        "attempt fails. In a container it is the container itself, not the machine."
    ),
    fix="write 127.0.0.1, or the service's name in a container",
    link=LINK,
    bad=location(target="http://localhost:3002"),
    good=location(target="http://127.0.0.1:3002"),
)

STICKINESS = Cause(
    code="WS019",
    name="no-stickiness",
    severity="warning",
    title="a library that polls first has several servers without stickiness",
    why=(
        "Socket.IO, SockJS and SignalR begin with several plain requests that must reach the "
        "same server; another server answers 400, `Session ID unknown`."
    ),
    fix=(
        "add `ip_hash;` or `hash` to the upstream, or make clients use only the WebSocket transport"
    ),
    link=f"{LINK}#ip_hash",
    bad=http(TWO, server(location(path="/socket.io/", target="http://chat"))),
    good=http(
        TWO.replace("{\n", "{\n    ip_hash;\n", 1),
        server(location(path="/socket.io/", target="http://chat")),
    ),
)


def _places(site: Site, route: Route) -> Iterator[tuple[str, Place]]:
    """Return the hosts of a route with their places: those of its upstream, or its own."""
    upstream = site.upstreams.get(route.host)
    if upstream is None and route.proxy_pass and "$" not in route.target:
        yield route.host, route.proxy_pass.place
    yield from _servers(upstream)


def _servers(upstream: Directive | None) -> Iterator[tuple[str, Place]]:
    for entry in upstream.block or () if upstream else ():
        if entry.name == "server" and entry.args and "resolve" not in entry.args:
            yield re.sub(r"(?<=[^:]):\d+$", "", entry.args[0]), entry.place


def check_once(site: Site) -> Iterator[Hit]:
    """Find names that are neither an address nor an upstream."""
    found = [place for route in site.sockets for place in _places(site, route)]
    for stream in streams(site):
        if stream.is_http:
            found += _passed(stream)
    for host, place in found:
        if host and host.lower() != "localhost" and not ADDRESS.match(host):
            yield Hit(place, f"{host} is resolved once, when Nginx starts")


def _passed(stream: Stream) -> Iterator[tuple[str, Place]]:
    """Return the hosts of a stream; a word without a port can only be an upstream elsewhere."""
    yield from _servers(stream.upstream)
    host, colon, _ = value(stream.proxy_pass).rpartition(":")
    if stream.upstream is None and colon and "$" not in value(stream.proxy_pass):
        yield host, stream.proxy_pass.place


def check_localhost(site: Site) -> Iterator[Hit]:
    """Find localhost as a target."""
    for route in site.sockets:
        for host, place in _places(site, route):
            if host.lower() == "localhost":
                yield Hit(
                    place,
                    "localhost is ::1 or 127.0.0.1; in a container, it is the container itself",
                )


def check_stickiness(site: Site) -> Iterator[Hit]:
    """Find several servers behind a path of a library that polls first."""
    for route in site.sockets:
        upstream = site.upstreams.get(route.host)
        if upstream is None or not POLLS.search(route.scope.path):
            continue
        names = {entry.name for entry in upstream.block or ()}
        servers = [
            entry
            for entry in upstream.block or ()
            if entry.name == "server" and not {"backup", "down"} & set(entry.args)
        ]
        if len(servers) > 1 and not names & STICKY and "include" not in names:
            edits = insert(site.config, servers[0], "ip_hash;")
            message = f"{value(upstream)} has {len(servers)} servers and no stickiness"
            yield Hit(upstream.place, message, edits)


RULES = (
    Rule(ONCE, check_once),
    Rule(LOCALHOST, check_localhost),
    Rule(STICKINESS, check_stickiness),
)
