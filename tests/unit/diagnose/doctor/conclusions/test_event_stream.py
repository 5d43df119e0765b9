"""Clients that get in without an upgrade."""

from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange
from tests.unit.diagnose.seen import answered, evidence, varied
from tests.unit.diagnose.tables import concluded, table

EVENTS = (("content-type", "text/event-stream; charset=utf-8"),)
REFUSED = '\n55\ndata: {"push":{"disconnect":{"code":3500,"reason":"invalid token"}}}\n'


def streamed(base: Exchange, answer: Exchange) -> Evidence:
    return evidence(base, varied=(varied(Variation.FALLBACK, answer),))


@table(
    {
        "events come": (
            streamed(answered(426), answered(200, REFUSED, EVENTS)),
            "WS177 error, WS153 info",
        ),
        "the page of an app": (
            streamed(answered(426), answered(200, "<p>", (("content-type", "text/html"),))),
            "WS177 error",
        ),
        "a stream that is held back": (
            streamed(answered(426), answered(200, "", EVENTS)),
            "WS177 error",
        ),
        "it is refused": (streamed(answered(426), answered(400, REFUSED, EVENTS)), "WS177 error"),
        "nobody asked": (evidence(answered(426)), "WS177 error"),
        "the upgrade works": (streamed(answered(101), answered(200, REFUSED, EVENTS)), ""),
    }
)
def test_an_event_stream(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected
