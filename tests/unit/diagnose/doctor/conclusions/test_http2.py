"""Servers of HTTP/2 alone, and the extended CONNECT that browsers send."""

from dataclasses import replace

from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange, Target
from tests.unit.diagnose.seen import OPTIONS, answered, evidence, failed, varied
from tests.unit.diagnose.tables import concluded, shown, table, told

SETTINGS = b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"
BY_HTTP2 = varied(Variation.PLAIN_BY_HTTP2, answered(200))
UNANSWERED = varied(Variation.PLAIN_BY_HTTP2, failed("closed"))
SECURE = Target("", "ws.example.com", 443, "/ws", tls=True)
OWN = replace(OPTIONS, target=SECURE, origin="https://ws.example.com")


def connect(answer: Exchange, base: int = 101, origin: str = OWN.origin) -> Evidence:
    options = replace(OWN, origin=origin)
    asked = (varied(Variation.EXTENDED_CONNECT, answer),)
    return evidence(answered(base, target=SECURE), options=options, varied=asked)


@table(
    {
        "no answer by HTTP/1.1, one by HTTP/2": (
            evidence(failed("closed"), varied=(BY_HTTP2,)),
            "WS111 error",
        ),
        "the bytes are of HTTP/2": (evidence(failed("", raw=SETTINGS)), "WS111 error"),
        "HTTP/2 was not asked": (evidence(failed("closed")), "WS107 error"),
        "HTTP/2 is not answered": (evidence(failed("closed"), varied=(UNANSWERED,)), "WS107 error"),
        "HTTP/1.1 is answered": (evidence(answered(404), varied=(BY_HTTP2,)), "WS142 error"),
        "HTTP/1.1 is answered before bytes of HTTP/2": (
            evidence(replace(answered(404), raw=SETTINGS)),
            "WS142 error",
        ),
        "too few bytes of HTTP/2": (evidence(failed("", raw=SETTINGS[:8])), "WS108 error"),
    }
)
def test_a_server_that_speaks_http2_only(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "answered": (
            evidence(failed("closed"), varied=(BY_HTTP2,)),
            "a handshake over HTTP/1.1 gets: closed; HTTP/2 is answered",
        ),
        "not answered": (
            evidence(failed("", raw=SETTINGS), varied=(UNANSWERED,)),
            "a handshake over HTTP/1.1 gets: not HTTP/1.1: a SETTINGS frame of HTTP/2",
        ),
    }
)
def test_an_answer_by_http2_is_told_only_if_there_was_one(seen: Evidence, expected: str) -> None:
    assert told(seen) == expected


@table(
    {
        "refused to a page of this server": (connect(answered(502)), "WS139 error"),
        "refused to a page of another server": (
            connect(answered(502), origin="https://example.com"),
            "WS139 warning",
        ),
        "no answer to a page of this server": (connect(failed("closed")), "WS139 warning"),
        "it opens": (connect(answered(200)), ""),
        "it opens by another 2xx": (connect(answered(299)), ""),
        "just below 2xx": (connect(answered(199)), "WS139 error"),
        "just above 2xx": (connect(answered(300)), "WS139 error"),
        "HTTP/2 is not offered": (connect(failed("not-offered")), ""),
        "no TLS for HTTP/2": (connect(failed("tls")), ""),
        "browsers are sent back to HTTP/1.1": (connect(failed("http-1.1")), ""),
        "it was not asked": (evidence(answered(101, target=SECURE), options=OWN), ""),
        "HTTP/1.1 does not open either": (connect(answered(502), base=502), "WS191 error"),
    }
)
def test_an_extended_connect_that_is_refused(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_an_extended_connect_without_an_answer_gets_nothing() -> None:
    assert told(connect(answered(502))).endswith("HTTP/2 gets 502")
    assert told(connect(failed("closed"))).endswith("HTTP/2 gets nothing: closed")
    assert shown(connect(answered(502))) == ["extended CONNECT"]
