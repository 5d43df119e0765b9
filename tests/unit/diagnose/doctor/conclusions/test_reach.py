"""Connections that do not come about: who listens, by which address, and what comes back."""

from dataclasses import replace
from typing import Any

import pytest

from stack.diagnose.doctor.conclusions import reach
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Ending, Exchange
from tests.unit.diagnose.seen import OPTIONS, TARGET, answered, at, evidence, failed, varied
from tests.unit.diagnose.tables import advised, concluded, shown, table, told

V4, V6 = "127.0.0.1", "::1"
REFUSED_V4, REFUSED_V6 = failed("refused", address=V4), failed("refused", address=V6)
ENDED = answered(101, ending=Ending(1008, "", 0.0), address=V6)


def listened(base: Exchange, *addresses: str, port: int = 80) -> Evidence:
    """Give an answer, and who listens on this machine."""
    return evidence(base, listeners=tuple((address, port) for address in addresses))


def by_address(base: Exchange, *others: Exchange) -> Evidence:
    return evidence(base, varied=others)


def opening(port: int = 3002, status: int = 101) -> Exchange:
    place = replace(TARGET, port=port)
    return varied(Variation.NEIGHBOUR, answered(status, target=place), port)


def beside(base: Exchange, *neighbours: Exchange, **more: Any) -> Evidence:
    return evidence(base, neighbours=neighbours or (opening(),), **more)


