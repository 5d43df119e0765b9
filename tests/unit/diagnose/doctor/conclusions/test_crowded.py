"""Limits that were measured: what one more connection got, and what made the limit give way."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.conclude import conclude
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.measured import Load
from stack.probe.exchange import Ending, Exchange
from tests.unit.diagnose.seen import answered, evidence, failed
from tests.unit.diagnose.tables import concluded, table, told

PAGE = "<center>nginx</center>"
OPENED = answered(101)
ENDED = answered(101, ending=Ending(1013, "", 0.1))
OWN_429, OWN_500, OWN_503 = (answered(status, PAGE) for status in (429, 500, 503))


def loaded(
    refusal: Exchange | None, *more: Exchange, base: Exchange = OPENED, opened: int = 3
) -> Evidence:
    """Give what one more got, what it got later, and what it got after one was closed."""
    return evidence(base, load=Load(20, opened, 1.0, refusal, *more))


def freed(refusal: Exchange) -> Evidence:
    return loaded(refusal, refusal, OPENED)


def later(refusal: Exchange) -> Evidence:
    return loaded(refusal, OPENED)


@table(
    {
        "one more is refused": (loaded(answered(503, "full")), "WS180 error"),
        "nobody measured": (evidence(OPENED), ""),
        "none is refused": (loaded(None), ""),
        "it does not open at all": (loaded(answered(503), base=answered(404)), "WS142 error"),
        "it opens, and a hop that is out of reach does not": (
            replace(loaded(answered(503, "full")), bases=(OPENED, failed("refused")), suspect=1),
            "WS101 info, WS180 error",
        ),
        "neither opens": (
            replace(
                loaded(answered(503, "full")), bases=(answered(502), failed("refused")), suspect=1
            ),
            "WS101 error",
        ),
    }
)
def test_fewer_connections_than_were_wanted(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_a_limit_is_told_of_the_url_itself() -> None:
    hop = replace(OPENED, question=replace(OPENED.question, label="server"))
    seen = replace(loaded(answered(503, "full")), bases=(OPENED, hop), suspect=1)
    (found,) = conclude(seen)
    assert found.answers == (OPENED,)


@pytest.mark.parametrize(
    "failure", ["closed", "too-long", "silent", "timeout", "refused", "unreachable", "tls"]
)
def test_each_way_not_to_be_answered_is_a_limit_of_connections(failure: str) -> None:
    assert concluded(loaded(failed(failure))) == "WS187 error"


@table(
    {
        "a failure that no limit makes": (loaded(failed("certificate")), "WS180 error"),
        "500 of Nginx": (loaded(OWN_500), "WS187 error"),
        "500 of the application": (loaded(answered(500, "oops")), "WS180 error"),
        "502 of Nginx": (loaded(answered(502, PAGE)), "WS180 error"),
        "503 of Nginx": (loaded(OWN_503), "WS186 error"),
        "503 of the application": (loaded(answered(503, "full")), "WS180 error"),
        "429": (loaded(answered(429)), "WS195 error"),
        "429 for a moment": (later(answered(429)), "WS195 error"),
        "429 of Nginx": (loaded(OWN_429), "WS195 error"),
        "429 until one is closed": (freed(answered(429)), "WS180 error"),
        "429 of Nginx until one is closed": (freed(OWN_429), "WS186 error"),
        "a close frame": (loaded(ENDED), "WS180 error"),
    }
)
def test_whose_limit_it_is(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


WORKER = "worker_connections or open files of Nginx"
NGINX = answered(101, headers=(("server", "NGINX/1.31"),))
OTHER = answered(101, headers=(("server", "caddy"),))


@table(
    {
        "503 of Nginx": (
            loaded(OWN_503),
            "one more gets 503 by a page of Nginx's own: limit_conn or limit_req",
        ),
        "503 of Nginx in vain": (
            loaded(OWN_503, OWN_503, OWN_503),
            "one more gets 503 by a page of Nginx's own: limit_conn or limit_req",
        ),
        "503 of Nginx for a moment": (
            later(OWN_503),
            "one more gets 503 by a page of Nginx's own for a moment: limit_req",
        ),
        "503 of Nginx until one is closed": (
            freed(OWN_503),
            "one more gets 503 by a page of Nginx's own until one is closed: limit_conn",
        ),
        "a close frame later as well": (
            loaded(ENDED, ENDED, ENDED),
            "one more gets 101 and then 1013 (try again later: overloaded)",
        ),
        "500 of Nginx": (
            loaded(OWN_500),
            f"one more gets 500 by a page of Nginx's own: {WORKER} are used up",
        ),
        "the application": (freed(answered(429)), "one more gets 429 until one is closed"),
        "hung up by Nginx": (
            loaded(failed("closed"), base=NGINX),
            f"one more is disconnected: {WORKER}",
        ),
        "hung up for a moment by another": (
            loaded(failed("tls"), OPENED, base=OTHER),
            "one more is disconnected for a moment: open files, or a backlog",
        ),
        "hung up by one without a name": (
            loaded(failed("closed")),
            "one more is disconnected: open files, or a backlog",
        ),
        "not answered": (
            loaded(failed("silent", "2 s")),
            "one more gets no answer (2 s): open files, or a backlog",
        ),
    }
)
def test_a_limit_in_words(seen: Evidence, expected: str) -> None:
    assert told(seen) == f"3 of 20 opened at once; {expected}"


def test_only_what_was_asked_is_shown() -> None:
    (all_rows,), (one_row,) = conclude(freed(OWN_503)), conclude(loaded(OWN_503))
    rows = (("one more", "503"), ("a moment later", "503"), ("after closing one", "101"))
    assert (all_rows.seen, one_row.seen) == (rows, rows[:1])
