"""Concludes why a WebSocket does not open: evidence in, findings out. Pure.

The conclusions are asked in the order of the families: specific ones come first, and the first that
holds is the cause. Remarks are added to it.
"""

from dataclasses import replace

from stack.diagnose.doctor.conclusions import after, handshake, limits, server
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.families import FAMILIES
from stack.finding import Finding
from stack.probe.exchange import Ending, Exchange

CONCLUSIONS = (
    *(conclusion for family in FAMILIES for conclusion in family.specific),
    *(conclusion for family in FAMILIES for conclusion in family.general),
    handshake.refused,  # always holds
)
REMARKS = tuple(remark for family in FAMILIES for remark in family.remarks)


def is_healthy(exchange: Exchange) -> bool:
    """Whether a browser could use this WebSocket, as far as it was watched."""
    return (
        exchange.is_open
        and (exchange.ending is None or _is_farewell(exchange.ending))
        and not handshake.problem(exchange)
    )


def suspect(bases: tuple[Exchange, ...]) -> int:
    """Return the deepest hop that fails: the hops in front of it cannot do better.

    ``bases`` lead from the front to the server; the result is -1 if all are healthy.
    """
    failing = [index for index, base in enumerate(bases) if not is_healthy(base)]
    return failing[-1] if failing else -1


def conclude(evidence: Evidence) -> tuple[Finding, ...]:
    """Return the one cause and the remarks beside it; nothing if all is well.

    A hop that fails while the URL itself works is not an error: it may be out of our reach.
    """
    causes: tuple[Finding, ...] = ()
    if intermittent := limits.sometimes(evidence) or server.intermittent(evidence):
        causes = (intermittent,)
    elif not is_healthy(evidence.base):
        causes = _first(evidence)
    if evidence.suspect > 0 and is_healthy(evidence.bases[0]):
        causes = tuple(replace(cause, severity="info") for cause in causes)
    has_failed = any(cause.severity == "error" for cause in causes)
    said = (remark(evidence, has_failed=has_failed) for remark in REMARKS)
    return (*causes, *(finding for finding in said if finding))


def _first(evidence: Evidence) -> tuple[Finding, ...]:
    for conclusion in CONCLUSIONS:
        if finding := conclusion(evidence):
            return (finding,)
    return ()


def _is_farewell(ending: Ending) -> bool:
    """Whether the server closed the connection properly, and not at once."""
    return ending.code in {1000, 1001} and ending.after > after.AT_ONCE
