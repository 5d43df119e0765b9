"""Tokens signed by an identity provider, over real HTTP: rotation, floods, and what goes wrong."""

import asyncio
import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ws_server.auth import jwks
from ws_server.auth.keyset import NoKeySetError, keys_in
from ws_server.auth.verifiers import Verifiers
from ws_server.core.claims import Expected, InvalidTokenError, VerifierDownError
from ws_server.log import Log

from tests.ws.auth.provider import EC, EC521, ED, RSA, SMALL, Provider, jwk, provider
from tests.ws.harness import SECRET


def signed(name: str | None, key: Any = RSA, algorithm: str = "RS256", **claims: Any) -> str:
    payload = {"sub": "alice", "exp": time.time() + 600} | claims
    return jwt.encode(payload, key, algorithm, {"kid": name} if name else None)


@dataclass
class Verifying:
    """Verifiers with the keys of a provider, and a clock that a test moves."""

    provider: Provider
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.output = io.StringIO()
        fetch = jwks.source(self.provider.url)
        keys = jwks.Jwks(fetch, lambda: self.now, Log("info", self.output))
        self.verifiers = Verifiers((SECRET,), Expected(), time.time, jwks=keys)

    async def user(self, token: str) -> str:
        return (await self.verifiers.verify(token)).user

    async def refused(self, token: str) -> str:
        with pytest.raises(InvalidTokenError) as caught:
            await self.verifiers.verify(token)
        return str(caught.value)

    async def is_down(self, token: str) -> bool:
        with pytest.raises(VerifierDownError):
            await self.verifiers.verify(token)
        return True


@pytest.fixture
async def one() -> AsyncIterator[Verifying]:
    keys = (jwk("r", RSA), jwk("e", EC, "ES256"), jwk("d", ED, "EdDSA"), jwk("e5", EC521, "ES256"))
    async with provider(*keys) as there:
        yield Verifying(there)


async def test_all_kinds_of_keys_with_one_fetch(one: Verifying) -> None:
    for token in (
        signed("r"),
        signed("r", algorithm="RS512"),
        signed("e", EC, "ES256"),
        signed("e5", EC521, "ES512"),
        signed("d", ED, "EdDSA"),
    ):
        assert await one.user(token) == "alice"
    assert one.provider.asked == 1


async def test_a_token_without_a_key_id_is_of_our_secret(one: Verifying) -> None:
    assert await one.user(signed(None, SECRET, "HS256")) == "alice"
    assert "not signed with HS256" in await one.refused(signed(None))
    assert one.provider.asked == 0


async def test_claims_are_judged_the_same(one: Verifying) -> None:
    assert await one.refused(signed("r", exp=1)) == "it has expired"
    assert await one.refused(signed("r", sub="")) == "it has no sub claim"


def forged(head: dict[str, Any], key: bytes) -> str:
    """A token signed by HMAC with any bytes, which the libraries refuse to make."""
    payload = {"sub": "eve", "exp": time.time() + 600}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, payload)
    ]
    signature = hmac.new(key, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "token",
    [
        forged({"alg": "HS256", "kid": "r"}, PEM),
        forged({"alg": "HS256", "kid": "r"}, PEM.strip()),
        forged({"alg": "HS256", "kid": "r"}, json.dumps(jwk("r", RSA)).encode()),
        forged({"alg": "HS256"}, PEM),
        forged({"alg": "HS256", "kid": "r"}, SECRET),
        forged({"alg": "RS256", "kid": "r"}, PEM),
        forged({"alg": "none", "kid": "r"}, b""),
        forged({"alg": "nOnE", "kid": "r"}, b""),
        forged({"alg": ["RS256"], "kid": "r"}, PEM),
        forged({"alg": "HS256", "kid": ""}, SECRET),
        forged({"alg": "HS256", "kid": 7}, SECRET),
        forged({"alg": "HS256", "kid": "r", "jwk": {"kty": "oct", "k": "eA"}}, b"x"),
        signed("r", EC, "ES256"),
        signed("e"),
        signed("e", EC521, "ES512"),
        signed("d", EC, "ES256"),
        signed("r", algorithm="PS256"),
    ],
)
async def test_algorithm_confusion(one: Verifying, token: str) -> None:
    assert await one.refused(token)


