"""Whatever a token consists of, it is believed or refused: nothing else ever comes out."""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from ws_server.auth.authjs import _key
from ws_server.auth.verifiers import Verifiers
from ws_server.core.claims import Expected, InvalidTokenError

from tests.ws.harness import SECRET

KEY = _key(SECRET, b"", b"NextAuth.js Generated Encryption Key", 32)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["alg", "enc", "kid", "zip", "crit", "p2s", "iv", "epk", "typ", "cty", "b64", "jwk", "x5c"]
)
HEADS = st.sampled_from(
    [{"alg": "dir", "enc": "A256GCM"}, {"alg": "dir", "enc": "A256CBC-HS512"}, {"alg": "HS256"}]
)
CLAIMS = st.sampled_from(
    ["sub", "exp", "nbf", "iat", "jti", "channels", "channel", "info", "aud", "id", "email"]
)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


PARTS = st.binary(max_size=40).map(encoded) | st.sampled_from(
    [encoded(b"x" * 12), encoded(b"x" * 16), encoded(b"x" * 32), "", "!!", "é"]
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    one = asyncio.new_event_loop()
    yield one
    one.close()


VERIFIERS = Verifiers((SECRET,), Expected(), time.time)


@given(HEADS, st.dictionaries(FIELDS, VALUES, max_size=2), st.lists(PARTS, min_size=2, max_size=4))
def test_any_parts(
    loop: asyncio.AbstractEventLoop, head: dict[str, Any], more: dict[str, Any], parts: list[str]
) -> None:
    token = ".".join([encoded(json.dumps(head | more).encode()), *parts])
    with pytest.raises(InvalidTokenError):
        loop.run_until_complete(VERIFIERS.verify(token))


@given(st.dictionaries(CLAIMS, VALUES, max_size=6), st.booleans())
def test_any_claims_that_we_signed(
    loop: asyncio.AbstractEventLoop, claims: dict[str, Any], is_encrypted: bool
) -> None:
    payload, head = json.dumps(claims).encode(), {"alg": "dir", "enc": "A256GCM"}
    if is_encrypted:
        token = jwe.encrypt_compact(head, payload, KEY, algorithms=["dir", "A256GCM"])
    else:
        token = jwt.api_jws.encode(payload, SECRET, "HS256")
    with suppress(InvalidTokenError):
        loop.run_until_complete(VERIFIERS.verify(token))
