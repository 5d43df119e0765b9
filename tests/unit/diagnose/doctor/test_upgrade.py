"""Conclusions: one cause for each failure, none for health, whatever a server answers."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.diagnose.doctor.causes import CAUSES
from stack.diagnose.doctor.upgrade import conclude, is_healthy, suspect
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Ending, Exchange, Target
from tests.unit.diagnose.seen import OPTIONS, TARGET, answered, evidence, failed, varied

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


def codes(*bases: Exchange, **more: Any) -> list[str]:
    return [finding.code for finding in conclude(evidence(*bases, **more))]


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
    ("failure", "code"), [("timeout", "WS102"), ("unreachable", "WS110"), ("name", "WS103")]
)
def test_what_loopback_cannot_show(failure: str, code: str) -> None:
    assert codes(failed(failure, "no way", address="192.0.2.1")) == [code]


def test_the_deepest_failing_hop_is_the_suspect() -> None:
    good, bad = answered(101), answered(502)
    assert suspect((good, good)) == -1
    assert suspect((bad, good)) == 0
    assert suspect((bad, bad, good)) == 1


def test_a_hop_out_of_reach_is_no_error_when_the_url_works() -> None:
    found = conclude(evidence(answered(101), failed("refused"), suspect=1))
    assert [(finding.code, finding.severity) for finding in found] == [("WS101", "info")]


def test_a_named_hop_is_where_it_fails() -> None:
    hop = Target("server", "127.0.0.1", 3002, "/ws")
    (found,) = conclude(evidence(answered(502), answered(404, target=hop), suspect=1))
    assert (found.code, found.where) == ("WS142", "server (ws://127.0.0.1:3002/ws)")


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
    (found,) = conclude(evidence(answered(101, ending=Ending(code, "", 0.0))))
    assert found.code == ("WS182" if code == 1006 else "WS181")
    assert words in found.message


def test_a_farewell_after_a_while_is_no_failure() -> None:
    held = replace(OPTIONS, idle=60.0)
    assert codes(answered(101, ending=Ending(1001, "", 30.0)), options=held) == []
    assert codes(answered(101, ending=Ending(1006, "", 30.0)), options=held) == ["WS183"]


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
    assert codes(answered(400, body)) == ["WS131"]
