"""Conclusions about frameworks with a protocol of their own, and about third-party proxies."""

from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding

_SOCKET_IO = "https://socket.io/docs/v4"

SOCKET_IO = Cause(
    "WS197",
    "socket-io-polling-only",
    "error",
    "Socket.IO answers polling, but its WebSocket does not open",
    "Polling needs no Upgrade, so the application works, but slowly: a hop drops the upgrade on "
    "this path, or the path is not Socket.IO's.",
    "pass Upgrade on /socket.io/; the WebSocket is /socket.io/?EIO=4&transport=websocket",
    f"{_SOCKET_IO}/reverse-proxy/",
    bad="GET /socket.io/?EIO=4&transport=polling -> 200; …&transport=websocket -> 400",
    good="GET /socket.io/?EIO=4&transport=websocket -> 101",
)
SIGNALR = Cause(
    "WS198",
    "signalr-negotiates-only",
    "error",
    "SignalR negotiates, but its WebSocket does not open",
    "The negotiation is an ordinary POST that passes every proxy; the client then falls back to "
    "server-sent events or long polling.",
    "pass Upgrade on the hub's path, and enable WebSockets in the server (IIS: the feature)",
    "https://learn.microsoft.com/aspnet/core/signalr/scale#nginx",
    bad="POST /hub/negotiate -> 200; GET /hub (Upgrade) -> 400",
    good="GET /hub (Upgrade) -> 101",
)
STICKY = Cause(
    "WS199",
    "session-not-sticky",
    "error",
    "the session belongs to another server process",
    "Socket.IO begins with polling and continues with the same session; with several servers "
    "each request may reach another one, which does not know the session.",
    "make the front sticky (hash or ip_hash in the upstream), or use transports: ['websocket']",
    f"{_SOCKET_IO}/using-multiple-nodes/#why-is-sticky-session-required",
    bad='400 {"code":1,"message":"Session ID unknown"}',
    good="upstream app { ip_hash; server …; server …; }",
)
FOREIGN = Cause(
    "WS188",
    "foreign-proxy",
    "info",
    "a third-party proxy is on the path",
    "The answer has the marks of a CDN, a load balancer or a cache. It may have made the answer "
    "itself, and closes idle connections after its own limit.",
    "check the WebSocket settings of that service; compare with --hop origin=URL",
    "https://www.rfc-editor.org/rfc/rfc9110#section-7.6.3",
    bad="502, Server: cloudflare, CF-RAY: …",
    good="101, Server: cloudflare",
)
CAUSES = (SOCKET_IO, SIGNALR, STICKY, FOREIGN)
# A header of the service, its name, and how long it keeps an idle connection, if known.
_MARKS = (
    ("cf-ray", "Cloudflare", "about 100 s"),
    ("x-amz-cf-id", "Amazon CloudFront", "10 min"),
    ("x-amzn-trace-id", "an AWS load balancer", "60 s"),
    ("x-amzn-requestid", "Amazon API Gateway", "10 min"),
    ("x-azure-ref", "Azure Front Door", "4 min"),
    ("x-vercel-id", "Vercel", ""),
    ("fly-request-id", "Fly.io", "60 s"),
    ("x-served-by", "Fastly or Varnish", ""),
    ("x-cache", "a cache", ""),
    ("via", "a proxy", ""),
)


def unknown_session(evidence: Evidence) -> Finding | None:
    """Find the error that Engine.IO reports itself."""
    if evidence.base.status != 400 or "Session ID unknown" not in evidence.base.text:
        return None
    return found(evidence, STICKY, "the server answers: Session ID unknown")


def socket_io(evidence: Evidence) -> Finding | None:
    """Find polling that works while the WebSocket does not."""
    polling = evidence.of(Variation.POLLING)
    if not polling or polling.status != 200 or evidence.base.is_open:
        return None
    if '"sid"' not in polling.text or evidence.base.status in {401, 403}:
        return None
    message = f"polling answers 200, the WebSocket {evidence.base.says}"
    return found(evidence, SOCKET_IO, message, seen=asked(polling))


def signalr(evidence: Evidence) -> Finding | None:
    """Find a negotiation that works while the WebSocket does not."""
    answer = evidence.of(Variation.NEGOTIATE)
    if not answer or answer.status != 200 or evidence.base.is_open:
        return None
    if "availableTransports" not in answer.text:
        return None
    message = f"negotiate answers 200, the WebSocket {evidence.base.says}"
    return found(evidence, SIGNALR, message, seen=asked(answer))


def foreign_proxy(evidence: Evidence, *, has_failed: bool) -> Finding | None:
    """Name the service, if something failed."""
    head = evidence.bases[0].head
    if not has_failed or not head:
        return None
    for header, name, limit in _MARKS:
        if value := head.get(header):
            known = f"; it closes idle connections after {limit}" if limit else ""
            message = f"the answer came through {name} ({header}: {value[:60]}){known}"
            return found(evidence, FOREIGN, message)
    return None


CONCLUSIONS = (unknown_session, socket_io, signalr)
REMARKS = (foreign_proxy,)
