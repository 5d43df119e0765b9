"""A remark that clients get in without an upgrade: by the event stream of Centrifugo's SDKs."""

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding

WORKS = Cause(
    "WS153",
    "works-by-fallback",
    "info",
    "the upgrade fails, and clients that fall back get through",
    "Centrifugo's SDKs can do without a WebSocket: they read one long response (HTTP streaming or "
    "server-sent events) and post what they send. A client that is given these transports uses "
    "them by itself while the upgrade fails. Each message then costs a request, so the upgrade is "
    "worth mending.",
    "list the transports in the client: websocket first, then http_stream and sse",
    "https://centrifugal.dev/docs/transports/overview#bidirectional-emulation",
    bad="new Centrifuge('wss://shop.example/ws')",
    good="new Centrifuge([\n"
    "  { transport: 'websocket', endpoint: 'wss://shop.example/ws' },\n"
    "  { transport: 'sse', endpoint: 'https://shop.example/connection/sse' },\n"
    "])",
)
CAUSES = (WORKS,)


def works(evidence: Evidence, *, has_failed: bool) -> Finding | None:
    """Find an event stream beside a handshake that fails: it answers our connect command."""
    answer = evidence.of(Variation.FALLBACK)
    if not has_failed or answer is None or answer.head is None or answer.status != 200:
        return None
    is_stream = answer.head.get("content-type").startswith("text/event-stream")
    if not is_stream or b"data: {" not in answer.body:
        return None
    where = f"{'https' if evidence.target.tls else 'http'}://{evidence.target.authority}"
    message = "works by fallback: /connection/sse answers a connect command with events"
    fix = f"add {{transport: 'sse', endpoint: '{where}/connection/sse'}} to the client's transports"
    return found(evidence, WORKS, message, fix, asked(answer))


FAMILY = Family(CAUSES, remarks=(works,))
