"""Rules about virtual hosts: what their ports speak, and a socket on only one of two."""

from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import replace
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.locations import REDIRECTS
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import Scope, port, value, winner
from stack.diagnose.nginx.site import Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Cause, Severity

PAIR = "ssl_certificate /etc/ssl/a.pem;\nssl_certificate_key /etc/ssl/a.key;"
PLAIN = "location / {\n    proxy_pass http://127.0.0.1:3000;\n}"

ONE_HOST = Cause(
    code="WS023",
    name="one-virtual-host",
    severity="warning",
    title="the WebSocket route is on only one of two virtual hosts of the same name",
    why=(
        "http and https are two server blocks: a page opened on the other one has no WebSocket "
        "there, and its handshake goes to the page server."
    ),
    fix="repeat the location in the other server block, or redirect that block as a whole",
    link="https://nginx.org/en/docs/http/request_processing.html",
    bad=http(
        server(PLAIN, name="chat.example.com"),
        server(PAIR, PLAIN, location(), listen="443 ssl", name="chat.example.com"),
    ),
    good=http(
        server("return 301 https://$host$request_uri;", name="chat.example.com"),
        server(PAIR, PLAIN, location(), listen="443 ssl", name="chat.example.com"),
    ),
)

NO_TLS = Cause(
    code="WS024",
    name="listen-without-ssl",
    severity="warning",
    title="port 443 without ssl",
    why="Browsers speak TLS to port 443: plain HTTP there fails every https and wss connection.",
    fix="write `listen 443 ssl;`",
    link="https://nginx.org/en/docs/http/configuring_https_servers.html",
    bad=http(server(PAIR, location(), listen="443")),
    good=http(server(PAIR, location(), listen="443 ssl")),
)

INNER = ("unix:", "127.", "localhost", "[::1]")
BOTH = (1, 25, 1)
"""The first Nginx that distinguishes HTTP/1.1 from HTTP/2 by the first bytes on a port without TLS.
"""

ONLY_HTTP2 = Cause(
    code="WS037",
    name="listen-http2-only",
    severity="error",
    title="a port without TLS speaks only HTTP/2",
    why=(
        "Without TLS no version is negotiated: before Nginx 1.25.1 such a port accepts HTTP/2 "
        "alone, and a browser's handshake is HTTP/1.1. Newer versions distinguish them."
    ),
    fix="remove http2 from this listen, or write `http2 on;` with Nginx 1.25.1 or newer",
    link="https://nginx.org/en/docs/http/ngx_http_v2_module.html#http2",
    bad=http(server(location(), listen="80 http2")),
    good=http(server(location())),
)


def _names(scope: Scope) -> set[str]:
    return {name for d in scope.own("server_name") for name in d.args} - {"_", ""}


def _redirects(scope: Scope | None) -> bool:
    """Whether a block answers by itself: with a redirect or a refusal."""
    return scope is not None and any(
        bool(d.args) and (d.args[0] in REDIRECTS or d.args[0].isdigit() or "://" in d.args[-1])
        for inner in (scope, *(c for c in scope.children if c.kind == "if"))
        for d in (*inner.own("return"), *inner.own("rewrite"))
    )


def check_one_host(site: Site) -> Iterator[Hit]:
    """Find hosts of the same name that proxy, but have no socket at this path."""
    sockets = {id(route.scope.location) for route in site.sockets}
    proxied = {id(route.scope.location) for route in site.routes}
    twins: dict[str, list[Scope]] = {}
    for host in site.servers:
        if not host.has_unknown and not _redirects(host):
            for name in _names(host):
                twins.setdefault(name, []).append(host)
    for route in site.sockets:
        home, scope = route.scope.server, route.scope.location
        if home is None or scope is None or scope.modifier.startswith("~") or not scope.path:
            continue
        others = [(name, host) for name in _names(home) for host in twins.get(name, ())]
        for name, other in others:
            won = winner(other, scope.path)
            # The host itself is among them: there the route is a socket.
            if id(won) not in proxied or id(won) in sockets or _redirects(won):
                continue
            if won and won.directive:
                message = f"{name} has no WebSocket at {scope.path} here, but in another server"
                yield Hit(won.directive.place, message)


def check_tls(site: Site) -> Iterator[Hit]:
    """Find port 443 without ssl; one server with ssl is enough for all on that port."""
    hosts = [s for s in site.servers if s.server and "stream" not in _context(s)]
    listens = [(s, d) for s in hosts for d in s.own("listen") if port(d) == "443"]
    if any({"ssl", "quic"} & set(d.args) for _, d in listens):
        return
    sockets = {id(route.scope.server) for route in site.sockets}
    for scope, listen in listens:
        is_on = any("on" in d.args for d in scope.effective("ssl")) or scope.has_unknown
        has_pair = bool(scope.effective("ssl_certificate"))
        if id(scope) in sockets and not is_on:
            edits = replace(site.config, listen, f"listen {' '.join(listen.args)} ssl;")
            weaker: Severity | None = None if has_pair else "info"
            yield Hit(listen.place, "plain HTTP on port 443", edits, weaker)


def _context(scope: Scope) -> tuple[str, ...]:
    return scope.directive.context if scope.directive else ()


def _is_http2_only(site: Site, scope: Scope, listen: Directive) -> bool:
    """Whether an old Nginx speaks only HTTP/2 here."""
    said = site.listens[listen.args[0]]
    return "http2" in said and "ssl" not in said and value(scope.one("ssl")) != "on"


def check_http2(site: Site) -> Iterator[Hit]:
    """Find http2 without TLS on the ports of a socket; behind our own proxy only if all are so."""
    is_new = any(d.name == "http2" for d in site.directives)  # a directive since 1.25.1
    if is_new or (site.version or (0,)) >= BOTH:
        return
    for scope in site.homes:
        listens = [d for d in scope.own("listen") if d.args]
        only = [d for d in listens if _is_http2_only(site, scope, d)]
        for listen in only:
            is_inner = "proxy_protocol" in listen.args or listen.args[0].startswith(INNER)
            if not is_inner or len(only) == len(listens):
                rest = " ".join(arg for arg in listen.args if arg != "http2")
                edits = replace(site.config, listen, f"listen {rest};")
                message = "Nginx before 1.25.1 accepts only HTTP/2 here, so no WebSocket"
                yield Hit(listen.place, message, edits, None if site.version else "info")


RULES = (Rule(ONE_HOST, check_one_host), Rule(NO_TLS, check_tls), Rule(ONLY_HTTP2, check_http2))
