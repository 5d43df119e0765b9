"""Conclusions about connections that fail, and about answers that are not HTTP."""

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding
from stack.probe.exchange import Exchange

_TCP = "https://www.rfc-editor.org/rfc/rfc9293#section-3.5"
_HTTP = "https://www.rfc-editor.org/rfc/rfc9112#section-4"

REFUSED = Cause(
    "WS101",
    "connection-refused",
    "error",
    "nothing listens on that port",
    "The machine answered that no process accepts connections there: the server does not run, or "
    "listens on another port or another address.",
    "start the server, or correct the port",
    _TCP,
    bad="connect 127.0.0.1:3002 -> connection refused",
    good="connect 127.0.0.1:3002 -> connected",
)
TIMED_OUT = Cause(
    "WS102",
    "connection-timed-out",
    "error",
    "the connection attempt gets no answer at all",
    "Something drops the packets: a firewall, a wrong address, or a machine that is off. A "
    "machine without a listener would refuse the connection.",
    "open the port in the firewall, or correct the address",
    _TCP,
    bad="connect 192.0.2.1:443 -> silence",
    good="connect 127.0.0.1:443 -> connected",
)
NAME = Cause(
    "WS103",
    "name-unknown",
    "error",
    "the host name has no address",
    "The resolver of this machine has no address for the name. Names of containers exist only "
    "inside their Docker network.",
    "correct the name; from outside a container use localhost and the published port",
    "https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1",
    bad="resolve ws.invalid -> no address",
    good="resolve localhost -> 127.0.0.1",
)
IP_FAMILY = Cause(
    "WS104",
    "other-address-family",
    "error",
    "the server listens on the other IP version only",
    "`localhost` is ::1 for one program and 127.0.0.1 for another. A server that listens on only "
    "one of them refuses clients that use the other.",
    "make the server listen on both (host `::` or no host), or use the address that answers",
    "https://www.rfc-editor.org/rfc/rfc6761#section-6.3",
    bad="connect 127.0.0.1:3000 -> refused; connect [::1]:3000 -> connected",
    good="both connect",
)
WRONG_PORT = Cause(
    "WS105",
    "wrong-port",
    "error",
    "another port of this machine answers the handshake",
    "No WebSocket server answers on the port of the address, but one on another port of the "
    "machine completes the same handshake.",
    "use the port that answers, or make the front route the path to it",
    "https://www.rfc-editor.org/rfc/rfc6455#section-4.1",
    bad="GET ws://localhost:3000/ws -> 404; GET ws://localhost:3002/ws -> 101",
    good="GET ws://localhost:3002/ws -> 101",
)
SILENT = Cause(
    "WS106",
    "no-answer",
    "error",
    "the server accepts the connection and does not answer",
    "The connection was established, but no complete answer came within the time limit: the "
    "process hangs, has no handler for the `upgrade` event, or is a proxy that waits for its "
    "upstream.",
    "check the server's log for this request; a Node server needs a listener for `upgrade`",
    _HTTP,
    bad="GET /ws -> (nothing)",
    good="GET /ws -> 101 Switching Protocols",
)
CLOSED = Cause(
    "WS107",
    "closed-without-answer",
    "error",
    "the server closes the connection without an answer",
    "The connection was closed before the answer was complete: the process crashed on the "
    "request, or a firewall or TCP proxy has no server behind it.",
    "check the server's log for this request; behind a TCP proxy, check that its target runs",
    _HTTP,
    bad="GET /ws -> (closed)",
    good="GET /ws -> 101 Switching Protocols",
)
NOT_HTTP = Cause(
    "WS108",
    "not-http",
    "error",
    "the answer is not HTTP",
    "A WebSocket begins with an HTTP/1.1 answer. These bytes are something else: another kind of "
    "server listens there, or a handler writes to the socket without a status line.",
    "correct the port, or make the handler answer with a status line",
    _HTTP,
    bad="GET /ws -> 220 mail.example.com ESMTP",
    good="GET /ws -> HTTP/1.1 101 Switching Protocols",
)
NEXT_ORIGIN = Cause(
    "WS109",
    "next-dev-origin",
    "error",
    "Next.js refuses the origin of its hot-reload socket",
    "Since 15.2.2 the dev server answers a foreign Origin on its hot-reload socket with the "
    "plain bytes `Unauthorized`, without a status line (vercel/next.js#77253).",
    'add the page\'s host to allowedDevOrigins in next.config: allowedDevOrigins: ["HOST"]',
    "https://nextjs.org/docs/app/api-reference/config/next-config-js/allowedDevOrigins",
    bad="GET /_next/webpack-hmr, Origin: http://dev.example.com -> Unauthorized",
    good='allowedDevOrigins: ["dev.example.com"]',
)
UNREACHABLE = Cause(
    "WS110",
    "unreachable",
    "error",
    "there is no route to that address",
    "The system has no route to the address, or refuses to send to it.",
    "check the network (VPN, IPv6) and the address",
    _TCP,
    bad="connect [2001:db8::1]:443 -> network is unreachable",
    good="connect 127.0.0.1:443 -> connected",
)
LOOPBACK = Cause(
    "WS113",
    "loopback-only",
    "error",
    "the server listens on another address of this machine only",
    "A server on 127.0.0.1 refuses clients that use another address: containers, other machines, "
    "and this one if it uses its network address.",
    "make the server listen on 0.0.0.0 (for Vite and Next.js: --host 0.0.0.0)",
    "https://www.rfc-editor.org/rfc/rfc1122#section-3.2.1.3",
    bad="listen 127.0.0.1:3000; connect 192.168.0.5:3000 -> refused",
    good="listen 0.0.0.0:3000",
)
HEAD_TOO_LONG = Cause(
    "WS114",
    "endless-head",
    "error",
    "the header of the answer has no end",
    "The server sends more header bytes than clients read.",
    "find what adds headers without end; clients stop at 8 to 64 KiB",
    "https://www.rfc-editor.org/rfc/rfc6585#section-5",
    bad="GET /ws -> HTTP/1.1 200 OK, X-A: …, X-A: …, …",
    good="GET /ws -> 101 Switching Protocols",
)
CAUSES = (
    *(REFUSED, TIMED_OUT, NAME, IP_FAMILY, WRONG_PORT, SILENT, CLOSED, NOT_HTTP, NEXT_ORIGIN),
    *(UNREACHABLE, LOOPBACK, HEAD_TOO_LONG),
)


