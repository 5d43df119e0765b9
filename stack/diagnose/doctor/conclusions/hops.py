"""Conclusions from two hops: the next hop opens, and the one in front of it does not."""

import re

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found, is_alike
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding

_NGINX = "https://nginx.org/en/docs/http/websocket.html"
_MODULE = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html"
_LINES = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    "proxy_set_header Connection $connection_upgrade; (with the map of nginx.org)"
)

UPGRADE = Cause(
    "WS131",
    "upgrade-stripped",
    "error",
    "a hop drops the Upgrade header",
    "Upgrade and Connection are hop-by-hop: a proxy passes them on only if it is configured to. "
    "The key arrives at the server, the request to upgrade does not.",
    _LINES,
    _NGINX,
    bad="location /ws { proxy_pass http://ws; }",
    good="location /ws { proxy_pass http://ws; proxy_http_version 1.1; "
    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; }",
)
CONNECTION = Cause(
    "WS132",
    "connection-stripped",
    "error",
    "a hop passes Upgrade on, but not Connection: Upgrade",
    "A server checks both. Nginx sends its own `Connection: close` unless a line sets the header.",
    "proxy_set_header Connection $connection_upgrade; beside the line for Upgrade",
    _NGINX,
    bad="proxy_set_header Upgrade $http_upgrade;",
    good="proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;",
)
HTTP10 = Cause(
    "WS133",
    "http-1.0-upstream",
    "error",
    "a hop speaks HTTP/1.0 to the server",
    "Upgrade exists since HTTP/1.1. Nginx before 1.29.7 speaks 1.0 to upstreams by default.",
    "proxy_http_version 1.1;",
    f"{_MODULE}#proxy_http_version",
    bad="proxy_http_version 1.0;",
    good="proxy_http_version 1.1;",
)
HOST = Cause(
    "WS134",
    "host-header-refused",
    "error",
    "a hop changes the Host header, and the server refuses the new name",
    "Servers compare Host with their allowed hosts and with the Origin. Nginx sends the name of "
    "the upstream unless it is configured otherwise.",
    "proxy_set_header Host $http_host;",
    f"{_MODULE}#proxy_set_header",
    bad="proxy_pass http://ws; (Host: ws)",
    good="proxy_set_header Host $http_host;",
)
PATH = Cause(
    "WS135",
    "path-altered",
    "error",
    "a hop changes the path",
    "A path in proxy_pass replaces what the location matched: a prefix is removed, or a slash is "
    "added or removed, and the server does not know the resulting path.",
    "proxy_pass without a path (no trailing slash) passes the path on unchanged",
    f"{_MODULE}#proxy_pass",
    bad="location /api/ { proxy_pass http://ws/; }",
    good="location /api/ { proxy_pass http://ws; }",
)
ALONE = Cause(
    "WS136",
    "front-alone-fails",
    "error",
    "the next hop opens the WebSocket, the hop in front of it does not",
    "The server works. The hop in front of it answers by itself or sends the request elsewhere: "
    "another location or virtual host matches.",
    "compare the location that matches the path with the one that proxies to the server",
    "https://nginx.org/en/docs/http/ngx_http_core_module.html#location",
    bad="direct -> 101; front -> 404",
    good="direct -> 101; front -> 101",
)
HTTP2 = Cause(
    "WS137",
    "upgrade-over-http2",
    "error",
    "the Upgrade header travels over HTTP/2",
    "HTTP/2 and HTTP/3 have no Upgrade; WebSockets need the extended CONNECT of RFC 8441 there. "
    "Nginx answers 400 to it since 1.31.0.",
    "make the proxy in front speak HTTP/1.1 to this one",
    "https://www.rfc-editor.org/rfc/rfc8441#section-4",
    bad="proxy_http_version 2; proxy_set_header Upgrade $http_upgrade;",
    good="proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;",
)
QUERY = Cause(
    "WS138",
    "query-dropped",
    "error",
    "a hop drops the query",
    "A proxy_pass with a path and a variable does not add the query: tokens in the query get lost.",
    "add $is_args$args to the proxy_pass",
    f"{_MODULE}#proxy_pass",
    bad="proxy_pass http://ws$uri;",
    good="proxy_pass http://ws$uri$is_args$args;",
)
CAUSES = (UPGRADE, CONNECTION, HTTP10, HOST, PATH, ALONE, HTTP2, QUERY)