async def test_the_token_never_says_where_the_keys_are(one: Verifying) -> None:
    async with provider(jwk("x", RSA)) as foreign:
        for field in ("jku", "x5u"):
            head = {"kid": "x", field: foreign.url}
            token = jwt.encode({"sub": "eve", "exp": time.time() + 60}, RSA, "RS256", head)
            assert "unknown key" in await one.refused(token)
        assert foreign.asked == 0


async def test_rotation(one: Verifying) -> None:
    assert await one.user(signed("r")) == "alice"
    one.provider.keys = [jwk("new", EC, "ES256")]
    one.now += jwks.PAUSE
    assert await one.user(signed("new", EC, "ES256")) == "alice"
    one.now += jwks.PAUSE
    assert "unknown key" in await one.refused(signed("r"))
    assert one.provider.asked == 3


async def test_a_key_that_was_taken_out_is_refused_once_the_keys_are_old(one: Verifying) -> None:
    assert await one.user(signed("r")) == "alice"
    one.provider.keys = [jwk("new", EC, "ES256")]
    assert await one.user(signed("r")) == "alice"
    one.now += jwks.FRESH
    assert "unknown key" in await one.refused(signed("r"))


async def test_a_flood_of_unknown_keys_is_one_fetch(one: Verifying) -> None:
    tokens = [signed(f"no-{number}", EC, "ES256") for number in range(200)]
    outcomes = await asyncio.gather(
        *(one.verifiers.verify(token) for token in tokens), return_exceptions=True
    )
    assert all(isinstance(each, InvalidTokenError | VerifierDownError) for each in outcomes)
    assert await one.user(signed("r")) == "alice"
    for token in tokens:
        with pytest.raises((InvalidTokenError, VerifierDownError)):
            await one.verifiers.verify(token)
    assert one.provider.asked == 1


async def test_an_unknown_key_is_remembered_for_a_while_only(one: Verifying) -> None:
    assert "unknown key" in await one.refused(signed("late"))
    one.provider.keys.append(jwk("late", RSA))
    one.now += jwks.PAUSE + 1
    assert "unknown key" in await one.refused(signed("late"))
    assert one.provider.asked == 1
    one.now += jwks.ABSENT
    assert await one.user(signed("late")) == "alice"


async def test_a_new_key_during_a_flood_has_to_wait_but_is_not_refused(one: Verifying) -> None:
    await one.refused(signed("no"))
    one.provider.keys.append(jwk("late", RSA))
    assert await one.is_down(signed("late"))
    one.now += jwks.PAUSE
    assert await one.user(signed("late")) == "alice"


async def test_many_at_once_wait_for_one_fetch(one: Verifying) -> None:
    users = await asyncio.gather(*(one.user(signed("r")) for _ in range(50)))
    assert (set(users), one.provider.asked) == ({"alice"}, 1)


async def test_who_stops_waiting_does_not_stop_the_fetch(one: Verifying) -> None:
    waiting = [asyncio.create_task(one.user(signed("r"))) for _ in range(3)]
    await asyncio.sleep(0)  # all have begun to wait
    waiting[0].cancel()
    assert await asyncio.gather(*waiting[1:]) == ["alice", "alice"]


def answering(status: int = 200, text: str = "", **more: Any) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, **more)

    return answer