def other_family(evidence: Evidence) -> Finding | None:
    """Find one IP version that fails while the other opens: often two servers on one port."""
    base = evidence.base
    for other in _by_address(evidence):
        is_other = (":" in base.address) != (":" in other.address)
        is_better = other.is_open or (base.failure == "refused" and other.head)
        if is_other and is_better and not base.is_open:
            here, there = _shown(base.address), _shown(other.address)
            message = f"{here}: {base.says}, {there} answers {other.status}"
            return found(evidence, IP_FAMILY, message, seen=asked(other))
    return None


def neighbour(evidence: Evidence) -> Finding | None:
    """Find another port of this machine that completes the handshake."""
    answering = [item for item in evidence.neighbours if item.is_open]
    is_elsewhere = evidence.base.status in {0, 200, 204, 400, 404, 405, 426, 501}
    if not answering or evidence.next or not is_elsewhere:
        return None
    port = answering[0].question.target.port
    program = dict(evidence.programs).get(port, "")
    by = f" ({program})" if program else ""
    message = f"port {evidence.target.port}: {evidence.base.says}, port {port}{by} answers 101"
    fix = f"use port {port}, or make the front route {_path(evidence)} to it"
    return found(evidence, WRONG_PORT, message, fix, asked(answering[0]))


def loopback_only(evidence: Evidence) -> Finding | None:
    """Find a listener on the same port of another loopback address than the one that refused."""
    is_v6 = ":" in evidence.base.address
    rows = [(ip, port) for ip, port in evidence.listeners if (":" in ip) == is_v6 or ip == "::"]
    same = [ip for ip, port in rows if port == evidence.target.port]
    wide = {"0.0.0.0", "::"}  # noqa: S104 - the addresses of others
    if evidence.base.failure != "refused" or not same or wide & {*same}:
        return None
    if evidence.base.address in same:
        return None
    message = f"{evidence.base.address} is refused: the server listens on {', '.join(same)} only"
    return found(evidence, LOOPBACK, message)


def refused(evidence: Evidence) -> Finding | None:
    """Report that nothing listens, if nothing else explains the refusal."""
    if evidence.base.failure != "refused":
        return None
    message = f"nothing listens on {_shown(evidence.base.address)} port {evidence.target.port}"
    return found(evidence, REFUSED, message)


def no_connection(evidence: Evidence) -> Finding | None:
    """Find an attempt that fails in another way than by a refusal."""
    causes = {"timeout": TIMED_OUT, "name": NAME, "unreachable": UNREACHABLE}
    cause = causes.get(evidence.base.failure)
    if not cause:
        return None
    subject = evidence.target.host if cause is NAME else _shown(evidence.base.address)
    return found(evidence, cause, f"{subject}: {evidence.base.detail}")


def head_too_long(evidence: Evidence) -> Finding | None:
    """Find a header that is too long to be read."""
    if evidence.base.failure == "too-long":
        return found(evidence, HEAD_TOO_LONG, evidence.base.detail)
    return None


def no_answer(evidence: Evidence) -> Finding | None:
    """Find a connection without a complete answer."""
    cause = {"silent": SILENT, "closed": CLOSED}.get(evidence.base.failure)
    if not cause:
        return None
    plain = evidence.of(Variation.PLAIN)
    answered = f"; a plain request gets {plain.says}" if plain and plain.head else ""
    return found(evidence, cause, f"{evidence.base.says}{answered}", seen=asked(plain))


def next_origin(evidence: Evidence) -> Finding | None:
    """Find the plain bytes of Next's dev server."""
    raw = evidence.base.raw
    if evidence.base.head or not raw.startswith(b"Unauthorized"):
        return None
    host = evidence.options.origin.rpartition("//")[2].partition(":")[0]
    fix = f'next.config: allowedDevOrigins: ["{host}"]'
    message = f"the dev server refuses Origin {evidence.options.origin}"
    return found(evidence, NEXT_ORIGIN, message, fix, asked(evidence.of(Variation.NO_ORIGIN)))


def not_http(evidence: Evidence) -> Finding | None:
    """Find bytes of another protocol."""
    base = evidence.base
    if base.head or base.failure or not base.raw:
        return None
    begins = base.raw[:40].decode("latin-1")
    return found(evidence, NOT_HTTP, f"the answer begins with {begins!r}")


def neighbour_of_silence(evidence: Evidence) -> Finding | None:
    """Find a neighbouring port that opens, which explains best an answer that is not HTTP."""
    return None if evidence.base.head else neighbour(evidence)


FAMILY = Family(
    CAUSES,
    specific=(
        *(loopback_only, other_family, neighbour_of_silence, refused, no_connection, head_too_long),
        *(next_origin, not_http, no_answer),
    ),
    general=(neighbour,),
)


def _by_address(evidence: Evidence) -> tuple[Exchange, ...]:
    return tuple(item for item in evidence.varied if item.question.address)


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _path(evidence: Evidence) -> str:
    return evidence.target.path.partition("?")[0]
