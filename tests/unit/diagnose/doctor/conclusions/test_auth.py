"""Tokens: where they are found, what they say of themselves, and that nothing breaks the reader."""

import base64
import json
from dataclasses import replace

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.diagnose.doctor.conclusions.auth import claims_of, seconds_left, token_of
from stack.diagnose.doctor.evidence import Options
from stack.diagnose.doctor.upgrade import conclude
from tests.unit.diagnose.seen import OPTIONS, TARGET, answered, evidence

NOW = 1_800_000_000.0
KEY = "k" * 32


def minted(**claims: object) -> str:
    return jwt.encode(claims, KEY, algorithm="HS256")


@pytest.mark.parametrize(
    "options",
    [
        replace(OPTIONS, token="t.o.k"),
        replace(OPTIONS, target=replace(TARGET, path="/ws?a=b&access_token=t.o.k")),
        replace(OPTIONS, headers=(("authorization", "bearer t.o.k"),)),
    ],
)
def test_a_token_is_found_where_it_travels(options: Options) -> None:
    assert token_of(evidence(answered(401), options=options)) == "t.o.k"


def test_a_token_in_a_cookie_is_one_that_looks_like_one() -> None:
    token = minted(exp=1)
    options = replace(OPTIONS, headers=(("Cookie", f"a=b; session={token}"),))
    assert token_of(evidence(answered(401), options=options)) == token


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(claims_of(text), dict)
    assert isinstance(claims_of(f"{text}.{text}.{text}"), dict)
    seconds_left(text, NOW)


@pytest.mark.parametrize(
    ("claims", "code", "words"),
    [
        ({"exp": NOW - 60}, "WS162", "expired 60 s ago, at 2027-01-15 07:59:00 UTC"),
        ({"exp": NOW - 3 * 86400}, "WS162", "expired 3 d ago"),
        ({"exp": -1e300}, "WS162", "out of range"),
        ({"nbf": NOW + 600}, "WS163", "in 10 min"),
        ({"iat": NOW + 600}, "WS163", "in 10 min"),
        ({"exp": "soon", "nbf": None}, "WS170", "refuses the token"),
        ({"exp": NOW + 60}, "WS170", "refuses the token"),
    ],
)
def test_a_refused_token_speaks_for_itself(
    claims: dict[str, object], code: str, words: str
) -> None:
    head, body, _ = minted().split(".")
    token = f"{head}.{encoded(claims)}.{body}"
    (found,) = conclude(evidence(answered(401), options=replace(OPTIONS, token=token)))
    assert (found.code, words in found.message) == (code, True), found.message


def encoded(claims: dict[str, object]) -> str:
    """Encode claims that a library would refuse to sign."""

    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def test_an_expired_token_that_is_accepted_is_no_finding() -> None:
    options = replace(OPTIONS, token=minted(exp=1))
    assert conclude(evidence(answered(101), options=options)) == ()
