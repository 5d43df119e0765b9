"""Gateways without a server, servers that fail, heads that are too large, and bad ones of many."""

import pytest

from stack.diagnose.doctor.conclusions import server
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange
from tests.unit.diagnose.seen import answered, evidence, failed, varied
from tests.unit.diagnose.tables import concluded, table, told

OPENED, BAD = answered(101), answered(404)


def again(base: Exchange, *others: Exchange, by: Variation = Variation.AGAIN) -> Evidence:
    rows = [varied(by, item, number) for number, item in enumerate(others)]
    return evidence(base, varied=tuple(rows))


@table(
    {
        "the first opens": (again(OPENED, BAD), "WS196 error"),
        "the last opens": (again(BAD, BAD, OPENED), "WS196 error"),
        "asked alone": (again(BAD, OPENED, by=Variation.AGAIN_ALONE), "WS196 error"),
        "all open": (again(OPENED, OPENED), ""),
        "none opens": (again(BAD, BAD), "WS142 error"),
        "nobody asked again": (evidence(BAD), "WS142 error"),
        "what opens is not the same": (again(BAD, OPENED, by=Variation.NO_TOKEN), "WS142 error"),
        "the others come too often": (again(OPENED, answered(429)), ""),
        "one comes too often": (again(OPENED, BAD, answered(429)), ""),
        "the first comes too often": (again(answered(429), OPENED), "WS195 error"),
    }
)
def test_a_handshake_that_fails_sometimes(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_how_many_fail_is_told() -> None:
    assert told(again(OPENED, BAD, failed("closed"), OPENED)) == "2 of 4 handshakes fail"


@table(
    {
        "a 414": (evidence(answered(414)), "WS190 error"),
        "a 431": (evidence(answered(431)), "WS190 error"),
        "a 400 says so": (evidence(answered(400, "Cookie Too Large")), "WS190 error"),
        "a 400 says so of a line": (evidence(answered(400, "line too long")), "WS190 error"),
        "a 494 says so": (evidence(answered(494, "Header Too Large")), "WS190 error"),
        "a 400 that says nothing": (evidence(answered(400)), "WS177 error"),
        "a 494 that says nothing": (evidence(answered(494)), "WS177 error"),
        "a 413 says so": (evidence(answered(413, "Entity Too Large")), "WS177 error"),
        "a 430": (evidence(answered(430)), "WS177 error"),
    }
)
def test_a_head_that_is_too_large(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (428, "WS177 error"),
        (429, "WS195 error"),
        (499, "WS177 error"),
        (500, "WS194 error"),
        (501, "WS177 error"),
        (502, "WS191 error"),
        (503, "WS192 error"),
        (504, "WS193 error"),
        (505, "WS133 error"),
        (506, "WS194 error"),
        (599, "WS194 error"),
    ],
)
def test_what_a_status_says_by_itself(status: int, expected: str) -> None:
    assert concluded(evidence(answered(status))) == expected


def test_a_version_that_is_refused_is_no_error_of_the_application() -> None:
    assert server.by_status(evidence(answered(505))) is None


@table(
    {
        "a page of Nginx": (
            evidence(answered(502, "<center>nginx</center>", (("server", "nginx/1.31"),))),
            "answers 502, by nginx/1.31 itself",
        ),
        "a page of Nginx without a name": (
            evidence(answered(502, "<center>nginx</center>")),
            "answers 502, by the proxy itself",
        ),
        "a word of Traefik": (
            evidence(answered(503, "no available server")),
            "answers 503, by the proxy itself",
        ),
        "of the application": (
            evidence(answered(503, "no", (("server", "gunicorn"),))),
            "answers 503",
        ),
        "with a time": (
            evidence(answered(503, "no", (("retry-after", "120"),))),
            "answers 503, retry after 120",
        ),
    }
)
def test_who_speaks_is_told(seen: Evidence, expected: str) -> None:
    assert told(seen) == expected
