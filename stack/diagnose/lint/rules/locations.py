"""Rules about which location answers a socket's path, and whether it reaches a target."""

from collections.abc import Iterator

from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import Scope, fits, is_field, value, winner
from stack.diagnose.nginx.site import Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Cause

LINK = "https://nginx.org/en/docs/http/ngx_http_core_module.html#location"
PASSES = ("proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass")
ANSWERS = (*PASSES[1:], "try_files", "return", "root", "alias", "empty_gif", "stub_status")
REDIRECTS = {"301", "302", "303", "307", "308"}
STEALS = "location ~ \\.io {\n    root /srv/www;\n}"

STOLEN = Cause(
    code="WS020",
    name="regex-steals-path",
    severity="warning",
    title="a regular expression overrides the WebSocket's location",
    why=(
        "Regular expressions take precedence over the longest prefix, unless that is marked `^~` "
        "or `=`: the handshake never reaches the location that was written for it."
    ),
    fix="write `location ^~ PATH` for the WebSocket's location",
    link=LINK,
    bad=http(server(location(path="/socket.io/"), STEALS)),
    good=http(server(location(path="^~ /socket.io/"), STEALS)),
)

NO_TARGET = Cause(
    code="WS021",
    name="no-proxy-on-route",
    severity="error",
    title="the WebSocket's location has no proxy_pass",
    why=(
        "Headers alone do not forward a request: Nginx answers the handshake itself, from files "
        "or with a fixed answer. proxy_pass is not inherited, not even by a nested location."
    ),
    fix="add `proxy_pass http://…;` to this location",
    link="https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
    bad=location("try_files $uri /index.html;", target=""),
    good=location(),
)

REDIRECTED = Cause(
    code="WS022",
    name="route-redirected",
    severity="warning",
    title="the WebSocket's path is redirected",
    why="Browsers do not follow redirects of a handshake: the connection fails.",
    fix="answer the path itself: remove the redirect from the WebSocket's location",
    link="https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#rewrite",
    bad=server("rewrite ^/(.*)/$ /$1 permanent;", location(path="/ws/")),
    good=server("rewrite ^/(blog/.*)/$ /$1 permanent;", location(path="/ws/")),
)


def check_stolen(site: Site) -> Iterator[Hit]:
    """Find the location that answers the paths of sockets in each virtual host."""
    for route in site.sockets:
        scope, server_ = route.scope.location, route.scope.server or site.root
        if scope is None or scope.modifier or len(route.scope.path) < 2:
            continue
        won = winner(server_, scope.path)
        inner = won is not None and scope in won.ancestors
        if won is None or won is scope or inner or won.modifier[:1] != "~" or not won.directive:
            continue
        if not any(other.scope.location is won for other in site.sockets):
            message = f"takes {scope.path} from the location in line {_line(scope)}"
            yield Hit(won.directive.place, message)


def _line(scope: Scope) -> int:
    return scope.directive.place.line if scope.directive else 0


def check_target(site: Site) -> Iterator[Hit]:
    """Find locations with socket headers of their own, or named by the user, that answer alone."""
    named = {id(scope) for _, scope in site.named}
    for scope in site.scopes:
        if scope.kind != "location" or scope.directive is None or scope.has_unknown:
            continue
        own = any(is_field(d, "Upgrade") for d in scope.own("proxy_set_header"))
        inside = any(found.own(name) for found in scope.walk() for name in PASSES)
        if not (own or id(scope) in named) or inside or _redirect(scope):
            continue
        answer = next((name for name in ANSWERS if scope.own(name)), "")
        is_rewritten = bool(scope.own("rewrite")) or any(s.own("error_page") for s in scope.walk())
        if not is_rewritten:
            what = f"is answered by {answer} alone" if answer else "has no proxy_pass and no answer"
            yield Hit(scope.directive.place, f"{scope.path or scope.args[-1]} {what}")


def _redirect(scope: Scope) -> bool:
    return any(d.args[:1] and d.args[0] in REDIRECTS for d in scope.own("return"))


def check_redirected(site: Site) -> Iterator[Hit]:
    """Find redirects by return in the location, or by a rewrite that matches its path."""
    # On a port without TLS a redirect of the whole host to https is usual.
    scopes = [s for _, s in site.named if not any("https:" in value(d) for d in s.own("return"))]
    scopes += [route.scope for route in site.sockets if route.scope.kind == "location"]
    for scope in dict.fromkeys(scopes):
        for found in scope.own("return"):
            if found.args and found.args[0] in REDIRECTS:
                yield Hit(found.place, f"{scope.path} is redirected to {value(found)}")
        for found in _rewrites(scope):
            yield Hit(found.place, f"{scope.path} is redirected by this rewrite")


def _rewrites(scope: Scope) -> Iterator[Directive]:
    """Return the rewrites of a location and of its server that redirect its path."""
    if scope.modifier.startswith("~") or not scope.path:
        return
    for level in (scope.location, scope.server):
        for found in level.own("rewrite") if level else ():
            if found.args[-1] in ("permanent", "redirect") and fits(found.args[0], scope.path):
                yield found


RULES = (
    Rule(STOLEN, check_stolen),
    Rule(NO_TARGET, check_target),
    Rule(REDIRECTED, check_redirected),
)
