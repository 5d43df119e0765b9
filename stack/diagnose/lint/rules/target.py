"""Rules about what ``proxy_pass`` makes of the address and of the path."""

import re
from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import replace
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.lint.rules.tcp_routes import streams
from stack.diagnose.nginx.scope import Scope, value
from stack.diagnose.nginx.site import Site
from stack.finding import Cause

LINK = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"
ADDRESS = re.compile(r"\[[0-9a-f:.]+\]|\d+(?:\.\d+){3}|unix", re.IGNORECASE)
NEEDS_PATH = re.compile(r"/(?:socket\.io|sockjs|signalr|engine\.io)/?$", re.IGNORECASE)

NO_RESOLVER = Cause(
    code="WS013",
    name="variable-without-resolver",
    severity="error",
    title="proxy_pass has a variable and there is no resolver",
    why=(
        "With a variable the name is resolved for each request, which needs a resolver: without "
        "one Nginx answers 502, `no resolver defined to resolve`."
    ),
    fix="add `resolver` with your name server (Docker: 127.0.0.11) to the server block",
    link=LINK,
    bad=http(server("set $chat chat.internal;", location(target="http://$chat:3002"))),
    good=http(
        server(
            "resolver 127.0.0.11;",
            "set $chat chat.internal;",
            location(target="http://$chat:3002"),
        )
    ),
)

WITH_URI = Cause(
    code="WS014",
    name="variable-with-uri",
    severity="warning",
    title="proxy_pass has a variable and a fixed path",
    why=(
        "With a variable Nginx replaces no prefix: every request is sent with the written path, "
        "and the query string (often the token) is dropped."
    ),
    fix="remove the path from proxy_pass, or use rewrite … break before it",
    link=LINK,
    bad=server(
        "resolver 127.0.0.11;",
        "set $chat chat.internal;",
        location(target="http://$chat:3002/chat/"),
    ),
    good=server(
        "resolver 127.0.0.11;", "set $chat chat.internal;", location(target="http://$chat:3002")
    ),
)

REWRITTEN = Cause(
    code="WS015",
    name="path-rewritten",
    severity="warning",
    title="the slashes of location and proxy_pass differ, which changes the path",
    why=(
        "A path in proxy_pass replaces exactly what the location matched: an extra slash is "
        "doubled, a missing one joins two path segments."
    ),
    fix="end both with a slash or neither; without a path the request's own is passed on",
    link=LINK,
    bad=location(path="/socket.io", target="http://127.0.0.1:3000/socket.io/"),
    good=location(path="/socket.io/", target="http://127.0.0.1:3000"),
)

SCHEME = Cause(
    code="WS016",
    name="websocket-scheme",
    severity="error",
    title="proxy_pass has the scheme of a WebSocket",
    why=(
        "Nginx refuses to start: `invalid URL prefix`. A handshake is an HTTP request, so the "
        "target is http (or https)."
    ),
    fix="write http:// for ws:// and https:// for wss://",
    link=LINK,
    bad=location(target="ws://127.0.0.1:3002"),
    good=location(target="http://127.0.0.1:3002"),
)


def _values(site: Site, scope: Scope, name: str) -> set[str] | None:
    """Return what a variable can hold here by ``set`` and ``map``; None if unknown."""
    around = (scope, *scope.ancestors)
    found = {d.args[1] for s in around for d in s.own("set") if d.args[:1] == (f"${name}",)}
    if table := site.maps.get(name):
        found |= {entry.args[0] for entry in table.block or () if entry.args}
    return found or None


def _is_found(site: Site, scope: Scope, target: str) -> bool:
    """Whether a target needs no look-up: an address, or the name of an upstream."""
    bare = re.sub(r"^https?://", "", target)
    host = re.match(r"\$\{?(\w+)\}?|\[[^\]]*\]|[^/:$]*", bare)
    held: set[str] | None = {host[0]} if host else set()
    if host and host[1]:
        held = _values(site, scope, host[1])
        if held is None and host[1].isupper():
            return True  # undefined: a placeholder of a template, which is not a variable yet
    names = {re.sub(r"^https?://", "", text) for text in held or {"?"}}
    return all(ADDRESS.match(name) or re.split("[:/]", name)[0] in site.known for name in names)


