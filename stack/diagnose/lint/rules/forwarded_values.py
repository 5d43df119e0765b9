"""Rules about what the forwarded ``Upgrade`` and ``Connection`` say."""

from collections.abc import Iterator

from stack.diagnose.lint.rules.connection_line import connection, looked_up
from stack.diagnose.lint.rules.editing import replace
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import value
from stack.diagnose.nginx.site import Route, Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Cause, Edit

LINK = "https://nginx.org/en/docs/http/websocket.html"
MAP = "map $http_upgrade $connection_upgrade {\n    default upgrade;\n    ''      close;\n}"
WORDS = ("connection_upgrade", "http_connection")
WITH_MAP = location(path="/", connection="$connection_upgrade")

CONSTANT = Cause(
    code="WS006",
    name="connection-constant",
    severity="warning",
    title="Connection is the constant upgrade where other requests pass",
    why=(
        "Every request then has `Connection: upgrade`, including those without Upgrade: "
        "connections to the upstream are not kept, and strict servers answer 400."
    ),
    fix="set Connection from a map of $http_upgrade",
    link=LINK,
    bad=http(server(location(path="/"))),
    good=http(MAP, server(WITH_MAP)),
)

OTHER = Cause(
    code="WS007",
    name="connection-not-upgrade",
    severity="error",
    title="Connection never says upgrade on a WebSocket route",
    why="A server upgrades only when Connection names Upgrade; this value never does.",
    fix='write `proxy_set_header Connection "upgrade";` or use the variable of a map',
    link=LINK,
    bad=location(connection="keep-alive"),
    good=location(connection='"upgrade"'),
)

LITERAL = Cause(
    code="WS008",
    name="connection-literal",
    severity="error",
    title="Connection is a variable's name without its dollar sign",
    why="Without `$` the words themselves are sent, and servers do not know them.",
    fix="write `proxy_set_header Connection $connection_upgrade;`",
    link=LINK,
    bad=http(MAP, server(location(connection="connection_upgrade"))),
    good=http(MAP, server(location(connection="$connection_upgrade"))),
)

WRONG = Cause(
    code="WS009",
    name="upgrade-wrong-value",
    severity="error",
    title="Upgrade does not have the value of the client's Upgrade",
    why="The upstream server expects `Upgrade: websocket`, which is in $http_upgrade.",
    fix="write `proxy_set_header Upgrade $http_upgrade;`",
    link=LINK,
    bad=location(upgrade="$http_connection"),
    good=location(upgrade="$http_upgrade"),
)


def _directives(site: Site, name: str) -> Iterator[tuple[Route, Directive]]:
    """Return each route that forwards Upgrade with its header of that name."""
    for route in site.sockets:
        header = route.scope.header(name)
        if header and value(route.scope.header("Upgrade")):
            yield route, header


def _mend(site: Site, route: Route, header: Directive) -> tuple[Edit, ...]:
    chosen = connection(site, route, header)
    if not chosen.line:
        return ()
    edits = replace(site.config, header, chosen.line, is_safe=True)
    return (*edits, *chosen.edits) if edits else ()


def check_constant(site: Site) -> Iterator[Hit]:
    """Find the constant on routes that also serve ordinary requests."""
    for route in site.sockets:
        header = route.scope.header("Connection")
        if header and value(header).lower() == "upgrade" and not route.is_dedicated:
            is_whole = route.scope.path == "/"
            message = "Connection is always upgrade here, also for requests without Upgrade"
            edits = _mend(site, route, header)
            yield Hit(header.place, message, edits, None if is_whole else "info")


def check_other(site: Site) -> Iterator[Hit]:
    """Find constants that are not upgrade."""
    for route, header in _directives(site, "Connection"):
        said = value(header).lower()
        if "upgrade" not in said and "$" not in said and said not in WORDS:
            message = f"Connection is always {said or 'empty'} here, never upgrade"
            yield Hit(header.place, message, _mend(site, route, header))


def check_literal(site: Site) -> Iterator[Hit]:
    """Find names of variables that lack their dollar sign."""
    for route, header in _directives(site, "Connection"):
        said = value(header).lower()
        if said in WORDS:
            edits = _mend(site, route, header)
            yield Hit(header.place, f"the word {said} is sent: it lacks its $", edits)


def check_wrong(site: Site) -> Iterator[Hit]:
    """Find an Upgrade from another variable, or a word that servers do not know."""
    for _, header in _directives(site, "Upgrade"):
        said = value(header)
        if said.lower() in ("$http_upgrade", "${http_upgrade}", "websocket"):
            continue
        table = site.maps.get(said.lstrip("$").strip("{}"))
        # A user-defined variable may hold the right value; a map can be evaluated.
        is_known = table is not None or (
            said.startswith("$") and said not in ("$http_connection", "$upgrade")
        )
        if is_known and (table is None or looked_up(table, "websocket") != "upgrade"):
            continue
        line = "proxy_set_header Upgrade $http_upgrade;"
        edits = replace(site.config, header, line, is_safe=True)
        yield Hit(header.place, f"Upgrade is {said} here, not what the client sent", edits)


RULES = (
    Rule(CONSTANT, check_constant),
    Rule(OTHER, check_other),
    Rule(LITERAL, check_literal),
    Rule(WRONG, check_wrong),
)
