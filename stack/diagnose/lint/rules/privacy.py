"""Rules about leaks: tokens in logs, and Upgrade past an access rule."""

import re
from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import replace
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import Scope, value
from stack.diagnose.nginx.site import Route, Site
from stack.diagnose.nginx.tree import Directive, walk
from stack.finding import Cause, Severity

TOKEN = re.compile(r"\$\{?arg_(?:access_?token|id_token|token|jwt|auth|api_?key)\b", re.IGNORECASE)
QUERY = re.compile(r"\$\{?(?:request|request_uri|args|query_string|is_args)\b")
BEARER = 'proxy_set_header Authorization "Bearer $arg_token";'

LOGGED = Cause(
    code="WS035",
    name="token-logged",
    severity="warning",
    title="tokens of the query string are written to the access log",
    why=(
        "Browsers cannot set headers on a WebSocket, so tokens travel in the query string; the "
        "log then holds the tokens of all users for as long as it is kept."
    ),
    fix="log `$uri` instead of `$request` for this location, or use `access_log off;`",
    link="https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format",
    bad=http(
        "log_format main '$remote_addr $uri $arg_token';",
        server(location(BEARER, "access_log /var/log/nginx/ws.log main;")),
    ),
    good=http(
        "log_format main '$remote_addr $uri $status';",
        server(location(BEARER, "access_log /var/log/nginx/ws.log main;")),
    ),
)

OPEN = Cause(
    code="WS036",
    name="upgrade-open",
    severity="info",
    title="any Upgrade is forwarded beside a location that is closed",
    why=(
        "A target that also speaks h2c can be upgraded to HTTP/2 by a client; Nginx then cannot "
        "see the requests that follow, including those for paths that it refuses (h2c "
        "smuggling)."
    ),
    fix="forward only WebSocket: `map $http_upgrade $ws { default ''; ~*^websocket$ websocket; }`",
    link="https://nginx.org/en/docs/http/websocket.html",
    bad=http(
        "map $http_upgrade $connection_upgrade {\n    default upgrade;\n    ''      close;\n}",
        server(
            location(path="/", connection="$connection_upgrade"),
            "location /admin {\n    deny all;\n}",
        ),
    ),
    good=http(
        "map $http_upgrade $connection_upgrade {\n    default upgrade;\n    ''      close;\n}",
        "map $http_upgrade $websocket {\n    default '';\n    ~*^websocket$ websocket;\n}",
        server(
            location(path="/", upgrade="$websocket", connection="$connection_upgrade"),
            "location /admin {\n    deny all;\n}",
        ),
    ),
)

DEBUGGED = Cause(
    code="WS038",
    name="token-in-debug-log",
    severity="info",
    title="tokens of the query string are written to a debug log",
    why=(
        "At this level an Nginx that was built with --with-debug writes the query string of each "
        "request a dozen times. At any level the lines about a failed request contain it once, "
        "and no format changes that: a token in a query should expire after a minute."
    ),
    fix="log errors only (`error_log FILE error;`); debug single clients with `debug_connection`",
    link="https://nginx.org/en/docs/debugging_log.html",
    bad=server("error_log /var/log/nginx/error.log debug;", location(BEARER)),
    good=server("error_log /var/log/nginx/error.log warn;", location(BEARER)),
)


def _takes_token(route: Route) -> bool:
    """Whether the location itself reads a token from the query string."""
    scope = route.scope.location or route.scope
    return any(TOKEN.search(arg) for d in walk(scope.block) for arg in d.args)


def _formats(site: Site, log: Directive | None) -> str:
    """Return the text of the format that a log is written in; the default is `combined`."""
    named = [arg for arg in log.args[1:] if "=" not in arg] if log else []
    name = named[0] if named else "combined"
    return site.formats.get(name, "$request" if name == "combined" else "")


def check_logged(site: Site) -> Iterator[Hit]:
    """Find logs that contain the token by name, or with the whole request."""
    for route in site.sockets:
        logs = route.scope.effective("access_log")
        for log in logs or (None,):
            text = _formats(site, log)
            if value(log) == "off" or "if=" in "".join(log.args if log else ()):
                continue
            place = log.place if log else route.proxy_pass.place if route.proxy_pass else None
            severity: Severity | None = None if TOKEN.search(text) else "info"
            is_known = logs or (site.http and not site.config.missing)
            is_seen = severity is None or (_takes_token(route) and QUERY.search(text) and is_known)
            if place and is_seen:
                yield Hit(place, f"tokens sent to {route.scope.path} are logged", severity=severity)


def check_debugged(site: Site) -> Iterator[Hit]:
    """Find debug logs of routes that read a token from the query string."""
    for route in site.sockets:
        for log in route.scope.effective("error_log"):
            if value(log) == "debug" and len(log.args) > 1 and _takes_token(route):
                edits = replace(site.config, log, f"error_log {log.args[0]} error;")
                message = f"tokens sent to {route.scope.path} are logged repeatedly"
                yield Hit(log.place, message, edits)


def _is_closed(scope: Scope) -> bool:
    return any(scope.own(name) for name in ("deny", "internal", "auth_basic", "auth_request"))


def check_open(site: Site) -> Iterator[Hit]:
    """Find a whole-site route that forwards any Upgrade beside a location that is closed."""
    for route in site.sockets:
        upgrade, host = route.scope.header("Upgrade"), route.scope.server
        if route.scope.path != "/" or value(upgrade) != "$http_upgrade":
            continue
        if upgrade is None or host is None:
            continue
        others = [c for c in host.children if c.kind == "location" and c is not route.scope]
        if any(_is_closed(other) for other in others):
            yield Hit(upgrade.place, "a client may upgrade to h2c here and bypass the closed paths")


RULES = (Rule(LOGGED, check_logged), Rule(OPEN, check_open), Rule(DEBUGGED, check_debugged))
