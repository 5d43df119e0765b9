"""WebSockets that open and then end: at once, in silence, or by a frame that is wrong."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.conclusions.after import meaning
from stack.diagnose.doctor.evidence import Evidence
from stack.probe.exchange import Ending
from tests.unit.diagnose.seen import OPTIONS, answered, evidence
from tests.unit.diagnose.tables import concluded, table, told

WATCHED = replace(OPTIONS, idle=60.0)


def ended(code: int, after: float = 0.0, broken: str = "") -> Evidence:
    return evidence(answered(101, ending=Ending(code, "", after, broken)))


def held(code: int, after: float) -> Evidence:
    """Give the same where the user wants to see how long silence lasts."""
    return replace(ended(code, after), options=WATCHED)


@table(
    {
        "a frame is wrong": (ended(1002, broken="it is masked"), "WS184 error"),
        "the same close code, and no frame is wrong": (ended(1002), "WS181 error"),
        "a frame is wrong after long silence": (
            replace(ended(1006, 30.0, "it is masked"), options=WATCHED),
            "WS184 error",
        ),
        "nothing ended": (evidence(answered(101)), ""),
    }
)
def test_a_frame_that_no_client_may_accept(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "cut after a while": (held(1006, 30.0), "WS183 error"),
        "the server fails after a while": (held(1011, 30.0), "WS183 error"),
        "cut after just one second": (held(1006, 1.0), "WS183 error"),
        "cut sooner": (held(1006, 0.99), "WS182 error"),
        "nobody watches for silence": (ended(1006, 30.0), "WS182 error"),
        "the server refuses after a while": (held(1008, 30.0), "WS181 error"),
        "nothing was opened": (evidence(answered(404), options=WATCHED), "WS142 error"),
        "nothing ended": (evidence(answered(101), options=WATCHED), ""),
    }
)
def test_a_silence_that_is_cut(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "no close frame": (ended(1006), "WS182 error"),
        "a close frame that says no code": (ended(1005), "WS181 error"),
        "the next code": (ended(1007), "WS181 error"),
        "nothing ended": (evidence(answered(101)), ""),
        "nothing was opened": (evidence(answered(404)), "WS142 error"),
    }
)
def test_an_end_right_after_the_101(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_the_reason_of_the_server_is_told_if_it_gave_one() -> None:
    seen = evidence(answered(101, ending=Ending(4001, "no token", 0.0)))
    assert told(seen).endswith("look it up in its documentation), reason 'no token'")
    assert told(ended(4001)).endswith("look it up in its documentation)")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2999, "a code without a defined meaning"),
        (3000, "a code of a library or framework"),
        (3999, "a code of a library or framework"),
        (4000, "a code of this application: look it up in its documentation"),
        (4999, "a code of this application: look it up in its documentation"),
        (5000, "a code without a defined meaning"),
        (1003, "unsupported data"),
    ],
)
def test_the_ranges_of_close_codes(code: int, words: str) -> None:
    assert meaning(code) == words
