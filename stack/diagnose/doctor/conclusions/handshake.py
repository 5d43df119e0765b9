"""Conclusions about invalid 101 answers, and about refusals of the handshake's own headers."""

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found, is_alike
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding
from stack.probe.exchange import Exchange
from stack.probe.handshake import expected_accept

_RFC = "https://www.rfc-editor.org/rfc/rfc6455"

ACCEPT = Cause(
    "WS171",
    "accept-wrong",
    "error",
    "the 101 has a wrong Sec-WebSocket-Accept",
    "The value proves that the server read this key. Browsers refuse a cached answer and a value "
    "that is computed in another way.",
    "disable caching on the path; accept = base64(sha1(key + the GUID of RFC 6455))",
    f"{_RFC}#section-4.2.2",
    bad="101, Sec-WebSocket-Accept of another key",
    good="101, Sec-WebSocket-Accept of this key",
)
HALF_101 = Cause(
    "WS172",
    "switching-without-upgrade",
    "error",
    "the 101 lacks Upgrade: websocket or Connection: Upgrade",
    "A browser requires both headers in the answer. A proxy that hides one breaks every WebSocket.",
    "remove proxy_hide_header Upgrade (or whatever else drops it) from the hop in between",
    f"{_RFC}#section-4.1",
    bad="101 without Upgrade: websocket",
    good="101, Upgrade: websocket, Connection: Upgrade",
)
NOT_ECHOED = Cause(
    "WS173",
    "subprotocol-not-echoed",
    "error",
    "the server chose none of the offered subprotocols",
    "If a client offers subprotocols, the server has to choose one of them: otherwise browsers "
    "(Chrome) close the connection.",
    "make the server choose one of those offered, or offer none in new WebSocket(url)",
    f"{_RFC}#section-4.1",
    bad="Sec-WebSocket-Protocol: graphql-transport-ws -> 101 without it",
    good="101, Sec-WebSocket-Protocol: graphql-transport-ws",
)
NOT_OFFERED = Cause(
    "WS174",
    "subprotocol-not-offered",
    "error",
    "the server chose a subprotocol that was not offered",
    "A browser closes the connection if it did not offer the chosen subprotocol.",
    "offer it in the page: new WebSocket(url, [NAME]), or make the server choose none",
    f"{_RFC}#section-4.1",
    bad="(nothing offered) -> 101, Sec-WebSocket-Protocol: chat",
    good="Sec-WebSocket-Protocol: chat -> 101, Sec-WebSocket-Protocol: chat",
)
DEMANDED = Cause(
    "WS175",
    "subprotocol-refused",
    "error",
    "the server refuses the handshake because of its subprotocol",
    "The same handshake with other subprotocols gets another answer: the server requires one, or "
    "does not accept those offered.",
    "offer what the server speaks: --subprotocol NAME here, new WebSocket(url, [NAME]) in the page",
    f"{_RFC}#section-1.9",
    bad="Sec-WebSocket-Protocol: soap -> 400",
    good="Sec-WebSocket-Protocol: mqtt -> 101",
)
EXTENSION = Cause(
    "WS176",
    "extension-not-offered",
    "error",
    "the server uses an extension that was not offered",
    "A browser closes the connection if the answer names an extension that it did not offer.",
    "switch off that extension in the server",
    f"{_RFC}#section-9.1",
    bad="101, Sec-WebSocket-Extensions: x-webkit-deflate-frame",
    good="101, Sec-WebSocket-Extensions: permessage-deflate",
)
REFUSED = Cause(
    "WS177",
    "handshake-refused",
    "error",
    "the server refuses the handshake",
    "The server understands HTTP and answers this handshake with an error. None of the "
    "variations changes that.",
    "check the server's log for this request",
    f"{_RFC}#section-4.2.2",
    bad="GET /ws -> 400 Bad Request",
    good="GET /ws -> 101 Switching Protocols",
)
# The version and configuration of this Nginx cannot be seen from the front.
_ASK_BEHIND = (
    "since 1.31 Nginx refuses an Upgrade that arrives over HTTP/2: is there a proxy_http_version "
    "2 on the way? --hop NAME=URL of the next hop proves it"
)
CAUSES = (ACCEPT, HALF_101, NOT_ECHOED, NOT_OFFERED, DEMANDED, EXTENSION, REFUSED)


