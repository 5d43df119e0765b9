"""The Origin header, and the Host that a server compares it with."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.conclude import conclude
from stack.diagnose.doctor.conclusions import origin
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Ending, Exchange
from tests.unit.diagnose.seen import answered, evidence, failed, varied
from tests.unit.diagnose.tables import advised, concluded, table, told

REFUSED, OPENED = answered(403), answered(101)
NONE, OWN = Variation.NO_ORIGIN, Variation.OWN_ORIGIN
FOREIGN, HTTP = Variation.FOREIGN_ORIGIN, Variation.HTTP_ORIGIN
PORTLESS, USUAL = Variation.PORTLESS_ORIGIN, Variation.USUAL_PORT_ORIGIN


def opens(*variations: Variation, base: Exchange = REFUSED) -> Evidence:
    """Give a refusal, and the origins that open; the own one is refused unless it opens."""
    own = () if OWN in variations else (varied(OWN, answered(403)),)
    return evidence(base, varied=(*own, *(varied(item, OPENED) for item in variations)))


def behind(seen: Evidence) -> Evidence:
    """Give the same with a hop behind that opens."""
    return replace(seen, bases=(*seen.bases, OPENED))


@table(
    {
        "without its port": (opens(PORTLESS), "WS152 error"),
        "at the usual port": (opens(USUAL), "WS152 error"),
        "with no origin as well": (opens(PORTLESS, NONE), "WS152 error"),
        "any origin opens": (opens(PORTLESS, FOREIGN), "WS151 error"),
        "its own opens": (opens(PORTLESS, OWN), "WS151 error"),
        "none opens": (opens(), "WS169 error"),
        "the hop behind opens": (behind(opens(PORTLESS, base=answered(418))), "WS136 error"),
    }
)
def test_a_host_that_lost_its_port(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_the_origin_that_opens_is_told() -> None:
    question = replace(OPENED.question, headers=(("Origin", "http://ws.example.com"),))
    item = varied(PORTLESS, replace(OPENED, question=question))
    seen = evidence(REFUSED, varied=(varied(OWN, REFUSED), item))
    assert told(seen).endswith("accepts http://ws.example.com")


@pytest.mark.parametrize("variation", [NONE, OWN, FOREIGN, HTTP])
def test_an_origin_that_is_let_in(variation: Variation) -> None:
    seen = opens(variation, base=answered(418))
    assert concluded(seen) == "WS151 error"
    assert f"opens with {variation.value}" in told(seen)
    assert concluded(behind(seen)) == "WS136 error"


@table(
    {
        "another way in": (
            evidence(REFUSED, varied=(varied(Variation.NO_TOKEN, OPENED),)),
            "WS169 error",
        ),
        "it opens, and ends": (
            opens(NONE, base=answered(101, ending=Ending(1008, "", 0.0))),
            "WS181 error",
        ),
    }
)
def test_a_refusal_of_something_else(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


LIST = "add http://example.com to the server's allowed origins"
HOST = ", not with its own: the list lacks it, or Host is changed on the way"
PROTO = ": the list has only http, or X-Forwarded-Proto does not say https"
PASS_HOST = f"{LIST}, or pass Host on unchanged ({origin._HOST})"
PASS_PROTO = f"{LIST}, or make each proxy pass X-Forwarded-Proto on"


@pytest.mark.parametrize(
    ("seen", "message", "fix"),
    [
        (opens(HTTP), f"opens with http origin{PROTO}", PASS_PROTO),
        (opens(HTTP, NONE), f"opens with no origin and http origin{PROTO}", PASS_PROTO),
        (opens(HTTP, FOREIGN), "opens with foreign origin and http origin", LIST),
        (opens(FOREIGN, NONE), f"opens with no origin and foreign origin{HOST}", PASS_HOST),
        (opens(NONE), f"opens with no origin{HOST}", PASS_HOST),
        (opens(NONE, OWN), "opens with no origin and own origin", LIST),
        (opens(FOREIGN), "opens with foreign origin", LIST),
    ],
)
def test_why_an_origin_is_refused(seen: Evidence, message: str, fix: str) -> None:
    assert told(seen) == f"refuses Origin http://example.com; {message}"
    assert advised(seen) == fix


@table(
    {
        "a 403 says so": (evidence(answered(403, "Bad Origin")), "WS151 error"),
        "a 400 says so": (evidence(answered(400, "Bad Origin")), "WS151 error"),
        "it says nothing": (evidence(answered(403, "Bad visitor")), "WS169 error"),
        "a 401 says so": (evidence(answered(401, "Bad Origin")), "WS161 error"),
        "a 404 says so": (evidence(answered(404, "Bad Origin")), "WS142 error"),
        "the hop behind opens": (behind(evidence(answered(403, "Bad Origin"))), "WS136 error"),
    }
)
def test_an_answer_that_names_the_origin(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def own(answer: Exchange | None, none: Exchange = OPENED) -> Evidence:
    rows = [varied(NONE, none), *([varied(OWN, answer)] if answer else [])]
    return evidence(REFUSED, varied=tuple(rows))


@pytest.mark.parametrize(
    ("seen", "is_undecided"),
    [
        (own(REFUSED), True),
        (own(OPENED), False),
        (own(failed("closed")), False),
        (own(None), False),
        (own(REFUSED, none=REFUSED), False),
    ],
)
def test_a_list_or_a_host_is_undecided_from_outside(seen: Evidence, is_undecided: bool) -> None:
    assert origin.is_undecided(seen) is is_undecided
    findings = conclude(seen)
    decided = origin.decided(seen, findings, is_altered=True)
    assert (decided != findings) is is_undecided


@pytest.mark.parametrize(
    ("is_altered", "words", "fix"),
    [
        (True, "opens without one: the configuration alters Host", origin._HOST),
        (False, "the list lacks it, because the configuration passes Host on", LIST),
    ],
)
def test_a_configuration_decides_it(is_altered: bool, words: str, fix: str) -> None:
    seen = own(REFUSED)
    (other,) = conclude(evidence(answered(404)))
    found, same = origin.decided(seen, (*conclude(seen), other), is_altered)
    assert (found.code, found.severity, words in found.message) == ("WS151", "error", True)
    assert (fix in found.fix, same) == (True, other)
