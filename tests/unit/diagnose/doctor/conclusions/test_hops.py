"""Two hops: the one behind opens, the one in front does not, and what tells the fault."""

import pytest

from stack.diagnose.doctor.conclusions import hops
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange
from tests.unit.diagnose.seen import answered, bare, evidence, failed, varied
from tests.unit.diagnose.tables import concluded, shown, table, told

OPENED = answered(101)
MISSING = "Missing Upgrade header"
FAULTS = [
    (Variation.WITHOUT_QUERY, "WS138"),
    (Variation.OTHER_HOST, "WS134"),
    (Variation.WITHOUT_UPGRADE, "WS131"),
    (Variation.WITHOUT_BOTH, "WS131"),
    (Variation.CONNECTION_CLOSE, "WS132"),
    (Variation.BY_HTTP_1_0, "WS133"),
    (Variation.BY_HTTP2, "WS137"),
]


def behind(base: Exchange, *items: tuple[Variation, Exchange]) -> Evidence:
    """Give an answer of the front, and what the hop behind answers when it is asked otherwise."""
    return evidence(base, OPENED, varied_next=tuple(varied(*item, "it") for item in items))


def alone(base: Exchange, *items: tuple[Variation, Exchange]) -> Evidence:
    """Give the same without a hop behind."""
    return evidence(base, varied_next=tuple(varied(*item, "it") for item in items))


@pytest.mark.parametrize("status", [400, 421, 426, 501, 505])
def test_an_answer_that_names_http2(status: int) -> None:
    assert concluded(evidence(answered(status, "not by HTTP/2"))) == "WS137 error"
    assert concluded(evidence(answered(status, "not by HTTP/3"))) == "WS137 error"
    without = "WS133 error" if status == 505 else "WS177 error"
    assert concluded(evidence(answered(status, "not by HTTP/1.1"))) == without


@pytest.mark.parametrize(
    ("status", "expected"), [(403, "WS169 error"), (404, "WS142 error"), (502, "WS191 error")]
)
def test_another_status_that_names_http2(status: int, expected: str) -> None:
    assert concluded(evidence(answered(status, "HTTP/2"))) == expected


@pytest.mark.parametrize(
    "variation", [Variation.WITHOUT_PREFIX, Variation.WITH_SLASH, Variation.WITHOUT_SLASH]
)
def test_each_path_that_a_front_may_have_made(variation: Variation) -> None:
    seen = behind(answered(404, "no"), (variation, answered(404, "no")))
    assert concluded(seen) == "WS135 error"
    label = variation.value.format("it")
    assert told(seen) == f"the next hop answers the same 404 when asked {label}"


SLASH = Variation.WITH_SLASH


