"""Conclusions about gateways without a server, failing servers, limits, and bad upstreams."""

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding

_STATUS = "https://www.rfc-editor.org/rfc/rfc9110#section-15.6"

BAD_GATEWAY = Cause(
    "WS191",
    "bad-gateway",
    "error",
    "the proxy cannot reach its upstream (502)",
    "The proxy runs; its upstream refuses, does not exist, or closes without an answer. Nginx "
    "resolves a literal name once: a container that was recreated has another address.",
    "check that the upstream runs, and its address: the proxy's error log names it",
    f"{_STATUS}.3",
    bad="GET /ws -> 502 Bad Gateway",
    good="GET /ws -> 101 Switching Protocols",
)
UNAVAILABLE = Cause(
    "WS192",
    "unavailable",
    "error",
    "the service is not available (503)",
    "The proxy has no live upstream, the server is starting or overloaded, or a limit is "
    "reached: Nginx answers 503 for limit_conn and limit_req by default.",
    "check whether the upstreams are live, and limit_conn and limit_req",
    f"{_STATUS}.4",
    bad="GET /ws -> 503 Service Unavailable",
    good="GET /ws -> 101 Switching Protocols",
)
GATEWAY_TIMEOUT = Cause(
    "WS193",
    "gateway-timeout",
    "error",
    "the upstream of the proxy does not answer in time (504)",
    "The proxy got no answer from the upstream: it hangs, or a firewall drops the connection.",
    "ask the upstream directly: --hop server=URL",
    f"{_STATUS}.5",
    bad="GET /ws -> 504 Gateway Time-out",
    good="GET /ws -> 101 Switching Protocols",
)
APPLICATION = Cause(
    "WS194",
    "application-error",
    "error",
    "the server fails on the handshake (5xx)",
    "The application itself raised an error while it handled the request.",
    "check the server's log for this request",
    f"{_STATUS}.1",
    bad="GET /ws -> 500 Internal Server Error",
    good="GET /ws -> 101 Switching Protocols",
)
LIMITED = Cause(
    "WS195",
    "rate-limited",
    "error",
    "the server limits the rate of connections (429)",
    "Too many handshakes came from here: a page that reconnects without a pause, or a limit that "
    "counts all clients behind one proxy as one.",
    "reconnect with increasing pauses; make the limit count the real client (real_ip)",
    "https://www.rfc-editor.org/rfc/rfc6585#section-4",
    bad="GET /ws -> 429 Too Many Requests",
    good="GET /ws -> 101 Switching Protocols",
)
INTERMITTENT = Cause(
    "WS196",
    "intermittent",
    "error",
    "the same handshake works only sometimes",
    "Several servers share this address, or one fails from time to time; at least one is bad.",
    "ask each of them: --hop NAME=URL; remove the bad one until it is repaired",
    "https://nginx.org/en/docs/http/ngx_http_upstream_module.html",
    bad="GET /ws four times -> 101, 502, 101, 502",
    good="GET /ws four times -> 101, 101, 101, 101",
)
AUTH_REQUEST = Cause(
    "WS189",
    "auth-request-failed",
    "error",
    "the proxy fails before it asks the server, most likely in auth_request (500)",
    "Nginx answers 500 itself if the subrequest of auth_request gets anything but 2xx, 401 or "
    "403: the authentication service is down, or answers 404 or a redirect.",
    "request the address of auth_request itself; it must answer 2xx, 401 or 403",
    "https://nginx.org/en/docs/http/ngx_http_auth_request_module.html",
    bad="auth_request /auth; and /auth -> 404",
    good="auth_request /auth; and /auth -> 204",
)
HEADERS = Cause(
    "WS190",
    "request-head-too-large",
    "error",
    "the request's headers are too large for the server",
    "A session cookie in several parts, or a token in the query, exceeds a limit: Nginx accepts "
    "8 KiB per line, websockets for Python 8,192 bytes, Node 16 KiB in total.",
    "shorten the cookie; or large_client_header_buffers 4 32k; and the server's own limit",
    "https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers",
    bad="400 Request Header Or Cookie Too Large",
    good="large_client_header_buffers 4 32k;",
)
CAUSES = (
    *(AUTH_REQUEST, HEADERS, BAD_GATEWAY, UNAVAILABLE, GATEWAY_TIMEOUT, APPLICATION, LIMITED),
    INTERMITTENT,
)


def intermittent(evidence: Evidence) -> Finding | None:
    """Count how often the same handshake opens."""
    again = evidence.again
    same = [evidence.base, *again]
    good = [item for item in same if item.is_open]
    if not again or len(good) in {0, len(same)}:
        return None
    if any(item.status == 429 for item in same):
        return None
    message = f"{len(same) - len(good)} of {len(same)} handshakes fail"
    return found(evidence, INTERMITTENT, message, seen=asked(*again))


def too_large(evidence: Evidence) -> Finding | None:
    """Find a 431, a 414, or Nginx's 400 with that text."""
    base = evidence.base
    said = "Too Large" in base.text or "line too long" in base.text
    if base.status in {414, 431} or (base.status in {400, 494} and said):
        return found(
            evidence, HEADERS, f"answers {base.says}", seen=asked(evidence.of(Variation.NO_TOKEN))
        )
    return None


def by_status(evidence: Evidence) -> Finding | None:
    """Report what the status alone shows."""
    status = evidence.base.status
    cause = {502: BAD_GATEWAY, 503: UNAVAILABLE, 504: GATEWAY_TIMEOUT, 429: LIMITED}.get(status)
    if status == 500 or (status > 504 and status != 505):
        cause = APPLICATION
    if not cause:
        return None
    message = f"answers {evidence.base.says}{_by(evidence)}"
    return found(evidence, cause, message, seen=asked(evidence.next, evidence.of(Variation.PLAIN)))


FAMILY = Family(CAUSES, specific=(too_large, by_status))


def _by(evidence: Evidence) -> str:
    """Return the author of the answer: the proxy's own page, or the application."""
    head = evidence.base.head
    server = head.get("server") if head else ""
    own = evidence.base.is_page_of_nginx or "no available server" in evidence.base.text
    if own:
        return f", by {server or 'the proxy'} itself"
    retry = head.get("retry-after") if head else ""
    return f", retry after {retry[:20]}" if retry else ""
