"""Tokens: where they are found, what they say of themselves, and that nothing breaks the reader."""

import base64
import json
from dataclasses import replace

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.diagnose.doctor.conclude import conclude
from stack.diagnose.doctor.conclusions.auth import claims_of, seconds_left, token_of
from stack.diagnose.doctor.evidence import Evidence, Options
from stack.diagnose.doctor.variation import Variation
from tests.unit.diagnose.seen import OPTIONS, TARGET, answered, evidence, failed, varied
from tests.unit.diagnose.tables import concluded, shown, table, told

NOW = 1_800_000_000.0
KEY = "k" * 32


def minted(**claims: object) -> str:
    return jwt.encode(claims, KEY, algorithm="HS256")


@pytest.mark.parametrize(
    "options",
    [
        replace(OPTIONS, token="t.o.k"),
        replace(OPTIONS, target=replace(TARGET, path="/ws?a=b&access_token=t.o.k")),
        replace(OPTIONS, target=replace(TARGET, path="/ws?token=&jwt=t.o.k")),
        replace(OPTIONS, headers=(("authorization", "bearer t.o.k"),)),
        replace(OPTIONS, headers=(("Authorization", "Bearer  t.o.k "), ("Cookie", "a=eyJ"))),
    ],
)
def test_a_token_is_found_where_it_travels(options: Options) -> None:
    assert token_of(evidence(answered(401), options=options)) == "t.o.k"


def test_a_token_in_a_cookie_is_one_that_looks_like_one() -> None:
    token = minted(exp=1)
    options = replace(OPTIONS, headers=(("Cookie", f"a=b; session={token}"),))
    assert token_of(evidence(answered(401), options=options)) == token


@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        replace(OPTIONS, target=replace(TARGET, path="/ws?tokens=t.o.k")),
        replace(OPTIONS, target=replace(TARGET, path="/ws?token=")),
        replace(OPTIONS, headers=(("Authorization", "Basic t.o.k"),)),
        replace(OPTIONS, headers=(("X-Authorization", "Bearer t.o.k"),)),
        replace(OPTIONS, headers=(("Cookie", "session=t.o.k"),)),
        replace(OPTIONS, headers=(("X-Cookie", "session=eyJ"),)),
    ],
)
def test_what_only_looks_like_a_token_is_none(options: Options) -> None:
    assert token_of(evidence(answered(401), options=options)) == ""


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(claims_of(text), dict)
    assert isinstance(claims_of(f"{text}.{text}.{text}"), dict)
    seconds_left(text, NOW)


@pytest.mark.parametrize(
    ("claims", "expected", "words"),
    [
        ({"exp": NOW}, "WS162 error", "expired 0 s ago"),
        ({"exp": NOW + 1}, "WS170 error", "refuses the token"),
        ({"exp": NOW - 60}, "WS162 error", "expired 60 s ago, at 2027-01-15 07:59:00 UTC"),
        ({"exp": NOW - 119}, "WS162 error", "expired 119 s ago"),
        ({"exp": NOW - 120}, "WS162 error", "expired 2 min ago"),
        ({"exp": NOW - 7199}, "WS162 error", "expired 119 min ago"),
        ({"exp": NOW - 7200}, "WS162 error", "expired 2 h ago"),
        ({"exp": NOW - 2 * 86400}, "WS162 error", "expired 2 d ago"),
        ({"exp": -1e300}, "WS162 error", "out of range"),
        ({"nbf": NOW + 600}, "WS163 error", "in 10 min"),
        ({"iat": NOW + 600}, "WS163 error", "in 10 min"),
        ({"nbf": NOW - 9, "iat": NOW + 600}, "WS163 error", "in 10 min"),
        ({"nbf": NOW + 600, "exp": NOW + 900}, "WS163 error", "in 10 min"),
        ({"nbf": NOW + 6}, "WS163 error", "in 6 s"),
        ({"nbf": NOW + 5}, "WS170 error", "refuses the token"),
        ({"iat": NOW - 9}, "WS170 error", "refuses the token"),
        ({"exp": "soon", "nbf": None}, "WS170 error", "refuses the token"),
        ({"exp": NOW + 60}, "WS170 error", "refuses the token"),
    ],
)
def test_a_refused_token_speaks_for_itself(
    claims: dict[str, object], expected: str, words: str
) -> None:
    seen = sent(signed(claims))
    assert (concluded(seen), words in told(seen)) == (expected, True), told(seen)


def signed(claims: dict[str, object]) -> str:
    head, body, _ = minted().split(".")
    return f"{head}.{encoded(claims)}.{body}"


def sent(token: str, status: int = 401, body: str = "", challenge: str = "") -> Evidence:
    """Give the answer to a handshake with this token, or with none."""
    headers = (("www-authenticate", challenge),) if challenge else ()
    answer = answered(status, body, headers)
    return evidence(answer, options=replace(OPTIONS, token=token))


def encoded(claims: dict[str, object]) -> str:
    """Encode claims that a library would refuse to sign."""

    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def test_an_expired_token_that_is_accepted_is_no_finding() -> None:
    options = replace(OPTIONS, token=minted(exp=1))
    assert conclude(evidence(answered(101), options=options)) == ()


OLD, GOOD, BASIC = signed({"exp": NOW - 60}), signed({"exp": NOW + 60}), 'Basic realm="x"'
DIRECT, UNNAMED = encoded({"alg": "dir"}), encoded({"alg": "RSA-OAEP"})
WRAPPED = encoded({"alg": "RSA-OAEP", "enc": "A128GCM"})


def given_headers(*headers: tuple[str, str], status: int = 401) -> Evidence:
    return evidence(answered(status), options=replace(OPTIONS, headers=headers))


@table(
    {
        "a password is wanted": (sent("", challenge=BASIC), "WS168 error"),
        "though a token was sent": (sent(OLD, challenge=BASIC), "WS168 error"),
        "another scheme": (sent("", challenge="Bearer, Basic"), "WS161 error"),
        "another status": (sent("", 403, challenge=BASIC), "WS169 error"),
        "no answer that anybody understands": (evidence(failed("")), "WS177 error"),
    }
)
def test_a_path_behind_a_password(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_each_status_that_refuses_an_expired_token(status: int) -> None:
    assert concluded(sent(OLD, status)) == "WS162 error"
    assert concluded(sent(GOOD, status, "invalid audience")) == "WS164 error"


@table(
    {
        "a 401": (sent(GOOD, 401), "WS170 error"),
        "a 403": (sent(GOOD, 403), "WS170 error"),
        "a 400 may be over something else": (sent(GOOD, 400), "WS177 error"),
        "a 500 may be over something else": (sent(GOOD, 500), "WS194 error"),
        "a 404 is over something else": (sent(OLD, 404), "WS142 error"),
        "a 402 is over something else": (sent(OLD, 402), "WS177 error"),
        "a 503 is over something else": (sent(OLD, 503), "WS192 error"),
        "no token was sent, to a 401": (sent("", 401), "WS161 error"),
        "no token was sent, to a 403": (sent("", 403), "WS169 error"),
        "the token is accepted": (sent(OLD, 101), ""),
    }
)
def test_a_token_that_is_refused(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "five parts and a key of its own": (sent(f"{DIRECT}.a.b.c.d"), "WS167 error"),
        "five parts and a cipher": (sent(f"{WRAPPED}.a.b.c.d"), "WS167 error"),
        "five parts, and neither": (sent(f"{UNNAMED}.a.b.c.d"), "WS170 error"),
        "four parts": (sent(f"{DIRECT}.a.b.c"), "WS170 error"),
        "six parts": (sent(f"{DIRECT}.a.b.c.d.e"), "WS170 error"),
        "five parts that nobody can read": (sent("a.b.c.d.e"), "WS170 error"),
    }
)
def test_a_token_that_is_encrypted(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "audience": (sent(GOOD, body="Invalid Audience"), "WS164 error"),
        "aud": (sent(GOOD, body='unexpected "aud"'), "WS164 error"),
        "issuer": (sent(GOOD, body="invalid issuer"), "WS165 error"),
        "iss": (sent(GOOD, body='unexpected "iss"'), "WS165 error"),
        "signature": (sent(GOOD, body="signature verification failed"), "WS166 error"),
        "algorithm": (sent(GOOD, body="unknown algorithm"), "WS166 error"),
        "expired": (sent(GOOD, body="token expired"), "WS162 error"),
        "in the challenge": (sent(GOOD, challenge="Bearer error=expired"), "WS162 error"),
        "audience before issuer": (sent(GOOD, body="issuer, audience"), "WS164 error"),
        "issuer before signature": (sent(GOOD, body="signature, issuer"), "WS165 error"),
        "signature before expired": (sent(GOOD, body="expired, signature"), "WS166 error"),
        "a word that holds one of them": (sent(GOOD, body="fraud and missing"), "WS170 error"),
        "said too late": (sent(GOOD, body=" " * 1000 + "expired"), "WS170 error"),
        "the token says more": (sent(OLD, body="invalid issuer"), "WS162 error"),
    }
)
def test_a_server_that_names_the_fault_of_a_token(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_the_claim_that_is_refused_is_told() -> None:
    claims = signed({"aud": "api", "iss": "here"})
    assert told(sent(claims, body="audience")).endswith("audience 'api'")
    assert told(sent(claims, body="issuer")).endswith("issuer 'here'")
    assert told(sent(signed({}), body="audience")).endswith("audience '(none)'")


@table(
    {
        "nothing was sent": (given_headers(), "WS161 error"),
        "another header was sent": (given_headers(("X-Key", "1")), "WS161 error"),
        "a cookie was sent": (given_headers(("Cookie", "a=b")), "WS169 error"),
        "a password was sent": (given_headers(("AUTHORIZATION", "Basic x")), "WS169 error"),
        "nothing was sent, and a 403": (given_headers(status=403), "WS169 error"),
        "a 402": (given_headers(status=402), "WS177 error"),
        "a 404 to a cookie": (given_headers(("Cookie", "a=b"), status=404), "WS142 error"),
    }
)
def test_credentials_that_are_missing_or_refused(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_what_was_varied_is_shown_beside_a_refusal() -> None:
    kinds = (Variation.NO_TOKEN, Variation.NO_ORIGIN, Variation.PLAIN)
    asked = tuple(varied(kind, answered(403)) for kind in kinds)
    assert shown(replace(sent(GOOD, 403), varied=asked)) == ["no token"]
    assert shown(replace(sent("", 403), varied=asked)) == ["no origin", "plain"]


@pytest.mark.parametrize(
    ("token", "left"),
    [(GOOD, 60), (OLD, -60), (signed({"exp": "1"}), None), ("a.b", None), (f"{GOOD}.x", None)],
)
def test_how_long_a_token_is_valid_still(token: str, left: float | None) -> None:
    assert seconds_left(token, NOW) == left
