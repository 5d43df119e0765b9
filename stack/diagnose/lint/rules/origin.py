"""Rules about where the server assumes that the page came from: Host and scheme."""

from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import insert, replace
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import Scope, port, value
from stack.diagnose.nginx.site import Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Cause

LINK = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"
PAIR = "ssl_certificate /etc/ssl/a.pem;\nssl_certificate_key /etc/ssl/a.key;"

HOST = Cause(
    code="WS033",
    name="host-altered",
    severity="info",
    title="the upstream server sees another Host than the browser's",
    why=(
        "Servers compare Origin with Host and refuse a handshake if they differ. By default "
        "Nginx sends the target's name, and $host lacks the port."
    ),
    fix="write `proxy_set_header Host $http_host;`",
    link=LINK,
    bad=server(location().replace("$http_host", "$host"), listen="8080"),
    good=server(location(), listen="8080"),
)

SCHEME = Cause(
    code="WS034",
    name="forwarded-proto-missing",
    severity="info",
    title="the upstream server does not learn that the page uses https",
    why=(
        "Many servers build their own origin from X-Forwarded-Proto and refuse a handshake with "
        "an https Origin if they assume http."
    ),
    fix="write `proxy_set_header X-Forwarded-Proto $scheme;`",
    link=LINK,
    bad=http(server(PAIR, location(), listen="443 ssl")),
    good=http(
        server(PAIR, location("proxy_set_header X-Forwarded-Proto $scheme;"), listen="443 ssl")
    ),
)


def _is_odd_port(scope: Scope | None) -> bool:
    listens = scope.own("listen") if scope else ()
    return any(port(listen) not in {"", "80", "443"} for listen in listens)


def check_host(site: Site) -> Iterator[Hit]:
    """Find Host left to the default, or without a port that is not the usual one."""
    for route in site.sockets:
        if route.scope.has_unknown or route.proxy_pass is None:
            continue
        header = route.scope.header("Host")
        line = "proxy_set_header Host $http_host;"
        if header is None:
            source = route.scope.source("proxy_set_header")
            is_own = source in (None, route.scope)
            edits = insert(site.config, route.proxy_pass, line) if is_own else ()
            yield Hit(route.proxy_pass.place, "Host is the target's name here", edits)
        elif value(header) in ("$host", "$server_name") and _is_odd_port(route.scope.server):
            edits = replace(site.config, header, line)
            yield Hit(header.place, f"Host is {value(header)} here, which lacks the port", edits)
        elif value(header) == "$proxy_host":
            edits = replace(site.config, header, line)
            yield Hit(header.place, "Host is the target's name here", edits)


def _is_tls(listen: Directive) -> bool:
    """Whether browsers use TLS here; on 443 they do as soon as it works."""
    return "ssl" in listen.args or port(listen) == "443"


def check_scheme(site: Site) -> Iterator[Hit]:
    """Find TLS that is terminated here without a header for the upstream server."""
    for route in site.sockets:
        scope = route.scope
        listens = scope.server.own("listen") if scope.server else ()
        if scope.has_unknown or not any(_is_tls(d) for d in listens) or not route.proxy_pass:
            continue
        names = {d.args[0].lower() for d in scope.effective("proxy_set_header")}
        known = {"x-forwarded-proto", "x-forwarded-scheme", "x-scheme", "forwarded"}
        if not names & (known | {"x-forwarded-protocol", "x-url-scheme", "x-forwarded-ssl"}):
            is_own = scope.source("proxy_set_header") is scope
            line = "proxy_set_header X-Forwarded-Proto $scheme;"
            edits = insert(site.config, route.proxy_pass, line) if is_own else ()
            yield Hit(route.proxy_pass.place, "X-Forwarded-Proto is not set", edits)


RULES = (Rule(HOST, check_host), Rule(SCHEME, check_scheme))
