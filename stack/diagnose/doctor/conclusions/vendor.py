"""Conclusions about frameworks with a protocol of their own."""

from stack.diagnose.doctor.conclusions.family import Family
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
CAUSES = (SOCKET_IO, SIGNALR, STICKY)


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


FAMILY = Family(CAUSES, specific=(unknown_session, socket_io, signalr))
