"""Conclusions about HTTP/2: servers that speak nothing else, and what browsers do with it."""

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
    "A WebSocket begins with an Upgrade of HTTP/1.1, and HTTP/2 has none. A browser asks by HTTP/2 "
    "only where a page of the same server is open already, and the server announces it (RFC 8441).",
    "let the server speak HTTP/1.1 as well (ALPN http/1.1; Node: allowHTTP1), or use another port",
    f"{_RFC}#section-3",
    bad="GET /ws HTTP/1.1 -> (a SETTINGS frame of HTTP/2)",
    good="GET /ws HTTP/1.1 -> 101 Switching Protocols",
)
CONNECT = Cause(
    "WS139",
    "extended-connect-refused",
    "warning",
    "the server announces WebSockets by HTTP/2, and refuses them",
    "Where SETTINGS_ENABLE_CONNECT_PROTOCOL is announced, browsers send an extended CONNECT on the "
    "connection that the page came by, and do not try HTTP/1.1 when it is refused. Programs, which "
    "ask by HTTP/1.1, see nothing of it.",
    "handle the CONNECT as the Upgrade is handled, or stop announcing it",
    f"{_RFC}#section-4",
    bad="GET /ws (Upgrade) -> 101; CONNECT /ws (:protocol websocket) -> 403",
    good="GET /ws (Upgrade) -> 101; CONNECT /ws (:protocol websocket) -> 200",
)
CAUSES = (ONLY, CONNECT)


def only(evidence: Evidence) -> Finding | None:
    """HTTP/1.1 gets no answer, and HTTP/2 does, or the bytes are of HTTP/2."""
    other = evidence.of(Variation.PLAIN_BY_HTTP2)
    is_answered = other is not None and other.head is not None
    if evidence.base.head or not (is_answered or is_http2(evidence.base.raw)):
        return None
    message = f"a handshake by HTTP/1.1 gets: {evidence.base.says}"
    message += "; HTTP/2 is answered" if is_answered else ""
    return found(evidence, ONLY, message, seen=asked(other))


def extended_connect(evidence: Evidence, *, has_failed: bool) -> Finding | None:
    """What opens by HTTP/1.1 does not by HTTP/2, which is the way that browsers take.

    They take it for sure only where the page came from this very server. HTTP_1_1_REQUIRED sends
    them back to HTTP/1.1 (RFC 9113 §8.1.1).
    """
    answer = evidence.of(Variation.EXTENDED_CONNECT)
    if has_failed or not answer or answer.failure in {"not-offered", "tls", "http-1.1"}:
        return None
    if 200 <= answer.status < 300:
        return None
    is_own = evidence.options.origin == evidence.target.origin
    says = answer.says if answer.head else f"nothing: {answer.says}"
    message = f"the Upgrade by HTTP/1.1 opens, the extended CONNECT by HTTP/2 gets {says}"
    severity: Severity = "error" if is_own and answer.head else "warning"
    return found(evidence, CONNECT, message, seen=asked(answer), severity=severity)


CONCLUSIONS = (only,)
REMARKS = (extended_connect,)