@table(
    {
        "the second of two": (
            behind(answered(404, "no"), (SLASH, OPENED), (SLASH, answered(404, "no"))),
            "WS135 error",
        ),
        "another body": (behind(answered(404, "no"), (SLASH, answered(404, "No"))), "WS136 error"),
        "another status in both": (
            behind(answered(410, "no"), (SLASH, answered(410, "no"))),
            "WS136 error",
        ),
        "nothing of the path was varied": (
            behind(answered(404, "no"), (Variation.NO_ORIGIN, answered(404, "no"))),
            "WS136 error",
        ),
        "no hop behind": (
            alone(answered(404, "no"), (SLASH, answered(404, "no"))),
            "WS142 error",
        ),
    }
)
def test_a_path_that_the_front_alters(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@pytest.mark.parametrize(("variation", "code"), FAULTS)
def test_a_fault_that_gives_the_very_answer(variation: Variation, code: str) -> None:
    seen = behind(answered(418, "no"), (variation, answered(418, "no")))
    assert concluded(seen) == f"{code} error"
    assert shown(seen) == ["as given", variation.value]


@pytest.mark.parametrize(("variation", "code"), FAULTS)
def test_the_faults_are_looked_at_in_their_order(variation: Variation, code: str) -> None:
    first = [item for item, _ in FAULTS].index(variation)
    rows = [(item, answered(418, "no")) for item, _ in reversed(FAULTS[first:])]
    assert concluded(behind(answered(418, "no"), *rows)) == f"{code} error"


UPGRADE = Variation.WITHOUT_UPGRADE


@table(
    {
        "another body": (
            behind(answered(418, "no"), (UPGRADE, answered(418, "No"))),
            "WS136 error",
        ),
        "another status": (
            behind(answered(418, "no"), (UPGRADE, answered(400, "no"))),
            "WS136 error",
        ),
        "no answer behind": (behind(answered(418), (UPGRADE, failed("closed"))), "WS136 error"),
        "nothing that a proxy spoils": (
            behind(answered(418, "no"), (Variation.NO_ORIGIN, answered(418, "no"))),
            "WS136 error",
        ),
        "no hop behind": (
            alone(answered(418, "no"), (UPGRADE, answered(418, "no"))),
            "WS177 error",
        ),
    }
)
def test_an_answer_that_no_fault_gives(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_what_opens_is_imitated_by_nobody() -> None:
    half = bare(OPENED)
    assert hops.imitated(behind(half, (UPGRADE, half))) is not None
    assert hops.imitated(behind(half, (UPGRADE, OPENED))) is None
    assert hops.imitated(behind(OPENED, (UPGRADE, half))) is None


@table(
    {
        "a 400 says so": (evidence(answered(400, MISSING)), "WS131 error"),
        "a 404 says so": (evidence(answered(404, MISSING)), "WS131 error"),
        "a 405 says so": (evidence(answered(405, MISSING)), "WS131 error"),
        "a 426 says so": (evidence(answered(426, MISSING)), "WS131 error"),
        "a 426, and the hop behind opens": (behind(answered(426)), "WS131 error"),
        "a 426, and no hop behind": (evidence(answered(426)), "WS177 error"),
        "a 400 that says nothing": (behind(answered(400)), "WS136 error"),
        "a 406 says so": (evidence(answered(406, MISSING)), "WS177 error"),
        "it misses something else": (evidence(answered(400, "Missing token")), "WS177 error"),
        "it says so too late": (evidence(answered(400, " " * 500 + MISSING)), "WS177 error"),
    }
)
def test_a_server_that_misses_upgrade(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("invalid Connection", "WS131 error"),
        ("missing or invalid the 'upgrade'", "WS131 error"),
        ("Upgrade header is missing", "WS131 error"),
        ("'connection' not found", "WS131 error"),
        ("upgrade required", "WS131 error"),
        ("Connection must be 'Upgrade'", "WS131 error"),
        ("expected a WebSocket upgrade", "WS131 error"),
        ("your Upgrade is fine", "WS177 error"),
        ("the Connection is closed", "WS177 error"),
        ("token not found in the query", "WS177 error"),
        ("expected something that is too far from an upgrade", "WS177 error"),
    ],
)
def test_the_words_of_a_server_that_misses_upgrade(body: str, expected: str) -> None:
    assert concluded(evidence(answered(400, body))) == expected


def test_the_first_line_of_an_answer_is_told() -> None:
    assert told(evidence(answered(400, f"\n{MISSING}\nmore"))) == f"the server says: {MISSING}"
    assert told(evidence(answered(505))) == "answers 505: "


@pytest.mark.parametrize("status", [400, 405, 426, 505])
@pytest.mark.parametrize("body", ["no HTTP/1.0", "bad http version", "expected HTTP/1.1"])
def test_each_way_to_refuse_http_1_0(status: int, body: str) -> None:
    assert concluded(evidence(answered(status, body))) == "WS133 error"


@table(
    {
        "a 505 that says nothing": (evidence(answered(505)), "WS133 error"),
        "a 400 that says nothing": (evidence(answered(400)), "WS177 error"),
        "a 400 that speaks of HTTP": (evidence(answered(400, "HTTP/1.1")), "WS177 error"),
        "a 404 that names it": (evidence(answered(404, "HTTP/1.0")), "WS142 error"),
        "a 504 that names it": (evidence(answered(504, "HTTP/1.0")), "WS193 error"),
        "a 406 that names it": (evidence(answered(406, "HTTP/1.0")), "WS177 error"),
    }
)
def test_a_server_that_was_asked_by_http_1_0(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "the hop behind opens": (behind(answered(418)), "WS136 error"),
        "no hop behind": (evidence(answered(418)), "WS177 error"),
        "no answer": (behind(failed("closed")), "WS107 error"),
        "no answer that anybody understands": (behind(failed("")), "WS177 error"),
        "the front does not reach it": (behind(answered(502)), "WS191 error"),
        "the front knows no server": (behind(answered(503)), "WS192 error"),
        "the front waits in vain": (behind(answered(504)), "WS193 error"),
        "just above": (behind(answered(506)), "WS136 error"),
        "just below": (behind(answered(501)), "WS136 error"),
    }
)
def test_a_front_that_fails_by_itself(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected
