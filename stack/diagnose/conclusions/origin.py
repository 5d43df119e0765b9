"""Conclusions about the Origin header and the Host it is compared with."""

from stack.diagnose.evidence import Evidence, beside, found
from stack.diagnose.finding import Cause, Finding

REFUSED = Cause(
    "WS151",
    "origin-refused",
    "error",
    "the server refuses the Origin of the page",
    "Browsers send the page's origin, and the server lets only some in (or only its own Host): "
    "the same handshake with another Origin, or without one, opens.",
    "add the page's origin to the server's allowed origins; behind a proxy pass Host unchanged",
    "https://www.rfc-editor.org/rfc/rfc6455#section-10.2",
    bad="Origin: http://localhost:3000 -> 403; without Origin -> 101",
    good="Origin: http://localhost:3000 -> 101",
)
CAUSES = (REFUSED,)


def refused(evidence: Evidence) -> Finding | None:
    """Another origin, or none, is let in."""
    if evidence.base.is_open or evidence.next:
        return None
    labels = ("no origin", "own origin", "foreign origin")
    opening = [label for label in labels if evidence.opens(label)]
    if not opening:
        return None
    message = f"refuses Origin {evidence.options.origin}; opens with {' and '.join(opening)}"
    fix = f"add {evidence.options.origin} to the server's allowed origins"
    return found(evidence, REFUSED, message, fix, beside(*map(evidence.of, labels)))


def named(evidence: Evidence) -> Finding | None:
    """The refusal itself speaks of the origin, though no other one is let in."""
    if evidence.base.status not in {400, 403} or evidence.next:
        return None
    text = evidence.base.text.lower()
    if "origin" not in text:
        return None
    message = f"refuses Origin {evidence.options.origin}, as its answer says"
    fix = f"add {evidence.options.origin} to the server's allowed origins"
    return found(evidence, REFUSED, message, fix, beside(evidence.of("no origin")))


CONCLUSIONS = (refused, named)
