"""Conclusions about paths: the slash, a page instead of a WebSocket, dev servers' sockets."""

import re

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding
from stack.probe.exchange import Exchange

_LOCATION = "https://nginx.org/en/docs/http/ngx_http_core_module.html#location"

SLASH = Cause(
    "WS141",
    "path-slash",
    "error",
    "the path is right except for a trailing slash",
    "The same handshake opens with (or without) a trailing slash.",
    "write the path as the server expects it",
    _LOCATION,
    bad="GET /ws -> 404; GET /ws/ -> 101",
    good="GET /ws/ -> 101",
)
NOT_FOUND = Cause(
    "WS142",
    "path-not-found",
    "error",
    "the server does not know the path",
    "A 404 comes from a server that runs but has nothing at this path: the path is wrong, or "
    "another location matches and sends the request elsewhere.",
    "correct the path in the page, or route it to the WebSocket server",
    _LOCATION,
    bad="GET /socket -> 404 Not Found",
    good="GET /ws -> 101 Switching Protocols",
)
PAGE = Cause(
    "WS143",
    "page-server",
    "error",
    "a web page server answers, not a WebSocket server",
    "The handshake gets the same page as a browser: the address belongs to the server of the "
    "page, and nothing routes the path to the WebSocket server.",
    "use the WebSocket server's own port, or route the path to it in the front",
    "https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2",
    bad="GET ws://localhost:3000/ws -> 200 text/html",
    good="GET ws://localhost:3000/ws -> 101 Switching Protocols",
)
HOT_RELOAD = Cause(
    "WS144",
    "hot-reload-socket",
    "error",
    "the hot-reload socket of a dev server does not open",
    "Vite opens its socket at its base path with the subprotocol vite-hmr (and a token since "
    "6.1), Next.js at /_next/webpack-hmr. A front has to pass the upgrade on these paths as "
    "well.",
    "route the dev server's paths with Upgrade; for Vite set server.hmr.clientPort to the front's",
    "https://vite.dev/config/server-options.html#server-hmr",
    bad="GET /_next/webpack-hmr -> 404",
    good="GET /_next/webpack-hmr -> 101",
)
OTHER_PATH = Cause(
    "WS145",
    "other-path-opens",
    "error",
    "the server answers the handshake at another path",
    "The server does speak WebSocket, but at another common path than the requested one.",
    "use that path, or make the front pass the path on as the server expects it",
    _LOCATION,
    bad="GET /socket -> 404; GET /ws -> 101",
    good="GET /ws -> 101",
)
CAUSES = (SLASH, NOT_FOUND, PAGE, HOT_RELOAD, OTHER_PATH)
_RELOAD = re.compile(r"/_next/(webpack-hmr|hmr)|/@vite|__vite_hmr|/webpack-dev-server|/sockjs-node")


def slash(evidence: Evidence) -> Finding | None:
    """Find a path that opens with the slash added or removed."""
    for variation in (Variation.WITH_SLASH, Variation.WITHOUT_SLASH):
        other = evidence.of(variation)
        if other and evidence.opens(variation):
            path = other.question.target.path.partition("?")[0]
            message = f"answers {evidence.base.says}, and 101 at {path}"
            return found(evidence, SLASH, message, f"use {path}", asked(other))
    return None


def other_path(evidence: Evidence) -> Finding | None:
    """Find a common path that opens."""
    if evidence.base.status not in {400, 404}:
        return None
    for variation in (Variation.AT_WS, Variation.AT_ROOT):
        other = evidence.of(variation)
        if other and evidence.opens(variation):
            path = other.question.target.path
            message = f"answers {evidence.base.says} here, and 101 at {path}"
            return found(evidence, OTHER_PATH, message, f"use {path}", asked(other))
    return None


def hot_reload(evidence: Evidence) -> Finding | None:
    """Find the socket of a dev server."""
    is_vite = any("vite-hmr" in value for _, value in evidence.base.question.headers)
    if not evidence.base.head or evidence.base.status == 101:
        return None
    if not is_vite and not _RELOAD.search(evidence.target.path):
        return None
    which = "Vite" if is_vite or "vite" in evidence.target.path else "Next or webpack"
    message = f"the hot-reload socket of {which} answers {evidence.base.says}"
    return found(evidence, HOT_RELOAD, message, seen=asked(evidence.of(Variation.ROOT)))


def page(evidence: Evidence) -> Finding | None:
    """Find a handshake that gets a page."""
    base = evidence.base
    html = "text/html" in (base.head.get("content-type") if base.head else "")
    framework = _framework(evidence)
    if base.status not in {200, 404, 426} or not (base.status == 200 or framework):
        return None
    kind = framework or ("an HTML page" if html else "an ordinary answer")
    message = f"answers {base.says} with {kind}: no WebSocket server listens at this path"
    return found(
        evidence,
        PAGE,
        message,
        seen=asked(evidence.of(Variation.PLAIN), evidence.of(Variation.ROOT)),
    )


def not_found(evidence: Evidence) -> Finding | None:
    """Find a 404 without another explanation."""
    if evidence.base.status not in {404, 410}:
        return None
    head = evidence.base.head
    by = f" (Server: {head.get('server')})" if head and head.get("server") else ""
    path = evidence.target.path.partition("?")[0]
    return found(evidence, NOT_FOUND, f"{path} is unknown there{by}", seen=_roots(evidence))


FAMILY = Family(CAUSES, specific=(slash, other_path, hot_reload), general=(page, not_found))


def _roots(evidence: Evidence) -> tuple[Exchange, ...]:
    return asked(evidence.of(Variation.PLAIN), evidence.of(Variation.ROOT))


def _framework(evidence: Evidence) -> str:
    """Name the page server by the marks of its answer."""
    root = evidence.of(Variation.ROOT)
    texts = [item for item in (evidence.base, root) if item and item.head]
    heads = " ".join(item.head.get("x-powered-by") for item in texts if item.head)
    bodies = " ".join(item.text for item in texts)
    if "Next.js" in heads or "/_next/" in bodies:
        return "a page of Next.js"
    if "/@vite/client" in bodies:
        return "a page of Vite"
    return "a page of Express" if "Express" in heads else ""
