"""Conclusions about messages that are too large."""

from dataclasses import replace

from stack.diagnose.doctor.conclusions.after import meaning
from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, Seen, found
from stack.diagnose.doctor.measured import Sizes
from stack.finding import Cause, Finding
from stack.probe.exchange import Ending

TOO_LARGE = Cause(
    "WS185",
    "message-too-large",
    "error",
    "messages above a certain size end the connection",
    "Servers limit what they keep in memory: websockets for Python accepts 1 MiB per message, "
    "Socket.IO 1 MB, Tomcat 8 KiB. Nginx does not inspect a WebSocket and has no such limit.",
    "send it in parts or over HTTP, or raise the server's limit (max_size, maxPayload, …)",
    "https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1",
    bad="101, a message of 65,537 bytes, then close 1009",
    good="101, a message of 65,537 bytes, and it stays open",
)
UNTOLD = Cause(
    "WS178",
    "message-untold",
    "info",
    "the test message does not show a size limit",
    "The server closes the connection on any message that it does not understand, or does not "
    "read it: the test message consists of letters only and does not follow your protocol.",
    "check whether the server's log names a size; test with messages of your own protocol",
    "https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1",
    bad="101, a message of 1 byte, then close 1003",
    good="101, a message of 1 byte, and it stays open",
)
CAUSES = (TOO_LARGE, UNTOLD)


def too_large(evidence: Evidence, *, has_failed: bool) -> Finding | None:
    """Find a connection that the message ended, or a message that was not read."""
    sizes = evidence.sizes
    if has_failed or not sizes or sizes.passes:
        return None
    evidence = replace(evidence, suspect=0)
    if sizes.ending is None:
        message = f"accepts only {sizes.sent:,} of {sizes.wanted:,} bytes before the time limit"
        return found(evidence, UNTOLD, message)
    end = f"{sizes.ending.code} ({meaning(sizes.ending.code)})"
    if sizes.small and sizes.small.code == sizes.ending.code:
        message = f"a message of 1 byte ends the connection with {end} as well: not a size limit"
        return found(evidence, UNTOLD, message, seen=_seen(sizes, sizes.ending))
    return found(evidence, TOO_LARGE, _message(sizes, end), seen=_seen(sizes, sizes.ending))


FAMILY = Family(CAUSES, remarks=(too_large,))


def _message(sizes: Sizes, end: str) -> str:
    if sizes.failed - sizes.passed == 1:
        return f"messages larger than {sizes.passed:,} bytes end the connection with {end}"
    if sizes.passed:
        between = f"between {sizes.passed:,} and {sizes.failed:,} bytes"
        return f"messages end the connection with {end} from a size {between}"
    return f"a message of {sizes.failed:,} bytes ends the connection with {end}"


def _seen(sizes: Sizes, ending: Ending) -> tuple[Seen, ...]:
    small = f"close {sizes.small.code}" if sizes.small else "stays open"
    rows = [("1 byte", small)] if sizes.small or sizes.passed else []
    rows += [(f"{sizes.passed:,} bytes", "stays open")] if sizes.passed > 1 else []
    return (*rows, (f"{sizes.failed:,} bytes", f"close {ending.code}"))
