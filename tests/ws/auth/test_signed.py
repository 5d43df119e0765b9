"""Which tokens signed with our secret are believed, and what the refusal of the others says."""

import asyncio
import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ws_server.auth.verifiers import Verifiers
from ws_server.core.claims import Claims, Expected, ExpiredTokenError, InvalidTokenError

from tests.ws.harness import SECRET

NOW = 1_700_000_000.0
ELSEWHERE = b"another secret of 32 bytes or more"
VERIFIERS = Verifiers((SECRET,), Expected(), lambda: NOW)


def verify(token: str, verifiers: Verifiers = VERIFIERS) -> Claims:
    return asyncio.run(verifiers.verify(token))


def minted(algorithm: str = "HS256", key: bytes = SECRET, **claims: Any) -> str:
    payload = {"sub": "alice", "exp": NOW + 60} | claims
    payload = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(payload, "" if algorithm == "none" else key, algorithm)


def test_good_token() -> None:
    token = minted(channels=["room:*", "news"], nbf=NOW + 60, iat=NOW + 5)
    assert verify(token) == Claims("alice", NOW + 60, ("room:*", "news"), issued_at=NOW)


def test_no_channels_claim_allows_nothing() -> None:
    assert verify(minted()).channels == ()


def test_expired_is_told_apart() -> None:
    with pytest.raises(ExpiredTokenError, match="it has expired"):
        verify(minted(exp=NOW))


def test_expired_and_forged_is_forged() -> None:
    with pytest.raises(InvalidTokenError, match="signature") as caught:
        verify(minted(exp=NOW - 1, key=b"x" * 32))
    assert not isinstance(caught.value, ExpiredTokenError)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (minted(key=ELSEWHERE), "its signature does not match"),
        (minted("none"), "it is not signed .alg none."),
        (minted("HS512", key=SECRET * 2), "it is not signed with HS256"),
        (minted(nbf=NOW + 61), "it is not valid yet"),
        (minted(iat=NOW + 11), "it was issued in the future .iat.: set the clock of its issuer"),
        (minted(exp=None), "it has no exp claim"),
        (minted(exp="soon"), "it is not a JSON Web Token|its exp claim is not a number"),
        (minted(exp=10**400), "its exp claim is not a time"),
        (minted(sub=None), "it has no sub claim"),
        (minted(sub=""), "it has no sub claim"),
        (minted(channels="room:*"), "its channels claim is not a list of names"),
        (minted(channels=[1]), "its channels claim is not a list of names"),
        ("", "it is not a JSON Web Token"),
        ("a.b.c", "it is not a JSON Web Token"),
        ("x" * 9000, "it is longer than 8192 characters"),
    ],
)
def test_refusal_says_why(token: str, why: str) -> None:
    with pytest.raises(InvalidTokenError, match=why):
        verify(token)


def test_algorithm_none_with_a_signature_is_refused() -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "nOnE"}).encode()).decode().rstrip("=")
    _, payload, signature = minted().split(".")
    with pytest.raises(InvalidTokenError, match="alg none"):
        verify(f"{header}.{payload}.{signature}")


def test_a_previous_secret_is_good_as_well() -> None:
    rotated = Verifiers((ELSEWHERE, SECRET), Expected(), lambda: NOW)
    assert verify(minted(), rotated).user == verify(minted(key=ELSEWHERE), rotated).user == "alice"
    with pytest.raises(InvalidTokenError, match="signature"):
        verify(minted(key=b"x" * 32), rotated)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"aud": "ws", "iss": "https://me"}, ""),
        ({"aud": ["other", "ws"], "iss": "https://me"}, ""),
        ({"aud": "other", "iss": "https://me"}, "for another audience"),
        ({"aud": {"ws": 1}, "iss": "https://me"}, "for another audience"),
        ({"iss": "https://me"}, "for another audience"),
        ({"aud": "ws", "iss": "https://you"}, "from another issuer"),
        ({"aud": "ws"}, "from another issuer"),
    ],
)
def test_audience_and_issuer(said: dict[str, Any], why: str) -> None:
    strict = Verifiers((SECRET,), Expected("ws", "https://me"), lambda: NOW)
    if not why:
        assert verify(minted(**said), strict).user == "alice"
        return
    with pytest.raises(InvalidTokenError, match=why):
        verify(minted(**said), strict)


def test_a_key_id_matters_only_to_who_has_a_key_set() -> None:
    named = jwt.encode({"sub": "alice", "exp": NOW + 60}, SECRET, "HS256", {"kid": "1"})
    assert verify(named).user == "alice"


@given(st.text(max_size=200) | st.binary(max_size=60).map(lambda b: f"e30.{b.hex()}."))
def test_rubbish_is_refused_without_an_echo(text: str) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        verify(text)
    assert text in "it is not a JSON Web Token" or text not in str(caught.value)


@given(st.integers(min_value=0), st.sampled_from(list("abcdefgh")))
def test_a_changed_character_is_noticed(position: int, character: str) -> None:
    token = minted(channels=["room:1"])
    signature = token.rindex(".") + 1
    index = position % (signature - 1)
    changed = token[:index] + character + token[index + 1 :]
    if changed != token:
        with pytest.raises(InvalidTokenError):
            verify(changed)


@pytest.mark.parametrize(
    ("claim", "channel", "allowed"),
    [
        ("news", "news", True),
        ("news", "news2", False),
        ("room:*", "room:1", True),
        ("room:*", "room", False),
        ("room:*", "rooms:1", False),
        ("room:1", "room:12", False),
        ("*", "anything", True),
        ("r*m:1", "room:1", False),
    ],
)
def test_patterns(claim: str, channel: str, *, allowed: bool) -> None:
    assert Claims("alice", NOW, ("other", claim)).allows(channel) is allowed