def check_resolver(site: Site) -> Iterator[Hit]:
    """Find names that are resolved for each request without a resolver."""
    is_whole = site.http is not None and not site.config.missing
    for route in site.sockets:
        if _is_lost(site, route.scope, route.target) and route.proxy_pass:
            message = f"{route.target} is resolved for each request, and there is no resolver"
            yield Hit(route.proxy_pass.place, message, severity=None if is_whole else "info")
    for stream in streams(site):
        if stream.is_http and _is_lost(site, stream.scope, value(stream.proxy_pass)):
            target = value(stream.proxy_pass)
            message = f"{target} is resolved for each connection, and there is no resolver"
            yield Hit(stream.proxy_pass.place, message, severity="info")


def _is_lost(site: Site, scope: Scope, target: str) -> bool:
    """Whether a target has no resolver, as far as all includes could be read."""
    is_known = scope.effective("resolver") or scope.has_unknown
    return "$" in target and not is_known and not _is_found(site, scope, target)


def check_uri(site: Site) -> Iterator[Hit]:
    """Find fixed paths behind a variable."""
    for route in site.sockets:
        if "$" not in route.target or not route.proxy_pass or route.scope.own("rewrite"):
            continue
        host, _, path = route.target.partition("://")[2].partition("/")
        if "$" in host and "$" not in path and "/" in route.target.partition("://")[2]:
            bare = f"proxy_pass {route.target[: len(route.target) - len(path) - 1]};"
            edits = replace(site.config, route.proxy_pass, bare)
            message = f"every request is sent to /{path}, without its query string"
            # If there is only one path, only the query string is lost.
            is_one = path.strip("/") != "" and path.strip("/") == route.scope.path.strip("/")
            is_one = is_one or route.scope.modifier in ("=", "~", "~*")
            yield Hit(route.proxy_pass.place, message, edits, "info" if is_one else None)


def check_path(site: Site) -> Iterator[Hit]:
    """Find slashes that are doubled or lost; only libraries that add a path certainly break."""
    for route in site.sockets:
        path, uri = route.scope.path, route.uri
        if not uri or "$" in route.target or route.scope.modifier not in ("", "^~"):
            continue
        is_uneven = path.endswith("/") != uri.endswith("/")
        is_stripped = bool(NEEDS_PATH.search(path)) and not NEEDS_PATH.search(uri)
        if not route.proxy_pass or path == "/" or not (is_uneven or is_stripped):
            continue
        asked = path if path.endswith("/") else f"{path}/"
        got = uri + asked[len(path) :] + ("" if is_stripped or asked != path else "chat")
        asked += "" if is_stripped or asked != path or not is_uneven else "chat"
        bare = route.target.removesuffix(uri)
        is_same = path.strip("/") == uri.strip("/")
        edits = replace(site.config, route.proxy_pass, f"proxy_pass {bare};") if is_same else ()
        sure = NEEDS_PATH.search(path) is not None
        message = f"{asked} is sent to the target as {got}"
        yield Hit(route.proxy_pass.place, message, edits, None if sure else "info")


def check_scheme(site: Site) -> Iterator[Hit]:
    """Find ws:// and wss:// where Nginx requires http:// and https://."""
    for route in site.routes:
        if route.proxy_pass and route.target.startswith(("ws://", "wss://")):
            new = "http" + route.target.removeprefix("ws")
            edits = replace(site.config, route.proxy_pass, f"proxy_pass {new};", is_safe=True)
            yield Hit(route.proxy_pass.place, "Nginx does not know this scheme", edits)


RULES = (
    Rule(NO_RESOLVER, check_resolver),
    Rule(WITH_URI, check_uri),
    Rule(REWRITTEN, check_path),
    Rule(SCHEME, check_scheme),
)
