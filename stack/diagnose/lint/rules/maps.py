"""Rules about the ``map`` that turns Upgrade into Connection."""

import re
from collections.abc import Iterator

from stack.diagnose.lint.rules.connection_line import looked_up
from stack.diagnose.lint.rules.editing import insert_map
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.forwarded_values import MAP, WITH_MAP
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import value
from stack.diagnose.nginx.site import Site
from stack.finding import Cause

LINK = "https://nginx.org/en/docs/http/ngx_http_map_module.html#map"
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
CAPTURE = re.compile(r"\$[1-9]")
DEFINES = {"auth_request_set", "geo", "js_set", "perl_set", "set", "split_clients"}
DEFINES |= {"set_by_lua_block", "js_var"}

MISSING = Cause(
    code="WS010",
    name="map-missing",
    severity="error",
    title="Connection uses a variable that no map fills",
    why="Nginx does not start: the variable is not built in, so the configuration needs the map.",
    fix="add the map of $http_upgrade to the http block",
    link=LINK,
    bad=http(server(WITH_MAP)),
    good=http(MAP, server(WITH_MAP)),
)

CLOBBERS = Cause(
    code="WS011",
    name="map-clobbers-capture",
    severity="warning",
    title="a map with a regular expression overwrites $1",
    why=(
        "A map is evaluated when its variable is used; a regular expression that matches in it "
        "replaces the captures of the location, and $1 is then another text or empty."
    ),
    fix="name the location's capture: `(?<room>...)` and `$room`",
    link=LINK,
    bad=http(
        "map $http_upgrade $connection_upgrade {\n    default close;\n    ~*websocket upgrade;\n}",
        server(
            location(
                "proxy_set_header X-Room $1;",
                path="~ ^/ws/(.+)$",
                connection="$connection_upgrade",
            )
        ),
    ),
    good=http(
        "map $http_upgrade $connection_upgrade {\n    default close;\n    ~*websocket upgrade;\n}",
        server(
            location(
                "proxy_set_header X-Room $room;",
                path="~ ^/ws/(?<room>.+)$",
                connection="$connection_upgrade",
            )
        ),
    ),
)

INVERTED = Cause(
    code="WS012",
    name="map-inverted",
    severity="error",
    title="the map does not say upgrade for a WebSocket, or says it for everything",
    why=(
        "The map is evaluated with the client's Upgrade: `websocket` for a handshake, the empty "
        "string for every other request."
    ),
    fix="write `default upgrade;` and `'' close;`",
    link=LINK,
    bad=http(
        "map $http_upgrade $connection_upgrade {\n    default close;\n    upgrade upgrade;\n}",
        server(WITH_MAP),
    ),
    good=http(MAP, server(WITH_MAP)),
)


def check_missing(site: Site) -> Iterator[Hit]:
    """Find undefined variables for Connection; in a snippet this is only suspected."""
    made = {arg.lstrip("$") for d in site.directives if d.name in DEFINES for arg in d.args}
    is_whole = site.http is not None and not site.config.missing
    for route in site.sockets:
        header = route.scope.header("Connection")
        for name in VARIABLE.findall(value(header)):
            is_own = "upgrade" in name and not name.startswith(("http_", "sent_", "arg_"))
            if header and is_own and name not in made and name not in site.maps:
                edits = insert_map(site) if is_whole and name == "connection_upgrade" else ()
                message = f"nothing here defines ${name}"
                yield Hit(header.place, message, edits, None if is_whole else "info")


def check_clobbers(site: Site) -> Iterator[Hit]:
    """Find $1 beside a variable whose map matches by regular expressions."""
    regex = {
        name
        for name, table in site.maps.items()
        if any(entry.name.startswith("~") for entry in table.block or ())
    }
    for route in site.sockets:
        headers = route.scope.effective("proxy_set_header")
        used = {name for header in headers for name in VARIABLE.findall(value(header))}
        for header in headers:
            if CAPTURE.search(value(header)) and used & regex:
                name = min(used & regex)
                message = f"the map of ${name} may have overwritten this capture"
                yield Hit(header.place, message)


def check_inverted(site: Site) -> Iterator[Hit]:
    """Evaluate the map of Connection for a handshake and for an ordinary request."""
    for route in site.sockets:
        name = value(route.scope.header("Connection")).strip("${}")
        table = site.maps.get(name)
        if table is None or table.args[0] not in ("$http_upgrade", "${http_upgrade}"):
            continue
        handshake, other = looked_up(table, "websocket"), looked_up(table, "")
        if handshake is None or other is None or "$" in handshake:
            continue
        if "upgrade" not in handshake:
            said = handshake or "nothing"
            yield Hit(table.place, f"the map gives {said} for a WebSocket handshake")
        elif "upgrade" in other and not route.is_dedicated:
            message = "the map gives upgrade also for requests without Upgrade: '' is missing"
            yield Hit(table.place, message, severity="warning")


RULES = (
    Rule(MISSING, check_missing),
    Rule(CLOBBERS, check_clobbers),
    Rule(INVERTED, check_inverted),
)
