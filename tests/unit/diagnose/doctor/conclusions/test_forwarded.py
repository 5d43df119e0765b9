"""X-Forwarded-Proto: a header that is lost, and redirects to https that are right."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.conclusions.forwarded import PROTO
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Ending, Exchange, Target
from tests.unit.diagnose.seen import OPTIONS, TARGET, answered, bare, evidence, failed, varied
from tests.unit.diagnose.tables import advised, concluded, shown, table

SECURE = Target("", "ws.example.com", 443, "/ws", tls=True)
AWAY = (("location", "/login"),)
HTTPS, HTTP = "https://example.com", "http://example.com"


def forwarded(
    base: Exchange | int, other: Exchange | int, origin: str = HTTPS, target: Target = TARGET
) -> Evidence:
    """Give an answer, the one with X-Forwarded-Proto, and the page that asks."""
    one, more = (
        answered(item, headers=AWAY, target=target) if isinstance(item, int) else item
        for item in (base, other)
    )
    asked = (varied(Variation.FORWARDED_PROTO, more),)
    return evidence(one, options=replace(OPTIONS, origin=origin), varied=asked)


@table(
    {
        "with the header it is found": (forwarded(301, 200), "WS129 error"),
        "with the header it opens": (forwarded(301, 101), "WS129 error"),
        "with the header another refusal": (forwarded(301, 499), "WS129 error"),
        "the address itself is https": (forwarded(301, 200, HTTP, SECURE), "WS129 error"),
        "neither page nor address is https": (forwarded(301, 200, HTTP), "WS127 error"),
        "with the header the server fails": (forwarded(301, 500), "WS127 error"),
        "with the header no answer": (forwarded(301, failed("closed")), "WS127 error"),
        "no redirect": (forwarded(300, 200), "WS177 error"),
        "it was not asked": (evidence(answered(301, headers=AWAY)), "WS127 error"),
    }
)
def test_a_redirect_that_the_header_ends(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_each_redirect(status: int) -> None:
    assert concluded(forwarded(status, 200)) == "WS129 error"
    assert concluded(forwarded(301, status)) == "WS127 error"


@table(
    {
        "a 400": (forwarded(400, 101), "WS129 error"),
        "a 499": (forwarded(499, 101), "WS129 error"),
        "a plain page of a plain address": (forwarded(400, 101, HTTP), "WS129 error"),
        "just below": (forwarded(399, 101), "WS177 error"),
        "just above": (forwarded(500, 101), "WS194 error"),
        "with the header it is refused as well": (forwarded(400, 200), "WS177 error"),
        "no answer without the header": (forwarded(failed("closed"), 101), "WS107 error"),
    }
)
def test_a_refusal_that_the_header_ends(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_a_page_by_http_is_advised_to_use_wss() -> None:
    assert advised(forwarded(400, 101)) == PROTO.fix
    assert advised(forwarded(400, 101, HTTP, SECURE)) == PROTO.fix
    assert advised(forwarded(400, 101, HTTP)).startswith("use wss:// in the page; behind a proxy")


@pytest.mark.parametrize(
    ("by_http", "labels"),
    [
        (answered(101), ["http origin", "with X-Forwarded-Proto"]),
        (answered(403), ["with X-Forwarded-Proto"]),
    ],
)
def test_an_http_origin_is_shown_if_it_opens(by_http: Exchange, labels: list[str]) -> None:
    seen = forwarded(400, 101)
    asked = (*seen.varied, varied(Variation.HTTP_ORIGIN, by_http))
    assert shown(replace(seen, varied=asked)) == labels


def behind(base: Exchange, item: Exchange | None) -> Evidence:
    """Give an answer of the front, and one of the hop behind without the header."""
    asked = (varied(Variation.WITHOUT_FORWARDED_PROTO, item),) if item else ()
    return evidence(base, answered(101), varied_next=asked)


@table(
    {
        "the very same answer": (behind(answered(403, "no"), answered(403, "no")), "WS129 error"),
        "another body": (behind(answered(418, "no"), answered(418, "No")), "WS136 error"),
        "another status": (behind(answered(418, "no"), answered(400, "no")), "WS136 error"),
        "it was not asked": (behind(answered(418, "no"), None), "WS136 error"),
        "it opens in front, and ends": (
            behind(answered(101, ending=Ending(1008, "", 0.0)), bare(answered(101))),
            "WS181 error",
        ),
        "it opens behind": (behind(bare(answered(101)), answered(101)), "WS172 error"),
    }
)
def test_a_hop_behind_that_misses_the_header(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected
