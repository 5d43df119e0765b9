"""TLS: what OpenSSL says of a certificate, what that says of itself, and ports without TLS."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange, Target
from tests.unit.diagnose.seen import TARGET, answered, evidence, failed, varied
from tests.unit.diagnose.tables import advised, concluded, table, told

SECURE = Target("", "ws.example.com", 8443, "/ws", tls=True)
AUTHORITY = bytes.fromhex("06082b06010505070101")  # the OID of authorityInfoAccess
ISSUERS = bytes.fromhex("06082b06010505073002")  # the OID of caIssuers
WORDS = [
    "The plain HTTP request was sent to HTTPS port",
    "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
    "Client sent an HTTP request to an HTTPS server.",
]
NO_TLS = failed("tls", "no way")


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


def name(common: str) -> bytes:
    pair = der(0x30, bytes.fromhex("0603550403"), der(0x0C, common.encode()))
    return der(0x30, der(0x31, pair))


def certificate(issuer: str, subject: str = "x", lies_at: str = "") -> bytes:
    access = der(0x30, der(0x30, ISSUERS, der(0x86, lies_at.encode())))
    extension = der(0x30, AUTHORITY, der(0x04, access))
    rest = der(0xA3, der(0x30, extension)) if lies_at else b""
    number, empty = b"\x02\x01\x01", b"\x30\x00"
    fields = (number, empty, name(issuer), empty, name(subject), empty, rest)
    return der(0x30, der(0x30, *fields))


BY_ITSELF, PRIVATE = certificate("x"), certificate("stranger")
PUBLIC = certificate("authority", lies_at="http://ca.example.com/a")


def refused(code: str, shown: bytes | None = None, failure: str = "certificate") -> Evidence:
    """Give a refusal of a certificate with this number of OpenSSL."""
    asked = varied(Variation.UNCHECKED, replace(answered(101), certificate=shown or b""))
    detail = f"{code}: Not Good"
    return evidence(failed(failure, detail), varied=() if shown is None else (asked,))


def without_tls(base: Exchange, plain: Exchange | None = None) -> Evidence:
    asked = (varied(Variation.WITHOUT_TLS, plain),) if plain else ()
    return evidence(base, varied=asked)


def with_tls(base: Exchange, answer: Exchange | None = None, target: Target = TARGET) -> Evidence:
    asked = (varied(Variation.WITH_TLS, answer),) if answer else ()
    question = replace(base.question, target=target)
    return evidence(replace(base, question=question), varied=asked)


@table(
    {
        "9": (refused("9"), "WS116 error"),
        "10": (refused("10"), "WS115 error"),
        "18": (refused("18"), "WS117 error"),
        "19": (refused("19"), "WS117 error"),
        "20": (refused("20"), "WS119 error"),
        "21": (refused("21"), "WS119 error"),
        "62": (refused("62"), "WS118 error"),
        "64": (refused("64"), "WS118 error"),
        "another number": (refused("7"), "WS117 error"),
        "TLS fails in another way": (refused("10", failure="tls"), "WS122 error"),
    }
)
def test_a_certificate_is_refused_for_what_openssl_says(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_what_openssl_says_is_repeated() -> None:
    assert told(refused("10")) == "not good"
    assert told(evidence(failed("certificate", "10: "))) == "refused"


@pytest.mark.parametrize(
    ("code", "shown", "expected", "words"),
    [
        ("18", BY_ITSELF, "WS117 error", "self-signed ('x')"),
        ("20", BY_ITSELF, "WS117 error", "self-signed ('x')"),
        ("21", BY_ITSELF, "WS117 error", "self-signed ('x')"),
        ("19", BY_ITSELF, "WS117 error", "an authority that this machine does not trust"),
        ("10", BY_ITSELF, "WS115 error", "not good"),
        ("20", PUBLIC, "WS119 error", "is not sent; it is at http://ca.example.com/a"),
        ("21", PUBLIC, "WS119 error", "is not sent; it is at http://ca.example.com/a"),
        ("19", PUBLIC, "WS117 error", "an authority that this machine does not trust"),
        ("18", PUBLIC, "WS117 error", "not good"),
        ("62", PUBLIC, "WS118 error", "not good"),
        ("19", PRIVATE, "WS117 error", "signed by 'stranger', an authority"),
        ("20", PRIVATE, "WS117 error", "signed by 'stranger', an authority"),
        ("21", PRIVATE, "WS117 error", "signed by 'stranger', an authority"),
        ("18", PRIVATE, "WS117 error", "not good"),
        ("64", PRIVATE, "WS118 error", "not good"),
        ("20", b"", "WS119 error", "not good"),
        ("20", b"not a certificate", "WS119 error", "not good"),
    ],
)
def test_a_certificate_says_by_its_issuer_why_it_is_refused(
    code: str, shown: bytes, expected: str, words: str
) -> None:
    seen = refused(code, shown)
    assert concluded(seen) == expected
    assert words in told(seen)


@table(
    {
        "the port answers without TLS": (without_tls(NO_TLS, answered(404)), "WS120 error"),
        "it fails in another way": (without_tls(failed("closed"), answered(404)), "WS107 error"),
        "it was not asked without TLS": (without_tls(NO_TLS), "WS122 error"),
        "it does not answer without TLS": (without_tls(NO_TLS, failed("closed")), "WS122 error"),
        **{
            f"it answers: {words}": (without_tls(NO_TLS, answered(400, words)), "WS122 error")
            for words in WORDS
        },
    }
)
def test_a_port_that_speaks_no_tls(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "silence, and an answer by TLS": (
            with_tls(failed("silent"), answered(404)),
            "WS121 error",
        ),
        "a 400, and an answer by TLS": (with_tls(answered(400), answered(404)), "WS121 error"),
        **{f"it says: {words}": (with_tls(answered(400, words)), "WS121 error") for words in WORDS},
        "another status": (with_tls(answered(404), answered(404)), "WS142 error"),
        "no answer by TLS": (with_tls(failed("silent"), failed("tls")), "WS106 error"),
        "TLS was not asked": (with_tls(failed("silent")), "WS106 error"),
        "the URL wants TLS already": (
            with_tls(failed("silent"), answered(404), SECURE),
            "WS106 error",
        ),
    }
)
def test_a_port_that_speaks_tls_only(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_the_other_scheme_is_advised() -> None:
    asked = without_tls(replace(NO_TLS, question=replace(NO_TLS.question, target=SECURE)))
    seen = replace(asked, varied=without_tls(NO_TLS, answered(404)).varied)
    assert advised(seen).startswith("use ws://ws.example.com:8443,")
    assert advised(with_tls(failed("silent"), answered(404))) == "use wss://ws.example.com:80"


@table(
    {
        "no TLS comes about": (evidence(NO_TLS), "WS122 error"),
        "the server hangs up": (evidence(failed("closed", "no way")), "WS107 error"),
    }
)
def test_client_and_server_that_agree_on_no_tls(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected
