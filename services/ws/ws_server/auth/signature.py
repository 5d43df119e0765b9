"""Checks the signature of a JWS with given keys; fetches no keys and checks no claims."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ws_server.core.claims import InvalidTokenError


def secret_key(secret: bytes) -> bytes:
    """Return a key of HS256 for ``signed_payload``.

    Raises InvalidTokenError for what is not a shared secret, such as a certificate.
    """
    import jwt

    try:
        return jwt.get_algorithm_by_name("HS256").prepare_key(secret)  # type: ignore[no-any-return]
    except jwt.InvalidKeyError:
        why = "the server's secret is a public key, a certificate or a JWK"
        raise InvalidTokenError(why) from None


def signed_payload(
    token: str, header: Mapping[str, Any], keys: Sequence[Any], algorithms: Sequence[str]
) -> Mapping[str, Any]:
    """Return the payload if one of the keys signed it with one of the algorithms.

    ``header`` is the token's own. Raises InvalidTokenError.
    """
    import jwt

    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm.lower() == "none":
        raise InvalidTokenError("it is not signed (alg none)")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidTokenError(f"it is not signed with {' or '.join(algorithms)}")
    for key in keys:
        try:
            payload = json.loads(_jws().decode(token, key, algorithms=[algorithm]))
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            raise InvalidTokenError("it is not a JSON Web Token")
        return payload
    kind = "secret" if "HS256" in algorithms else "key"
    raise InvalidTokenError(f"its signature does not match the {kind}")


@cache
def _jws() -> Any:
    """Return the library's JWS, with an HS256 that takes a ``secret_key`` as it is.

    Else the library looks for PEM, DER and JSON in the secret at each token.
    """
    from jwt import PyJWS
    from jwt.algorithms import HMACAlgorithm

    class Prepared(HMACAlgorithm):
        def prepare_key(self, key: str | bytes) -> bytes:
            return key if isinstance(key, bytes) else super().prepare_key(key)

    library = PyJWS()
    library.unregister_algorithm("HS256")
    library.register_algorithm("HS256", Prepared(HMACAlgorithm.SHA256))
    return library
