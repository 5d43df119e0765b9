"""Conclusions about HTTP/2: servers that speak only HTTP/2, and what browsers do with them."""

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding, Severity
from stack.probe.exchange import is_http2

_RFC = "https://www.rfc-editor.org/rfc/rfc8441"

ONLY = Cause(
    "WS111",
    "http2-only",
    "error",
    "the port speaks HTTP/2 only",
    "A WebSocket begins with an Upgrade of HTTP/1.1, and HTTP/2 has none. A browser uses HTTP/2 "
    "only if it has a page of the same server open and the server announces WebSockets (RFC "
    "8441).",
    "enable HTTP/1.1 in the server (ALPN http/1.1; Node: allowHTTP1), or use another port",
    f"{_RFC}#section-3",
    bad="GET /ws HTTP/1.1 -> (a SETTINGS frame of HTTP/2)",
    good="GET /ws HTTP/1.1 -> 101 Switching Protocols",
)
CONNECT = Cause(
    "WS139",
    "extended-connect-refused",
    "warning",
    "the server announces WebSockets over HTTP/2 and refuses them",
    "If a server announces SETTINGS_ENABLE_CONNECT_PROTOCOL, browsers send an extended CONNECT "
    "on the connection of the page, and do not fall back to HTTP/1.1 when it is refused. Other "
    "programs use HTTP/1.1 and do not fail.",
    "handle the CONNECT like the Upgrade, or stop announcing it",
    f"{_RFC}#section-4",
    bad="GET /ws (Upgrade) -> 101; CONNECT /ws (:protocol websocket) -> 403",
    good="GET /ws (Upgrade) -> 101; CONNECT /ws (:protocol websocket) -> 200",
)
CAUSES = (ONLY, CONNECT)


def only(evidence: Evidence) -> Finding | None:
    """Find a server that answers HTTP/2 but not HTTP/1.1, or bytes of HTTP/2."""
    other = evidence.of(Variation.PLAIN_BY_HTTP2)
    is_answered = other is not None and other.head is not None
    if evidence.base.head or not (is_answered or is_http2(evidence.base.raw)):
        return None
    message = f"a handshake over HTTP/1.1 gets: {evidence.base.says}"
    message += "; HTTP/2 is answered" if is_answered else ""
    return found(evidence, ONLY, message, seen=asked(other))


def extended_connect(evidence: Evidence, *, has_failed: bool) -> Finding | None:
    """Find a path that opens over HTTP/1.1 but not over HTTP/2, which browsers use.

    Browsers certainly use it only if the page came from this server. HTTP_1_1_REQUIRED makes them
    return to HTTP/1.1 (RFC 9113 §8.1.1).
    """
    answer = evidence.of(Variation.EXTENDED_CONNECT)
    if has_failed or not answer or answer.failure in {"not-offered", "tls", "http-1.1"}:
        return None
    if 200 <= answer.status < 300:
        return None
    is_own = evidence.options.origin == evidence.target.origin
    says = answer.says if answer.head else f"nothing: {answer.says}"
    message = f"the Upgrade over HTTP/1.1 opens, the extended CONNECT over HTTP/2 gets {says}"
    severity: Severity = "error" if is_own and answer.head else "warning"
    return found(evidence, CONNECT, message, seen=asked(answer), severity=severity)


FAMILY = Family(CAUSES, specific=(only,), remarks=(extended_connect,))