@table(
    {
        "another address of IPv4": (listened(REFUSED_V4, "127.0.0.2"), "WS113 error"),
        "another address of IPv6": (listened(REFUSED_V6, "fe80::1"), "WS113 error"),
        "an address of IPv6, asked by IPv4": (listened(REFUSED_V4, V6), "WS101 error"),
        "an address of IPv4, asked by IPv6": (listened(REFUSED_V6, V4), "WS101 error"),
        "another port": (listened(REFUSED_V4, "127.0.0.2", port=81), "WS101 error"),
        "all addresses of IPv4 as well": (
            listened(REFUSED_V4, "127.0.0.2", "0.0.0.0"),
            "WS101 error",
        ),
        "all addresses of IPv6 as well": (listened(REFUSED_V6, "fe80::1", "::"), "WS101 error"),
        "all addresses of both as well": (listened(REFUSED_V4, "127.0.0.2", "::"), "WS101 error"),
        "this address as well": (listened(REFUSED_V4, "127.0.0.2", V4), "WS101 error"),
        "nobody": (listened(REFUSED_V4), "WS101 error"),
        "no refusal": (listened(failed("timeout", address=V4), "127.0.0.2"), "WS102 error"),
    }
)
def test_a_server_that_listens_on_another_address(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "IPv6 is refused, IPv4 opens": (
            by_address(REFUSED_V6, at(V4, answered(101))),
            "WS104 error",
        ),
        "IPv6 is refused, IPv4 answers": (
            by_address(REFUSED_V6, at(V4, answered(404))),
            "WS104 error",
        ),
        "IPv4 answers, IPv6 opens": (
            by_address(answered(404, address=V4), at(V6, answered(101))),
            "WS104 error",
        ),
        "the second of two": (
            by_address(REFUSED_V6, at(V6, failed("refused")), at(V4, answered(101))),
            "WS104 error",
        ),
        "both of one family": (
            by_address(REFUSED_V4, at("127.0.0.2", answered(101))),
            "WS101 error",
        ),
        "the other one is refused too": (
            by_address(REFUSED_V6, at(V4, failed("refused"))),
            "WS101 error",
        ),
        "both answer, and none opens": (
            by_address(answered(404, address=V6), at(V4, answered(200))),
            "WS142 error",
        ),
        "it opens, and ends": (by_address(ENDED, at(V4, answered(101))), "WS181 error"),
        "it was not asked for its address": (
            by_address(REFUSED_V6, varied(Variation.AT_WS, answered(101, address=V4))),
            "WS101 error",
        ),
    }
)
def test_an_address_of_the_other_family_that_is_better(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    one = by_address(REFUSED_V6, at(V4, answered(404)))
    other = by_address(REFUSED_V4, at(V6, answered(404)))
    assert told(one) == "[::1]: refused, 127.0.0.1 answers 404"
    assert told(other) == "127.0.0.1: refused, [::1] answers 404"
    assert told(evidence(REFUSED_V6)) == "nothing listens on [::1] port 80"


@table(
    {
        "nothing listens here": (beside(failed("refused")), "WS105 error"),
        "the server hangs up": (beside(failed("closed")), "WS105 error"),
        "the second neighbour opens": (
            beside(failed("refused"), opening(3001, 404), opening()),
            "WS105 error",
        ),
        "no neighbour opens": (beside(failed("refused"), opening(3001, 404)), "WS101 error"),
        "it cannot be elsewhere": (beside(answered(403)), "WS169 error"),
        "nor after a 406": (beside(answered(406)), "WS177 error"),
        "the hop behind opens": (
            replace(evidence(failed("refused"), answered(101)), neighbours=(opening(),)),
            "WS101 error",
        ),
        "something more specific explains an answer": (
            beside(answered(404), varied=(varied(Variation.WITH_SLASH, answered(101)),)),
            "WS141 error",
        ),
    }
)
def test_a_neighbour_that_opens(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@pytest.mark.parametrize("status", [200, 204, 400, 404, 405, 426, 501])
def test_a_neighbour_explains_an_answer_of_the_wrong_server(status: int) -> None:
    assert concluded(beside(answered(status))) == "WS105 error"


def test_a_neighbour_is_named_with_its_program() -> None:
    target = replace(TARGET, path="/ws?token=abc")
    unnamed = beside(answered(404, target=target))
    named = replace(unnamed, programs=((3001, "ruby"), (3002, "node")))
    assert told(unnamed) == "port 80: 404, port 3002 answers 101"
    assert told(named) == "port 80: 404, port 3002 (node) answers 101"
    assert advised(unnamed) == "use port 3002, or make the front route /ws to it"


def test_who_listens_here_is_told_before_an_address_and_that_before_a_neighbour() -> None:
    other = by_address(REFUSED_V6, at(V4, answered(101)))
    neighboured = replace(other, neighbours=(opening(),))
    assert concluded(neighboured) == "WS104 error"
    assert concluded(replace(neighboured, listeners=(("fe80::1", 80),))) == "WS113 error"


@table(
    {
        "refused": (evidence(failed("refused")), "WS101 error"),
        "timed out": (evidence(failed("timeout")), "WS102 error"),
        "no such name": (evidence(failed("name")), "WS103 error"),
        "no way there": (evidence(failed("unreachable")), "WS110 error"),
        "a head without an end": (evidence(failed("too-long", "too long")), "WS114 error"),
        "silence": (evidence(failed("silent")), "WS106 error"),
        "hung up": (evidence(failed("closed")), "WS107 error"),
        "hung up after some bytes": (evidence(failed("closed", raw=b"SSH-2.0")), "WS107 error"),
        "an answer of another protocol": (evidence(failed("", raw=b"SSH-2.0")), "WS108 error"),
        "an answer by HTTP": (evidence(answered(404)), "WS142 error"),
        "no failure and no bytes": (evidence(failed("")), "WS177 error"),
    }
)
def test_each_way_not_to_be_answered(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_a_name_is_told_by_itself_and_all_else_by_its_address() -> None:
    away = [failed(kind, "no way", address=V6) for kind in ("name", "timeout")]
    assert [told(evidence(item)) for item in away] == ["ws.example.com: no way", "[::1]: no way"]


def test_a_plain_request_is_told_if_it_is_answered() -> None:
    asked = [varied(Variation.PLAIN, item) for item in (answered(200), failed("closed"))]
    told_of = [told(evidence(failed("silent"), varied=(item,))) for item in asked]
    assert told_of == ["silent; a plain request gets 200", "silent"]
    assert told(evidence(failed("silent"))) == "silent"


@table(
    {
        "the bare word": (evidence(failed("", raw=b"Unauthorized")), "WS109 error"),
        "and then hung up": (evidence(failed("closed", raw=b"Unauthorized")), "WS109 error"),
        "another word": (evidence(failed("", raw=b"Unauthorised")), "WS108 error"),
        "the word behind a head": (
            evidence(replace(answered(404), raw=b"Unauthorized")),
            "WS142 error",
        ),
    }
)
def test_a_dev_server_of_next_that_refuses_an_origin(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_the_host_of_the_page_is_what_next_has_to_allow() -> None:
    options = replace(OPTIONS, origin="http://app.local:3000")
    asked = (varied(Variation.NO_ORIGIN, answered(101)),)
    seen = evidence(failed("", raw=b"Unauthorized"), options=options, varied=asked)
    assert advised(seen) == 'next.config: allowedDevOrigins: ["app.local"]'
    assert shown(seen) == ["no origin"]


def test_what_is_asked_by_http_alone_is_no_matter_of_reach() -> None:
    seen = beside(answered(404))
    assert [item for item in reach.FAMILY.specific if item(seen)] == []
