"""Frameworks with a protocol of their own, and proxies of somebody else."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.conclude import conclude
from stack.diagnose.doctor.conclusions import vendor
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange
from tests.unit.diagnose.seen import answered, evidence, failed, varied
from tests.unit.diagnose.tables import concluded, table

OPENED, UNKNOWN = answered(101), '{"code":1,"message":"Session ID unknown"}'
POLLED, NEGOTIATED = '{"sid":"1"}', '{"availableTransports":[]}'


def polled(base: Exchange, status: int = 200, body: str = POLLED) -> Evidence:
    return evidence(base, varied=(varied(Variation.POLLING, answered(status, body)),))


def negotiated(base: Exchange, status: int = 200, body: str = NEGOTIATED) -> Evidence:
    return evidence(base, varied=(varied(Variation.NEGOTIATE, answered(status, body)),))


@table(
    {
        "a 400 says so": (evidence(answered(400, UNKNOWN)), "WS199 error"),
        "a 404 says so": (evidence(answered(404, UNKNOWN)), "WS142 error"),
        "a 400 says something else": (evidence(answered(400, '{"code":3}')), "WS177 error"),
    }
)
def test_a_session_of_another_process(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "polling answers": (polled(answered(400)), "WS197 error"),
        "polling is refused": (polled(answered(400), 400), "WS177 error"),
        "polling gives no session": (polled(answered(400), body="{}"), "WS177 error"),
        "nobody asked by polling": (evidence(answered(400)), "WS177 error"),
        "it opens": (polled(OPENED), ""),
        "it wants credentials": (polled(answered(401)), "WS161 error"),
        "it refuses credentials": (polled(answered(403)), "WS169 error"),
    }
)
def test_a_socket_io_that_polls(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "the negotiation succeeds": (negotiated(answered(400)), "WS198 error"),
        "the negotiation is refused": (negotiated(answered(400), 405), "WS177 error"),
        "no transports are given": (negotiated(answered(400), body="{}"), "WS177 error"),
        "nobody negotiated": (evidence(answered(400)), "WS177 error"),
        "it opens": (negotiated(OPENED), ""),
    }
)
def test_a_signalr_that_negotiates(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@pytest.mark.parametrize("base", [OPENED, answered(401), answered(403)])
def test_what_opens_or_wants_credentials_is_no_matter_of_polling(base: Exchange) -> None:
    assert vendor.socket_io(polled(base)) is None


def test_what_opens_is_no_matter_of_negotiation() -> None:
    assert vendor.signalr(negotiated(OPENED)) is None


def through(header: str, status: int = 502) -> Evidence:
    return evidence(answered(status, headers=((header, "abc"),)))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("cf-ray", "Cloudflare (cf-ray: abc); it closes idle connections after about 100 s"),
        ("x-amz-cf-id", "Amazon CloudFront (x-amz-cf-id: abc); it closes idle connections"),
        ("x-amzn-trace-id", "an AWS load balancer (x-amzn-trace-id: abc); it closes idle"),
        ("x-amzn-requestid", "Amazon API Gateway (x-amzn-requestid: abc); it closes idle"),
        ("x-azure-ref", "Azure Front Door (x-azure-ref: abc); it closes idle connections after 4"),
        ("x-vercel-id", "Vercel (x-vercel-id: abc)"),
        ("fly-request-id", "Fly.io (fly-request-id: abc); it closes idle connections after 60 s"),
        ("x-served-by", "Fastly or Varnish (x-served-by: abc)"),
        ("x-cache", "a cache (x-cache: abc)"),
        ("via", "a proxy (via: abc)"),
    ],
)
def test_a_proxy_of_somebody_else_is_named(header: str, words: str) -> None:
    assert concluded(through(header)) == "WS191 error, WS188 info"
    _, found = conclude(through(header))
    assert f"through {words}" in found.message
    assert not found.message.endswith(")") or words.endswith(")")


@table(
    {
        "it opens": (through("via", 101), ""),
        "another header": (through("x-request-id"), "WS191 error"),
        "no answer": (evidence(failed("closed")), "WS107 error"),
        "the front opens, and a hop that is out of reach does not": (
            replace(evidence(through("via", 101).base, failed("refused")), suspect=1),
            "WS101 info",
        ),
        "the mark is on the hop behind": (
            replace(evidence(answered(502), through("via").base), suspect=1),
            "WS191 error",
        ),
        "the mark is on the front": (
            replace(evidence(through("via").base, answered(502)), suspect=1),
            "WS191 error, WS188 info",
        ),
    }
)
def test_a_proxy_is_named_where_the_front_shows_its_mark(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected
