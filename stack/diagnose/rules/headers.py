"""Rules about the two headers of the handshake: are ``Upgrade`` and ``Connection`` forwarded?"""

from collections.abc import Iterator

from stack.diagnose.finding import Cause
from stack.diagnose.nginx_scope import Scope, value
from stack.diagnose.nginx_site import Route, Site
from stack.diagnose.rules.edits import insert
from stack.diagnose.rules.rule import Hit, Rule

WEBSOCKET = "https://nginx.org/en/docs/http/websocket.html"
SET_HEADER = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"

NOT_FORWARDED = Cause(
    code="WS001",
    name="upgrade-not-forwarded",
    severity="error",
    title="a WebSocket route does not forward Upgrade",
    why=(
        "Upgrade is a hop-by-hop header: Nginx drops it unless it is told to pass it on. "
        "The server behind then sees a plain GET and answers 400, 404 or 426."
    ),
    fix="add `proxy_set_header Upgrade $http_upgrade;` and `proxy_set_header Connection`",
    link=WEBSOCKET,
    bad="""location /chat/ {
    proxy_pass http://chat;
    proxy_http_version 1.1;
    proxy_set_header Connection "upgrade";
}""",
    good="""location /ws/ {
    proxy_pass http://chat;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
}""",
)

NO_CONNECTION = Cause(
    code="WS002",
    name="connection-not-forwarded",
    severity="error",
    title="a WebSocket route forwards Upgrade without Connection",
    why=(
        "A server upgrades only when Connection names the Upgrade header. Nginx replaces "
        "Connection by `close`, and since 1.29.7 leaves it out."
    ),
    fix="add `proxy_set_header Connection $connection_upgrade;`",
    link=WEBSOCKET,
    bad="""location /ws/ {
    proxy_pass http://chat;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
}""",
    good="""location /ws/ {
    proxy_pass http://chat;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
}""",
)

CANCELLED = Cause(
    code="WS003",
    name="headers-cancelled",
    severity="error",
    title="one proxy_set_header cancels the inherited Upgrade and Connection",
    why=(
        "proxy_set_header is inherited only by a level that has none of its own: a single one "
        "replaces all those from above, also Upgrade and Connection."
    ),
    fix="repeat the inherited `proxy_set_header` lines beside the new one",
    link=SET_HEADER,
    bad="""server {
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    location /ws/ {
        proxy_set_header X-Real-IP $remote_addr;
        proxy_pass http://chat;
    }
}""",
    good="""server {
    proxy_http_version 1.1;
    location /ws/ {
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_set_header X-Real-IP $remote_addr;
        proxy_pass http://chat;
    }
}""",
)


def connection(site: Site) -> str:
    """Give the Connection header to write: the map's variable where the file has that map."""
    name = "$connection_upgrade" if "connection_upgrade" in site.maps else '"upgrade"'
    return f"proxy_set_header Connection {name};"


def _outer(scope: Scope) -> Scope | None:
    """Give the level whose Upgrade is cancelled by this one's own headers."""
    source = scope.source("proxy_set_header")
    around = source.ancestors if source else ()
    return next(
        (s for s in around if any(d.args[:1] == ("Upgrade",) for d in s.own("proxy_set_header"))),
        None,
    )


def _lacking(site: Site) -> Iterator[Route]:
    """Give the routes that should forward Upgrade and do not."""
    for route in site.routes:
        if route.proxy_pass is None or not (route.is_socket or route.is_suspect):
            continue
        if route.scope.header("Upgrade") is None and not route.scope.has_unknown:
            yield route


def _missing(site: Site, route: Route) -> tuple[str, ...]:
    lines = []
    if route.scope.one("proxy_http_version") is None:
        lines.append("proxy_http_version 1.1;")
    lines.append("proxy_set_header Upgrade $http_upgrade;")
    if route.scope.header("Connection") is None:
        lines.append(connection(site))
    return tuple(lines)


def check_upgrade(site: Site) -> Iterator[Hit]:
    """See WebSocket routes without Upgrade, where no level above has one either."""
    for route in _lacking(site):
        if route.proxy_pass is None or _outer(route.scope):
            continue
        lines = _missing(site, route)
        edits = insert(site.config, route.proxy_pass, *lines, is_safe=route.is_socket)
        if route.is_socket:
            yield Hit(route.proxy_pass.place, "Upgrade is not forwarded to this target", edits)
        else:
            message = f"{route.scope.path} looks like a WebSocket route but forwards no Upgrade"
            yield Hit(route.proxy_pass.place, message, edits, "info")


def check_connection(site: Site) -> Iterator[Hit]:
    """See routes with Upgrade but no Connection."""
    for route in site.sockets:
        upgrade = route.scope.header("Upgrade")
        if upgrade is None or route.scope.header("Connection") or route.scope.has_unknown:
            continue
        edits = insert(site.config, upgrade, connection(site), is_safe=True)
        yield Hit(upgrade.place, "Connection is not forwarded beside Upgrade", edits)


def check_cancelled(site: Site) -> Iterator[Hit]:
    """See own headers that cancel an inherited Upgrade where a socket is expected."""
    for route in _lacking(site):
        outer, source = _outer(route.scope), route.scope.source("proxy_set_header")
        if outer is None or source is None:
            continue
        first = source.own("proxy_set_header")[0]
        place = outer.own("proxy_set_header")[0].place
        edits = insert(site.config, first, *_missing(site, route), is_safe=route.is_socket)
        message = f"cancels Upgrade and Connection inherited from line {place.line}"
        yield Hit(first.place, message, edits, None if value(first) and route.is_socket else "info")


RULES = (
    Rule(NOT_FORWARDED, check_upgrade),
    Rule(NO_CONNECTION, check_connection),
    Rule(CANCELLED, check_cancelled),
)
