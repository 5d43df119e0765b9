"""Says whose token this is and what it allows; no sockets, no clock: time is an argument."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_TOKEN_LENGTH = 8192
MIN_SECRET_BYTES = 32  # RFC 7518 §3.2: an HS256 key is at least as long as the hash


class InvalidTokenError(ValueError):
    """The token is refused; the text says why and never contains any of it."""


class ExpiredTokenError(InvalidTokenError):
    """The token was good once: its ``exp`` has passed."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: the user, the end of its life (Unix seconds) and its channels.

    ``info`` is JSON that others may see; ``channel`` is the one that a subscription token opens.
    """

    user: str
    expires_at: float
    channels: tuple[str, ...] = ()
    info: object = None
    token_id: str = ""
    issued_at: float = 0.0
    channel: str = ""

    def allows(self, channel: str) -> bool:
        """Whether a claimed name equals the channel, or ends in ``*`` and the rest begins it."""
        return any(
            channel.startswith(name[:-1]) if name.endswith("*") else channel == name
            for name in self.channels
        )


def verify(token: str, secret: bytes, now: float) -> Claims:
    """The claims of an HS256 token (RFC 7519) at ``now``, in Unix seconds.

    Raises ExpiredTokenError when only its time is over, InvalidTokenError for any other reason.
    """
    payload = _signed_payload(token, secret)
    expires_at = _time(payload, "exp")
    if expires_at is None:
        raise InvalidTokenError("it has no exp claim")
    if now >= expires_at:
        raise ExpiredTokenError("it has expired")
    not_before = _time(payload, "nbf")
    if not_before is not None and now < not_before:
        raise InvalidTokenError("it is not valid yet (nbf)")
    return Claims(
        user=_user(payload),
        expires_at=expires_at,
        channels=_channels(payload),
        info=payload.get("info"),
        token_id=_text(payload, "jti"),
        issued_at=_time(payload, "iat") or 0.0,
        channel=_text(payload, "channel"),
    )


def _signed_payload(token: str, secret: bytes) -> Mapping[str, Any]:
    # PyJWT takes tens of milliseconds to import, which nobody should wait for at the start.
    import jwt

    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidTokenError(f"it is longer than {MAX_TOKEN_LENGTH} characters")
    # The library would compare the times with its own clock; ours is an argument.
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        _require_hs256(jwt.get_unverified_header(token))
        claims: Mapping[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], options=options)
    except jwt.InvalidSignatureError:
        raise InvalidTokenError("its signature does not match the secret") from None
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidTokenError):
            raise
        raise InvalidTokenError("it is not a JSON Web Token") from None
    return claims


def _require_hs256(header: Mapping[str, Any]) -> None:
    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm.lower() == "none":
        raise InvalidTokenError("it is not signed (alg none)")
    if algorithm != "HS256":
        raise InvalidTokenError("it is not signed with HS256")


def _time(payload: Mapping[str, Any], name: str) -> float | None:
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidTokenError(f"its {name} claim is not a number")
    if abs(value) > 2**53 or not math.isfinite(value):
        raise InvalidTokenError(f"its {name} claim is not a time")
    return float(value)


def _user(payload: Mapping[str, Any]) -> str:
    user = payload.get("sub")
    if not isinstance(user, str) or not user:
        raise InvalidTokenError("it has no sub claim")
    return user


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name, "")
    if not isinstance(value, str):
        raise InvalidTokenError(f"its {name} claim is not a text")
    return value


def _channels(payload: Mapping[str, Any]) -> tuple[str, ...]:
    names = payload.get("channels", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InvalidTokenError("its channels claim is not a list of names")
    return tuple(names)
