"""Rules about ``proxy_http_version``: only HTTP/1.1 has the Upgrade that a WebSocket needs."""

from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import insert, replace
from stack.diagnose.lint.rules.examples import location
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import value
from stack.diagnose.nginx.site import Site
from stack.finding import Cause

LINK = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version"
SAFE = (1, 29, 7)
"""The first Nginx that speaks HTTP/1.1 to upstreams by default."""

TOO_OLD = Cause(
    code="WS004",
    name="http-version-1-0",
    severity="error",
    title="the WebSocket route speaks HTTP/1.0 to its target",
    why=(
        "HTTP/1.0 has no Upgrade: the upstream server refuses the handshake. It was the default "
        "of proxy_http_version before Nginx 1.29.7."
    ),
    fix="add `proxy_http_version 1.1;`",
    link=LINK,
    bad=location(version="1.0"),
    good=location(version="1.1"),
)

TOO_NEW = Cause(
    code="WS005",
    name="http-version-2",
    severity="error",
    title="the WebSocket route speaks HTTP/2 to its target",
    why=(
        "HTTP/2 has no Upgrade header, and Nginx does not translate the handshake to extended "
        "CONNECT."
    ),
    fix="write `proxy_http_version 1.1;` in the route's location",
    link=LINK,
    bad=location(version="2"),
    good=location(version="1.1"),
)


def check_old(site: Site) -> Iterator[Hit]:
    """Find routes that speak HTTP/1.0, as written or by the version's default."""
    judged = site.version
    for route in site.sockets:
        if route.proxy_pass is None or route.scope.header("Upgrade") is None:
            continue
        written = route.scope.one("proxy_http_version")
        if written and value(written) == "1.0":
            edits = replace(site.config, written, "proxy_http_version 1.1;", is_safe=True)
            yield Hit(written.place, "HTTP/1.0 has no Upgrade", edits)
        elif written is None and not route.scope.has_unknown and (judged or (0,)) < SAFE:
            line = "proxy_http_version 1.1;"
            edits = insert(site.config, route.proxy_pass, line, is_safe=True)
            message = "Nginx before 1.29.7 speaks HTTP/1.0 here: proxy_http_version is unset"
            yield Hit(route.proxy_pass.place, message, edits, None if judged else "info")


def check_new(site: Site) -> Iterator[Hit]:
    """Find routes that speak HTTP/2 to their target."""
    for route in site.sockets:
        written = route.scope.one("proxy_http_version")
        if written and value(written).startswith("2"):
            edits = replace(site.config, written, "proxy_http_version 1.1;")
            yield Hit(written.place, "HTTP/2 has no Upgrade header", edits)


RULES = (Rule(TOO_OLD, check_old), Rule(TOO_NEW, check_new))
