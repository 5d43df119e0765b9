"""Sessions of the real packages are accepted; what is not exactly one of ours is not."""

import asyncio
import base64
import json
import time
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey
from ws_server.auth.authjs import V4_COOKIES, V5_COOKIES, _key
from ws_server.auth.cookies import sessions_in
from ws_server.auth.database_sessions import DatabaseSessions
from ws_server.auth.verifiers import Verifiers
from ws_server.core.claims import (
    Claims,
    Expected,
    ExpiredTokenError,
    InvalidTokenError,
    VerifierDownError,
)
from ws_server.log import Log
from ws_server.settings.config import PostgresAddress

from tests.ws.auth.authjs import V4, V5, header
from tests.ws.auth.conftest import OLD_SECRET, Sessions
from tests.ws.harness import SECRET

OURS = Verifiers((SECRET,), Expected("an audience", "an issuer"), time.time)


async def test_a_good_session_counts_though_another_cannot_be_looked_up(
    sessions: Sessions,
) -> None:
    away = DatabaseSessions(PostgresAddress("postgresql://127.0.0.1:1/"), "s", time.time, Log())
    verifiers = Verifiers((SECRET,), Expected(), time.time, sessions=away)
    row = (V5_COOKIES[0], "11111111-2222-3333-4444-555555555555")
    good = sessions_in([header(sessions["v4"])])
    found = await verifiers.verify_cookies([row, *good])
    assert found is not None
    assert found.user == "alice"
    with pytest.raises(VerifierDownError):
        await verifiers.verify_cookies([(V4_COOKIES[0], "no.good.token"), row])


def claims(cookies: dict[str, str], verifiers: Verifiers = OURS) -> Claims:
    found = asyncio.run(verifiers.verify_cookies(sessions_in([header(cookies)])))
    assert found is not None
    return found


def refused(cookies: dict[str, str], verifiers: Verifiers = OURS) -> str:
    with pytest.raises(InvalidTokenError) as caught:
        claims(cookies, verifiers)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["v4", "v5", "v4 secure", "v5 secure", "v4 long", "v5 long"])
def test_a_session_says_who_and_until_when(sessions: Sessions, kind: str) -> None:
    found = claims(sessions[kind])
    assert (found.user, found.channels, found.info) == ("alice", ("room:*",), None)
    assert 3000 < found.expires_at - time.time() <= 3600
    assert found.token_id
    assert found.issued_at == pytest.approx(time.time(), abs=600)
    assert found.from_cookie


def test_long_sessions_are_in_chunks_in_any_order(sessions: Sessions) -> None:
    chunks = sessions["v5 secure long"]
    assert list(chunks) == [f"__Secure-{V5}.{number}" for number in range(len(chunks))]
    assert len(chunks) >= 3
    assert claims(dict(reversed(chunks.items()))).user == "alice"


def test_a_session_with_a_missing_chunk_is_refused(sessions: Sessions) -> None:
    chunks = dict(sessions["v5 long"])
    del chunks[f"{V5}.1"]
    assert refused(chunks)


@pytest.mark.parametrize(
    ("kind", "user"), [("v4 by id", "a1"), ("v5 by email", "alice@example.com")]
)
def test_a_user_without_sub(sessions: Sessions, kind: str, user: str) -> None:
    assert claims(sessions[kind]).user == user


def test_a_session_of_nobody_is_refused(sessions: Sessions) -> None:
    assert refused(sessions["v5 nobody"]) == "it has no sub claim"


@pytest.mark.parametrize("kind", ["v4 expired", "v5 expired"])
def test_an_expired_session_is_told_apart(sessions: Sessions, kind: str) -> None:
    with pytest.raises(ExpiredTokenError):
        claims(sessions[kind])


@pytest.mark.parametrize("kind", ["v4 old", "v5 old"])
def test_the_previous_secret_opens_sessions_while_it_is_given(
    sessions: Sessions, kind: str
) -> None:
    assert "does not match" in refused(sessions[kind])
    rotated = Verifiers((SECRET, OLD_SECRET.encode()), Expected(), time.time)
    assert claims(sessions[kind], rotated).user == "alice"


