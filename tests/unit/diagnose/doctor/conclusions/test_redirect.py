"""Redirects: to https, by a slash, elsewhere, and in circles."""

import pytest

from stack.diagnose.doctor.conclusions import redirect
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange, Target
from tests.unit.diagnose.seen import TARGET, answered, evidence, varied
from tests.unit.diagnose.tables import advised, concluded, table, told

SECURE = Target("", "ws.example.com", 443, "/ws", tls=True)


def place(path: str) -> Target:
    return Target("", "ws.example.com", 80, path)


def sent(location: str, status: int = 301, target: Target = TARGET) -> Exchange:
    return answered(status, headers=(("location", location),), target=target)


def chain(length: int, last: Exchange | None = None) -> Evidence:
    """Give so many redirects, each to a new place; ``last`` in place of the last one."""
    rows = [sent(f"/{number + 1}", target=place(f"/{number}")) for number in range(length)]
    base, *rest = [*rows[:-1], last] if last else rows
    asked = [varied(Variation.REDIRECT, item, number) for number, item in enumerate(rest)]
    return evidence(base, redirects=tuple(asked))


@table(
    {
        "to itself": (evidence(sent("/ws")), "WS128 error"),
        "to itself with another query": (evidence(sent("/ws?again=1")), "WS128 error"),
        "of two": (chain(2, sent("/0", target=place("/1"))), "WS128 error"),
        "with no end in sight": (chain(11), "WS128 error"),
        "ten that lead on": (chain(10), "WS127 error"),
        "the last one is answered": (chain(2, answered(404, target=place("/0"))), "WS127 error"),
        "the last one leads on": (chain(2), "WS127 error"),
    }
)
def test_redirects_that_go_in_circles(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_a_loop_is_told_only_of_an_address_that_was_asked() -> None:
    assert told(chain(2, sent("/0", target=place("/1")))) == (
        "2 redirects lead to http://ws.example.com/0 again"
    )
    assert told(chain(11)) == (
        "11 redirects lead to ever new addresses, the last to http://ws.example.com/11"
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_status_of_a_redirect(status: int) -> None:
    assert concluded(evidence(sent("/ws", status))) == "WS128 error"
    assert concluded(evidence(sent("/login", status))) == "WS127 error"


@pytest.mark.parametrize("status", [300, 304, 305, 306, 309])
def test_a_location_beside_another_status_is_no_redirect(status: int) -> None:
    assert concluded(evidence(sent("/ws", status))) == "WS177 error"
    seen = evidence(sent("/login", status))
    assert (concluded(seen), redirect.redirected(seen)) == ("WS177 error", None)


@table(
    {
        "http to https": (evidence(sent("https://ws.example.com/ws")), "WS125 error"),
        "http to https, and another path": (
            evidence(sent("https://ws.example.com/other")),
            "WS125 error",
        ),
        "http to https of another host": (evidence(sent("https://example.com/ws")), "WS127 error"),
        "http to http": (evidence(sent("http://ws.example.com/other")), "WS127 error"),
        "https to https": (
            evidence(sent("https://ws.example.com/other", target=SECURE)),
            "WS127 error",
        ),
        "https to http": (
            evidence(sent("http://ws.example.com/ws", target=SECURE)),
            "WS127 error",
        ),
    }
)
def test_a_redirect_to_https(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "one slash more": (evidence(sent("/ws/")), "WS126 error"),
        "one slash less": (evidence(sent("/ws", target=place("/ws/"))), "WS126 error"),
        "one letter more": (evidence(sent("/wss")), "WS127 error"),
        "one slash more at another host": (evidence(sent("//example.com/ws/")), "WS127 error"),
    }
)
def test_a_redirect_by_a_slash(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "to https": (evidence(sent("https://ws.example.com/ws")), "use wss://ws.example.com/ws"),
        "a slash": (evidence(sent("/ws/")), "use ws://ws.example.com/ws/"),
        "elsewhere": (evidence(sent("/login")), redirect.ELSEWHERE.fix),
        "a loop": (evidence(sent("/ws")), redirect.LOOP.fix),
    }
)
def test_the_address_to_use_is_told_where_it_is_known(seen: Evidence, expected: str) -> None:
    assert advised(seen) == expected


@pytest.mark.parametrize("location", ["https://[", "http://[", "//[x"])
def test_an_address_that_nobody_can_read_leads_elsewhere(location: str) -> None:
    seen = evidence(sent(location))
    assert concluded(seen) == "WS127 error"
    assert told(seen) == f"301 to {location}: browsers do not follow it"


def test_a_query_of_a_location_is_not_repeated() -> None:
    for location in ("/login?token=abc", "https://[/?token=abc", "/login#token=abc"):
        assert "abc" not in told(evidence(sent(location)))