def problem(exchange: Exchange) -> str:
    """Return what a browser would not accept in an otherwise valid 101; empty if it accepts all."""
    return "" if exchange.head is None else _subprotocol(exchange)[1] or _extension(exchange)


def wrong_accept(evidence: Evidence) -> Finding | None:
    """Compare the proof with the value that this key requires."""
    head = evidence.base.head
    if not head or head.status != 101 or not head.has_token("upgrade", "websocket"):
        return None
    wanted = expected_accept(evidence.base.question.key)
    got = head.get("sec-websocket-accept")
    if got == wanted:
        return None
    message = f"sec-websocket-accept is {got or 'missing'}, this key requires {wanted}"
    return found(evidence, ACCEPT, message)


def half_switched(evidence: Evidence) -> Finding | None:
    """Find a 101 that lacks one of its two headers."""
    head = evidence.base.head
    if not head or head.status != 101 or evidence.base.is_open:
        return None
    lacks = [name for name in ("upgrade", "connection") if not head.get(name)]
    message = f"answered 101 without {' and '.join(lacks) or 'the right'} header"
    return found(evidence, HALF_101, message, seen=asked(evidence.next))


def subprotocol(evidence: Evidence) -> Finding | None:
    """Compare the offered subprotocols with the chosen one."""
    cause, message = _subprotocol(evidence.base)
    return found(evidence, cause, message) if cause else None


def extension(evidence: Evidence) -> Finding | None:
    """Compare the extensions."""
    message = _extension(evidence.base)
    return found(evidence, EXTENSION, message) if message else None


def demanded(evidence: Evidence) -> Finding | None:
    """Find a handshake that opens without the offer, or a refusal that names subprotocols."""
    if evidence.base.is_open or not 400 <= evidence.base.status < 500:
        return None
    other = evidence.of(Variation.NO_SUBPROTOCOL)
    says_so = "subprotocol" in evidence.base.text.lower().replace("-", "")
    if not evidence.opens(Variation.NO_SUBPROTOCOL) and not says_so:
        return None
    offered = _offered(evidence.base)
    message = (
        f"refuses {', '.join(offered)}" if offered else "requires a subprotocol, none is offered"
    )
    return found(evidence, DEMANDED, message, seen=asked(other))


def refused(evidence: Evidence) -> Finding | None:
    """Report the status if nothing more specific explains it."""
    plain = evidence.of(Variation.PLAIN)
    if _is_refused_by_nginx(evidence.base) and plain and not is_alike(plain, evidence.base):
        message = f"an Nginx answers {evidence.base.says} with its own page, and only to an Upgrade"
        return found(evidence, REFUSED, message, _ASK_BEHIND, asked(plain))
    message = f"answers {evidence.base.says}, not 101 Switching Protocols"
    return found(evidence, REFUSED, message, seen=asked(plain))


FAMILY = Family(CAUSES, specific=(wrong_accept, half_switched, subprotocol, extension, demanded))


def _is_refused_by_nginx(exchange: Exchange) -> bool:
    return exchange.status == 400 and "<center>nginx" in exchange.text


def _offered(exchange: Exchange) -> list[str]:
    rows = [
        value
        for name, value in exchange.question.headers
        if name.lower() == "sec-websocket-protocol"
    ]
    return [name.strip() for row in rows for name in row.split(",")]


def _subprotocol(exchange: Exchange) -> tuple[Cause | None, str]:
    if not exchange.is_open or not exchange.head:
        return None, ""
    offered, chosen = _offered(exchange), exchange.head.get("sec-websocket-protocol")
    if chosen and chosen not in offered:
        return NOT_OFFERED, f"the server chose {chosen}, offered: {', '.join(offered) or 'nothing'}"
    if offered and not chosen:
        return NOT_ECHOED, f"the server chose none of {', '.join(offered)}"
    return None, ""


def _extension(exchange: Exchange) -> str:
    if not exchange.is_open or not exchange.head:
        return ""
    rows = exchange.head.get("sec-websocket-extensions").split(",")
    names = {row.partition(";")[0].strip() for row in rows} - {"", "permessage-deflate"}
    return f"the server uses {', '.join(sorted(names))}, which was not offered" if names else ""