@pytest.mark.parametrize("kind", ["v4", "v5"])
@pytest.mark.parametrize("part", range(5))
def test_an_altered_session_is_refused(sessions: Sessions, kind: str, part: int) -> None:
    ((name, token),) = sessions[kind].items()
    parts = token.split(".")
    middle = len(parts[part]) // 2
    other = "B" if parts[part][middle : middle + 1] == "A" else "A"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
    assert refused({name: ".".join(parts)})


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("v5", f"__Secure-{V5}"),  # the name is the salt
        ("v5 secure", V5),
        ("v5", V4),
        ("v4", V5),
    ],
)
def test_a_session_in_a_cookie_of_another_name_is_refused(
    sessions: Sessions, kind: str, name: str
) -> None:
    ((_, token),) = sessions[kind].items()
    assert refused({name: token})


@pytest.mark.parametrize("kind", ["v4 own", "v5 own"])
def test_a_session_in_a_cookie_with_a_name_of_one_s_own(sessions: Sessions, kind: str) -> None:
    cookies = header(sessions[kind])
    assert sessions_in([cookies]) == []
    found = asyncio.run(OURS.verify_cookies(sessions_in([cookies], ["shop.session"])))
    assert found
    assert found.user == "alice"


def test_one_good_session_among_others_is_found(sessions: Sessions) -> None:
    """On localhost, the browser sends the cookies of every project."""
    assert claims(sessions["v4"] | sessions["v5 old"]).user == "alice"
    with pytest.raises(ExpiredTokenError):
        claims(sessions["v4 expired"] | sessions["v5 old"])


@pytest.mark.parametrize("kind", ["v4", "v5", "v5 secure"])
def test_a_session_that_comes_without_its_cookie(sessions: Sessions, kind: str) -> None:
    (token,) = sessions[kind].values()
    assert asyncio.run(OURS.verify(token)).user == "alice"


def test_cookies_of_others_are_no_sessions() -> None:
    names = ["next-auth.csrf-token", "authjs.session-token-2", "xauthjs.session-token"]
    assert sessions_in([header(dict.fromkeys(names, "x"))]) == []
    assert sessions_in([]) == []


def test_chunks_stop_at_the_first_gap_and_the_whole_cookie_wins() -> None:
    chunks = {f"{V5}.0": "a", f"{V5}.1": "b", f"{V5}.3": "d"}
    assert sessions_in([header(chunks)]) == [(V5, "ab")]
    assert sessions_in([f"{V5}=whole", header(chunks)]) == [(V5, "whole")]


def encrypted(head: dict[str, Any], key: OctKey) -> str:
    payload = json.dumps({"sub": "eve", "exp": time.time() + 60}).encode()
    names = [head["alg"], head["enc"], *([head["zip"]] if "zip" in head else [])]
    return jwe.encrypt_compact(head, payload, key, algorithms=names)


V4_KEY = _key(SECRET, b"", b"NextAuth.js Generated Encryption Key", 32)


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "dir", "enc": "A128CBC-HS256"},
        {"alg": "A256KW", "enc": "A256GCM"},
        {"alg": "A256GCMKW", "enc": "A256GCM"},
        {"alg": "dir", "enc": "A256GCM", "zip": "DEF"},
    ],
)
def test_only_what_authjs_uses_is_accepted_even_with_the_right_key(head: dict[str, Any]) -> None:
    assert asyncio.run(OURS.verify(encrypted({"alg": "dir", "enc": "A256GCM"}, V4_KEY))).user
    with pytest.raises(InvalidTokenError, match=r"not encrypted as Auth\.js does"):
        asyncio.run(OURS.verify(encrypted(head, V4_KEY)))


@pytest.mark.parametrize("changed", [{"alg": "none"}, {"alg": "HS256"}, {"enc": None}, {"enc": []}])
def test_the_header_is_not_asked_what_to_do(sessions: Sessions, changed: dict[str, Any]) -> None:
    (token,) = sessions["v4"].values()
    head = json.dumps({"alg": "dir", "enc": "A256GCM"} | changed).encode()
    forged = base64.urlsafe_b64encode(head).decode().rstrip("=") + token[token.index(".") :]
    assert "as Auth.js does" in refused({V4: forged})


def test_the_names_of_both_versions() -> None:
    assert V4 in V4_COOKIES
    assert V5 in V5_COOKIES
