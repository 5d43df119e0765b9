"""Checks the signature of a JWS with given keys; fetches no keys and checks no claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from ws_server.auth.shape import header_of
from ws_server.core.claims import InvalidTokenError

_JUDGED_BY_US = ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")


def signed_payload(token: str, keys: Sequence[Any], algorithms: Sequence[str]) -> Mapping[str, Any]:
    """Return the payload if one of the keys signed it with one of the algorithms.

    Raises InvalidTokenError.
    """
    import jwt

    algorithm = header_of(token).get("alg")
    if isinstance(algorithm, str) and algorithm.lower() == "none":
        raise InvalidTokenError("it is not signed (alg none)")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidTokenError(f"it is not signed with {' or '.join(algorithms)}")
    # The library would check the times against its own clock; ours is an argument.
    options: Any = {f"verify_{name}": False for name in _JUDGED_BY_US}
    for key in keys:
        try:
            payload: Mapping[str, Any] = jwt.decode(
                token, key, algorithms=[algorithm], options=options
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise InvalidTokenError("it is not a JSON Web Token") from None
        return payload
    kind = "secret" if "HS256" in algorithms else "key"
    raise InvalidTokenError(f"its signature does not match the {kind}")