# What servers write when a header did not arrive: websockets, ws, Go, Tomcat and ours. Most check
# Connection first, so a complaint about it says nothing about Upgrade: the fix sets both.
_NOT_ARRIVED = re.compile(
    r"(missing|invalid|no) (or invalid )?(the )?[\"'`]?(upgrade|connection)"
    r"|(upgrade|connection)[\"'`]? (header )?(is )?(missing|not found|required)"
    r"|token not found in .{0,3}(upgrade|connection)"
    r"|connection[\"'`]? must be [\"'`]?upgrade|upgrade token not found"
    r"|expected .{0,20}upgrade|can [\"'`]?upgrade[\"'`]? only to [\"'`]?websocket",
    re.IGNORECASE,
)


def over_http2(evidence: Evidence) -> Finding | None:
    """Find an answer that names HTTP/2, or an Nginx that refuses an Upgrade over HTTP/2."""
    text = evidence.base.text
    if evidence.base.status not in {400, 421, 426, 501, 505} or not re.search(r"HTTP/[23]", text):
        return None
    return found(evidence, HTTP2, f"answers {evidence.base.says} and names HTTP/2")


def altered_path(evidence: Evidence) -> Finding | None:
    """Find a path for which the next hop gives the answer that came through the front."""
    if not evidence.next or evidence.base.status != 404:
        return None
    for item in evidence.varied_next:
        if item.question.variation in _PATHS and is_alike(item, evidence.base):
            message = f"the next hop answers the same {item.says} when asked {item.question.label}"
            return found(evidence, PATH, message, seen=asked(evidence.next, item))
    return None


def imitated(evidence: Evidence) -> Finding | None:
    """Alter the handshake as faulty proxies do; the fault is what gives the front's answer.

    Some servers answer all of these alike. Then it is Upgrade, and its fix covers them all.
    """
    if not evidence.next or evidence.base.is_open:
        return None
    for cause, variation in _FAULTS:
        item = evidence.of_next(variation)
        if item and not item.is_open and is_alike(item, evidence.base):
            message = f"the next hop gives the same answer to a handshake {item.question.label}"
            return found(evidence, cause, message, seen=asked(evidence.next, item))
    return None


def said(evidence: Evidence) -> Finding | None:
    """Find a server that names the header that did not arrive, although it was sent."""
    if evidence.base.status not in {400, 404, 405, 426}:
        return None
    text = evidence.base.text[:500]
    seen = asked(evidence.next)
    if evidence.base.status == 426 and evidence.next:
        return found(
            evidence, UPGRADE, "the server did not receive the Upgrade that was sent", seen=seen
        )
    if _NOT_ARRIVED.search(text):
        return found(evidence, UPGRADE, f"the server says: {_line(text)}", seen=seen)
    return None


def old_version(evidence: Evidence) -> Finding | None:
    """Find a server that reports a request over HTTP/1.0."""
    text = evidence.base.text[:500]
    is_said = bool(re.search(r"HTTP/1\.0|HTTP version|expected HTTP/1\.1", text, re.IGNORECASE))
    refused = evidence.base.status in {400, 405, 426, 505}
    if refused and (is_said or evidence.base.status == 505):
        return found(evidence, HTTP10, f"answers {evidence.base.says}: {_line(text)}")
    return None


def alone(evidence: Evidence) -> Finding | None:
    """Report a next hop that works, when no variation shows the fault."""
    if not evidence.next or not evidence.base.head or evidence.base.status in {502, 503, 504}:
        return None
    name = evidence.next.question.target.name
    message = f"answers {evidence.base.says}, while {name} opens the same handshake"
    return found(evidence, ALONE, message, seen=asked(evidence.next))


_PATHS = (Variation.WITHOUT_PREFIX, Variation.WITH_SLASH, Variation.WITHOUT_SLASH)
_FAULTS = (
    (QUERY, Variation.WITHOUT_QUERY),
    (HOST, Variation.OTHER_HOST),
    (UPGRADE, Variation.WITHOUT_UPGRADE),
    (UPGRADE, Variation.WITHOUT_BOTH),
    (CONNECTION, Variation.CONNECTION_CLOSE),
    (HTTP10, Variation.BY_HTTP_1_0),
    (HTTP2, Variation.BY_HTTP2),
)
FAMILY = Family(CAUSES, specific=(over_http2, altered_path, old_version, imitated, said, alone))


def _line(text: str) -> str:
    """Return the first line of a body, shortened."""
    return (text.strip().splitlines() or [""])[0][:120]
