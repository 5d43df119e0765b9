"""Reads the public keys of a JWKS document (RFC 7517) by their ``kid``; fetches nothing."""

import json
from dataclasses import dataclass
from typing import Any

MAX_KEYS = 100
MIN_RSA_BITS = 2048
_BY_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
_OF_RSA = ("RS256", "RS384", "RS512")


class NoKeySetError(ValueError):
    """It is not a JWKS document; the text says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key and the algorithms for its type; the ``alg`` of a token does not count."""

    key: Any
    algorithms: tuple[str, ...]


def keys_in(document: bytes) -> dict[str, PublicKey]:
    """Return the usable keys. Raises NoKeySetError if it is not a JWKS document.

    Keys that cannot be used here are skipped: they may be for other services.
    """
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError):
        raise NoKeySetError("it is not JSON") from None
    found = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(found, list):
        raise NoKeySetError("it has no list of keys")
    keys = {}
    for jwk in found[:MAX_KEYS]:
        name = jwk.get("kid") if isinstance(jwk, dict) else None
        key = _key(jwk) if isinstance(name, str) and name else None
        if key is not None:
            keys[str(name)] = key
    return keys


def _key(jwk: dict[str, Any]) -> PublicKey | None:
    import jwt

    algorithms = _algorithms(jwk)
    if not algorithms or jwk.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(jwk, algorithms[0]).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if getattr(key, "key_size", MIN_RSA_BITS) < MIN_RSA_BITS and jwk["kty"] == "RSA":
        return None
    # A document may contain private keys; only their public parts are kept.
    return PublicKey(key.public_key() if hasattr(key, "public_key") else key, algorithms)


def _algorithms(jwk: dict[str, Any]) -> tuple[str, ...]:
    """Return the algorithms of a key by its type; none for a symmetric key: readers could sign."""
    kind, curve, said = jwk.get("kty"), jwk.get("crv"), jwk.get("alg")
    fitting: tuple[str, ...] = ()
    if kind == "RSA":
        fitting = _OF_RSA
    elif kind in ("EC", "OKP") and isinstance(curve, str) and curve in _BY_CURVE:
        fitting = (_BY_CURVE[curve],)
    return fitting if said is None else tuple(name for name in fitting if name == said)
