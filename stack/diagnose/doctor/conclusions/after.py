"""Conclusions about WebSockets that open and then end."""

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, found
from stack.finding import Cause, Finding

_CODES = "https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1"

CLOSED = Cause(
    "WS181",
    "closed-at-once",
    "error",
    "the server closes the WebSocket right after opening it",
    "The handshake succeeds; the close code then says why the server ends the connection.",
    "check the server's log; 1008 and 4xxx mostly mean that credentials are missing",
    _CODES,
    bad="101, then close 1008",
    good="101, and it stays open",
)
CUT = Cause(
    "WS182",
    "cut-after-opening",
    "error",
    "the connection is cut right after the 101",
    "It ends without a close frame, which a page sees as 1006: the process crashed on the new "
    "connection, or a proxy in between dropped it.",
    "check the log of the server, then of the proxy, at this time",
    _CODES,
    bad="101, then the end of the connection",
    good="101, and it stays open",
)
IDLE = Cause(
    "WS183",
    "idle-cut",
    "error",
    "the WebSocket is cut when it is idle",
    "Proxies close idle connections: Nginx after proxy_read_timeout (60 s by default), load "
    "balancers after 60 to 350 s.",
    "send a ping more often than that, or raise proxy_read_timeout and proxy_send_timeout",
    "https://nginx.org/en/docs/http/websocket.html",
    bad="101, silence, cut after 60 s",
    good="a ping every 20 s; proxy_read_timeout 1h;",
)
BROKEN = Cause(
    "WS184",
    "frame-broken",
    "error",
    "the server sends a frame that no client may accept",
    "The bytes after the 101 break the framing: compression that was not negotiated (a proxy "
    "drops Sec-WebSocket-Extensions), masked frames, or text written into the stream of frames.",
    "switch compression off in the server to see whether it is the cause",
    "https://www.rfc-editor.org/rfc/rfc6455#section-5.2",
    bad="101 without extensions, then a frame with RSV1",
    good="101, Sec-WebSocket-Extensions: permessage-deflate, then a frame with RSV1",
)
CAUSES = (CLOSED, CUT, IDLE, BROKEN)
AT_ONCE = 1.0  # seconds; a connection that ends later than this was idle

MEANINGS = {
    1000: "normal closure",
    1001: "going away: the server stops or restarts",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no code given",
    1006: "no close frame at all",
    1007: "invalid data, such as text that is not UTF-8",
    1008: "policy violation: mostly origin or credentials",
    1009: "message too big",
    1010: "an extension is missing",
    1011: "the server failed: check its log",
    1012: "service restart",
    1013: "try again later: overloaded",
    1014: "bad gateway",
    1015: "TLS failure",
}


def meaning(code: int) -> str:
    """Return the meaning of a close code (RFC 6455 §7.4, IANA's registry)."""
    if 3000 <= code <= 3999:
        return "a code of a library or framework"
    if 4000 <= code <= 4999:
        return "a code of this application: look it up in its documentation"
    return MEANINGS.get(code, "a code without a defined meaning")


def broken(evidence: Evidence) -> Finding | None:
    """Find a frame that breaks the framing rules."""
    ending = evidence.base.ending
    if not ending or not ending.broken:
        return None
    return found(evidence, BROKEN, f"the first frame is wrong: {ending.broken}")


def idle(evidence: Evidence) -> Finding | None:
    """Find a connection that was cut while it was idle."""
    ending = evidence.base.ending
    if not evidence.options.idle or not ending or ending.after < AT_ONCE:
        return None
    if ending.code not in {1006, 1011}:
        return None
    seconds = f"{ending.after:.1f}"
    message = f"cut after {seconds} s of silence with {ending.code} ({meaning(ending.code)})"
    return found(evidence, IDLE, message, seen=[("cut after", f"{seconds} s")])


def closed(evidence: Evidence) -> Finding | None:
    """Find a close frame, or an end without one."""
    ending = evidence.base.ending
    if not ending:
        return None
    cause = CUT if ending.code == 1006 else CLOSED
    said = f", reason {ending.reason!r}" if ending.reason else ""
    message = f"opens, then ends with {ending.code} ({meaning(ending.code)}){said}"
    return found(evidence, cause, message)


FAMILY = Family(CAUSES, specific=(broken, idle, closed))
