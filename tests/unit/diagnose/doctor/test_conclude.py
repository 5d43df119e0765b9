"""Conclusions: one cause for each failure, none for health, whatever a server answers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.diagnose.doctor.conclude import conclude, is_healthy, suspect
from stack.diagnose.doctor.conclusions import limits, server
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.families import CAUSES
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Ending, Exchange, Target
from tests.unit.diagnose.seen import OPTIONS, TARGET, answered, evidence, failed, varied
from tests.unit.diagnose.tables import concluded, table, told

TEXT = st.text(st.characters(max_codepoint=255), max_size=60)
NAMES = st.sampled_from(
    ["location", "www-authenticate", "server", "via", "sec-websocket-protocol", "content-type"]
)
ANSWERS = st.builds(
    answered,
    st.integers(100, 999),
    TEXT,
    st.lists(st.tuples(NAMES, TEXT), max_size=3).map(tuple),
)
KINDS = ("name", "refused", "timeout", "unreachable", "certificate", "tls", "closed", "silent")
FAILURES = st.builds(failed, st.sampled_from(KINDS), TEXT)
EXCHANGES = st.one_of(ANSWERS, FAILURES)


def test_codes_and_names_are_unique_and_told_in_full() -> None:
    assert len({cause.code for cause in CAUSES}) == len({c.name for c in CAUSES}) == len(CAUSES)
    for cause in CAUSES:
        assert cause.code.startswith("WS1")
        assert all((cause.title, cause.why, cause.fix, cause.bad, cause.good))
        assert cause.link.startswith("https://")


@given(EXCHANGES, st.lists(st.tuples(st.sampled_from(Variation), EXCHANGES), max_size=4))
def test_a_failure_has_one_cause_and_health_has_none(
    base: Exchange, more: list[tuple[Variation, Exchange]]
) -> None:
    asked = tuple(varied(variation, exchange) for variation, exchange in more)
    findings = conclude(evidence(base, varied=asked))
    errors = [finding for finding in findings if finding.severity == "error"]
    again = {Variation.AGAIN, Variation.AGAIN_ALONE}
    is_same = all(item.is_open == base.is_open for kind, item in more if kind in again)
    if is_same:
        assert len(errors) == (0 if is_healthy(base) else 1)
    assert all(finding.message and finding.fix for finding in findings)
    assert not [finding for finding in findings if "\n" in finding.fix]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [("timeout", "WS102 error"), ("unreachable", "WS110 error"), ("name", "WS103 error")],
)
def test_what_loopback_cannot_show(failure: str, expected: str) -> None:
    assert concluded(evidence(failed(failure, "no way", address="192.0.2.1"))) == expected


def test_the_deepest_failing_hop_is_the_suspect() -> None:
    good, bad = answered(101), answered(502)
    assert suspect((good, good)) == -1
    assert suspect((bad, good)) == 0
    assert suspect((bad, bad, good)) == 1
    assert suspect((bad, good, bad)) == 2
    assert suspect((answered(101, ending=Ending(1008, "", 9.0)), good)) == 0


GOOD, BAD, AWAY = answered(101), answered(404), failed("refused")
PAGE = "<center>nginx</center>"


def again(*bases: Exchange, other: Exchange, suspect: int = 0) -> Evidence:
    """Give hops, and what the suspect answered when it was asked once more."""
    return evidence(*bases, suspect=suspect, varied=(varied(Variation.AGAIN, other),))


@table(
    {
        "the URL works": (evidence(GOOD, AWAY, suspect=1), "WS101 info"),
        "the URL fails as well": (evidence(BAD, AWAY, suspect=1), "WS101 error"),
        "the URL opens, and ends": (
            evidence(answered(101, ending=Ending(1008, "", 0.0)), AWAY, suspect=1),
            "WS101 error",
        ),
        "the URL itself is out of reach": (evidence(AWAY, GOOD), "WS101 error"),
        "no hop fails": (evidence(GOOD, GOOD), ""),
    }
)
def test_a_hop_out_of_reach_is_no_error_when_the_url_works(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "the URL": (again(GOOD, other=BAD), "WS196 error"),
        "the URL, which fails at first": (again(BAD, other=GOOD), "WS196 error"),
        "the URL, before a hop that works": (again(GOOD, GOOD, other=BAD), "WS196 error"),
        "the URL, at Nginx": (again(GOOD, other=answered(503, PAGE)), "WS186 error"),
        "a hop, while the URL works": (again(GOOD, BAD, other=GOOD, suspect=1), "WS196 info"),
        "a hop, while the URL fails": (again(BAD, BAD, other=GOOD, suspect=1), "WS196 error"),
        "never": (again(GOOD, other=GOOD), ""),
        "always": (again(BAD, other=BAD), "WS142 error"),
    }
)
def test_what_fails_sometimes_is_an_error_of_the_url(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_nginx_explains_what_fails_sometimes_before_it_is_only_counted() -> None:
    seen = again(GOOD, other=answered(503, PAGE))
    assert limits.sometimes(seen)
    assert server.intermittent(seen)
    assert concluded(seen) == "WS186 error"


@table(
    {
        "goodbye": (evidence(answered(101, ending=Ending(1000, "", 30.0))), ""),
        "going away": (evidence(answered(101, ending=Ending(1001, "", 30.0))), ""),
        "going away just after one second": (
            evidence(answered(101, ending=Ending(1001, "", 1.01))),
            "",
        ),
        "goodbye after just one second": (
            evidence(answered(101, ending=Ending(1000, "", 1.0))),
            "WS181 error",
        ),
        "goodbye at once": (evidence(answered(101, ending=Ending(1000, "", 0.0))), "WS181 error"),
        "an error": (evidence(answered(101, ending=Ending(1002, "", 30.0))), "WS181 error"),
        "goodbye after a subprotocol that nobody offered": (
            evidence(
                answered(
                    101,
                    headers=(("sec-websocket-protocol", "x"),),
                    ending=Ending(1000, "", 30.0),
                )
            ),
            "WS174 error",
        ),
    }
)
def test_a_goodbye_is_no_failure(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_a_named_hop_is_where_it_fails() -> None:
    hop = Target("server", "127.0.0.1", 3002, "/ws")
    (found,) = conclude(evidence(answered(502), answered(404, target=hop), suspect=1))
    assert (found.code, found.severity) == ("WS142", "error")
    assert found.where == "server (ws://127.0.0.1:3002/ws)"


def test_the_query_is_in_no_place() -> None:
    target = replace(TARGET, path="/ws?token=abc")
    (found,) = conclude(evidence(answered(404, target=target)))
    assert "abc" not in f"{found.where}{found.message}{found.seen}"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1000, "normal closure"),
        (1006, "no close frame at all"),
        (1009, "message too big"),
        (1011, "check its log"),
        (1012, "service restart"),
        (3000, "library or framework"),
        (4999, "this application"),
        (2999, "without a defined meaning"),
    ],
)
def test_close_codes_are_decoded(code: int, words: str) -> None:
    seen = evidence(answered(101, ending=Ending(code, "", 0.0)))
    assert concluded(seen) == ("WS182 error" if code == 1006 else "WS181 error")
    assert words in told(seen)


def test_a_farewell_after_a_while_is_no_failure() -> None:
    held = replace(OPTIONS, idle=60.0)
    farewell, cut = (answered(101, ending=Ending(code, "", 30.0)) for code in (1001, 1006))
    assert concluded(evidence(farewell, options=held)) == ""
    assert concluded(evidence(cut, options=held)) == "WS183 error"


@pytest.mark.parametrize(
    "body",
    [
        "Failed to open a WebSocket connection: missing Connection header.\n",
        "websocket: 'upgrade' token not found in 'Connection' header",
        "'websocket' token not found in 'Upgrade' header",
        'Can "Upgrade" only to "WebSocket".',
        "No Upgrade header",
    ],
)
def test_a_server_that_misses_upgrade_is_understood(body: str) -> None:
    assert concluded(evidence(answered(400, body))) == "WS131 error"