async def slow(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.json_response({"keys": []})


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(2000):
        await response.write(b" " * 65536)
    return response


FAILURES = {
    "slow": slow,
    "huge": endless,
    "html": answering(text="<html>sign in</html>", content_type="text/html"),
    "error": answering(500, '{"keys": []}'),
    "empty": answering(text=""),
    "list": answering(text="[]"),
    "no keys": answering(text='{"keys": {}}'),
    "deep": answering(text="[" * 100_000),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_old_keys_are_better_than_none(
    one: Verifying, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "TIME_LIMIT", 0.3)
    assert await one.user(signed("r")) == "alice"
    one.provider.answer = FAILURES[failure]
    one.now += jwks.FRESH
    started = time.monotonic()
    assert await one.user(signed("r")) == "alice"
    assert await one.user(signed("r")) == "alice"  # not asked again so soon
    assert (one.provider.asked, "jwks_failed" in one.output.getvalue()) == (2, True)
    assert time.monotonic() - started < 2
    one.provider.answer = None
    one.now += jwks.RETRY
    assert await one.user(signed("r")) == "alice"
    assert one.provider.asked == 3


async def test_a_redirect_is_not_followed(one: Verifying) -> None:
    async with provider(jwk("x", RSA)) as foreign:
        one.provider.answer = answering(302, headers={"Location": foreign.url})
        assert await one.is_down(signed("x"))
        assert foreign.asked == 0


async def test_a_key_set_that_is_good_but_too_long_is_not_read(one: Verifying) -> None:
    text = json.dumps({"keys": one.provider.keys})
    one.provider.answer = answering(text=text.ljust(jwks.SIZE_LIMIT + 1))
    assert await one.is_down(signed("r"))
    one.provider.answer = answering(text=text.ljust(jwks.SIZE_LIMIT))
    one.now += jwks.RETRY
    assert await one.user(signed("r")) == "alice"


@pytest.mark.parametrize("failure", ["html", "error"])
async def test_without_any_keys_nothing_is_known(one: Verifying, failure: str) -> None:
    one.provider.answer = FAILURES[failure]
    assert await one.is_down(signed("r"))
    one.provider.answer = None
    one.now += jwks.RETRY
    assert await one.user(signed("r")) == "alice"


async def test_nobody_there(one: Verifying) -> None:
    one.provider.url = "http://user:hunter2@127.0.0.1:1/jwks"
    nobody = Verifying(one.provider)
    assert await nobody.is_down(signed("r"))
    assert "jwks_failed" in nobody.output.getvalue()
    assert "hunter2" not in nobody.output.getvalue()


async def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a key set.json"
    file.write_text(json.dumps({"keys": [jwk("r", RSA)]}))
    assert await Verifying(Provider(url=file.as_uri())).user(signed("r")) == "alice"
    file.unlink()
    assert await Verifying(Provider(url=file.as_uri())).is_down(signed("r"))


@pytest.mark.parametrize(
    "unusable",
    [
        {"kty": "oct", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eA", "kid": "k"},
        {"kty": "oct", "k": "eHh4", "kid": "k", "alg": "RS256"},
        jwk("k", RSA, use="enc"),
        jwk("k", RSA, alg="HS256"),
        jwk("k", RSA, alg="RSA-OAEP"),
        jwk("k", SMALL),
        jwk("", RSA),
        jwk("k", EC, "ES256", crv="P-384"),
        jwk("k", EC, "ES256", crv=["P-256"]),
        jwk("k", EC, "ES256", kid=1),
        {"kty": "RSA", "kid": "k"},
        {"kty": ["RSA"], "kid": "k"},
        {"kty": "RSA", "kid": "k", "n": 5, "e": "AQAB"},
        "k",
        None,
    ],
)
def test_a_key_that_nobody_should_use_is_passed_over(unusable: Any) -> None:
    document = json.dumps({"keys": [unusable, jwk("good", RSA)]}).encode()
    assert list(keys_in(document)) == ["good"]


def test_of_a_private_key_only_the_public_half_is_kept() -> None:
    private = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA)) | {"kid": "k"}
    assert "d" in private
    key = keys_in(json.dumps({"keys": [private]}).encode())["k"].key
    assert key == RSA.public_key()


def test_a_key_that_names_its_algorithm_fits_no_other() -> None:
    document = json.dumps({"keys": [jwk("k", RSA, alg="RS384")]}).encode()
    assert keys_in(document)["k"].algorithms == ("RS384",)


@pytest.mark.parametrize("document", [b"", b"null", b"\xff", b'{"keys":1}', b"[" * 100_000])
def test_no_key_set(document: bytes) -> None:
    with pytest.raises(NoKeySetError):
        keys_in(document)
