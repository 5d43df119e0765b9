"""Rules about the two headers of the handshake: are ``Upgrade`` and ``Connection`` forwarded?"""

from collections.abc import Iterator

from stack.diagnose.lint.rules.connection_line import connection
from stack.diagnose.lint.rules.editing import insert
from stack.diagnose.lint.rules.examples import location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import Scope, is_field, value
from stack.diagnose.nginx.site import Route, Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Cause, Edit, Severity

WEBSOCKET = "https://nginx.org/en/docs/http/websocket.html"
SET_HEADER = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"

NOT_FORWARDED = Cause(
    code="WS001",
    name="upgrade-not-forwarded",
    severity="error",
    title="a WebSocket route does not forward Upgrade",
    why=(
        "Upgrade is a hop-by-hop header: Nginx drops it unless it is configured to pass it on. "
        "The upstream server then sees a plain GET and answers 400, 404 or 426."
    ),
    fix="add `proxy_set_header Upgrade $http_upgrade;` and `proxy_set_header Connection`",
    link=WEBSOCKET,
    bad=location(path="/chat/", upgrade=""),
    good=location(path="/chat/"),
)

NO_CONNECTION = Cause(
    code="WS002",
    name="connection-not-forwarded",
    severity="error",
    title="a WebSocket route forwards Upgrade without Connection",
    why=(
        "A server upgrades only when Connection names the Upgrade header. Nginx replaces "
        "Connection with `close`, and omits it since 1.29.7."
    ),
    fix="add `proxy_set_header Connection $connection_upgrade;`",
    link=WEBSOCKET,
    bad=location(connection=""),
    good=location(),
)

CANCELLED = Cause(
    code="WS003",
    name="headers-cancelled",
    severity="error",
    title="one proxy_set_header cancels the inherited Upgrade and Connection",
    why=(
        "proxy_set_header is inherited only by a level that has none of its own: a single one "
        "replaces all those from above, including Upgrade and Connection."
    ),
    fix="repeat the inherited `proxy_set_header` lines beside the new one",
    link=SET_HEADER,
    bad=server(
        "proxy_http_version 1.1;",
        "proxy_set_header Upgrade $http_upgrade;",
        'proxy_set_header Connection "upgrade";',
        location(version="", upgrade="", connection=""),
    ),
    good=server("proxy_http_version 1.1;", location(version="")),
)


def _outer(scope: Scope) -> Scope | None:
    """Return the level whose Upgrade is cancelled by this level's own headers."""
    source = scope.source("proxy_set_header")
    around = source.ancestors if source else ()
    return next(
        (s for s in around if any(is_field(d, "Upgrade") for d in s.own("proxy_set_header"))),
        None,
    )


def _lacking(site: Site) -> Iterator[Route]:
    """Return the routes that should forward Upgrade and do not."""
    for route in site.routes:
        if route.proxy_pass is None or not (route.is_socket or route.is_suspect):
            continue
        if route.scope.header("Upgrade") is None and not route.scope.has_unknown:
            yield route


def _mend(site: Site, route: Route, before: Directive) -> tuple[Edit, ...]:
    """Insert what is missing before a directive; nothing if the right Connection is unknown."""
    lines: list[str] = []
    more: tuple[Edit, ...] = ()
    if route.scope.one("proxy_http_version") is None:
        lines.append("proxy_http_version 1.1;")
    lines.append("proxy_set_header Upgrade $http_upgrade;")
    if route.scope.header("Connection") is None:
        chosen = connection(site, route, before)
        if not chosen.line:
            return ()
        lines.append(chosen.line)
        more = chosen.edits
    edits = insert(site.config, before, *lines, is_safe=route.is_socket)
    return (*edits, *more) if edits else ()


def check_upgrade(site: Site) -> Iterator[Hit]:
    """Find WebSocket routes without Upgrade, also on the levels above."""
    for route in _lacking(site):
        if route.proxy_pass is None or _outer(route.scope):
            continue
        # The first own header comes after ours; else proxy_pass, which each route has.
        inherits = route.scope.source("proxy_set_header") not in (None, route.scope)
        edits = () if inherits else _mend(site, route, route.proxy_pass)
        if route.is_socket:
            yield Hit(route.proxy_pass.place, "Upgrade is not forwarded to this target", edits)
        else:
            message = f"{route.scope.path} looks like a WebSocket route but forwards no Upgrade"
            yield Hit(route.proxy_pass.place, message, edits, "info")


def check_connection(site: Site) -> Iterator[Hit]:
    """Find routes with Upgrade but without Connection."""
    for route in site.sockets:
        upgrade = route.scope.header("Upgrade")
        if not value(upgrade) or route.scope.header("Connection") or route.scope.has_unknown:
            continue
        if upgrade:
            chosen = connection(site, route, upgrade)
            edits = insert(site.config, upgrade, chosen.line, is_safe=True) if chosen.line else ()
            edits = (*edits, *chosen.edits) if edits else ()
            yield Hit(upgrade.place, "Connection is not forwarded with Upgrade", edits)


def check_cancelled(site: Site) -> Iterator[Hit]:
    """Find own headers that cancel an inherited Upgrade where a socket is expected."""
    for route in _lacking(site):
        outer, source = _outer(route.scope), route.scope.source("proxy_set_header")
        if outer is None or source is None:
            continue
        first = source.own("proxy_set_header")[0]
        place = outer.own("proxy_set_header")[0].place
        severity: Severity | None = None if route.is_socket or _is_last(site, outer) else "info"
        message = f"cancels Upgrade and Connection inherited from line {place.line}"
        yield Hit(first.place, message, _mend(site, route, first), severity)


def _is_last(site: Site, outer: Scope) -> bool:
    """Whether no block inherits the outer Upgrade: then it was meant for this route."""
    return not any(route.scope.source("proxy_set_header") is outer for route in site.routes)


RULES = (
    Rule(NOT_FORWARDED, check_upgrade),
    Rule(NO_CONNECTION, check_connection),
    Rule(CANCELLED, check_cancelled),
)
