"""What a token says once it is believed, and why it is not; no keys, no sockets, no clock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ws_server.core.namespaces import is_channel

LEEWAY = 60.0  # seconds that the clock of who issues tokens may be ahead (RFC 7519 §4.1.5)
# The same for ``iat``, but less: what was issued in this time before a revocation may outlive it.
ISSUED_LEEWAY = 10.0


class InvalidTokenError(ValueError):
    """The token is refused; the text says why and never contains any of it."""


class ExpiredTokenError(InvalidTokenError):
    """The token was good once, and another one of the same user may be good now."""


class VerifierDownError(Exception):
    """Nobody can say right now whether the token is good; the client may try again."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: the user, the end of its life (Unix seconds) and its channels.

    ``info`` is JSON that others may see; ``channel`` is the one that a subscription token opens.
    ``subs`` are the channels that the server subscribes, with the data for each. ``from_cookie`` is
    for a session that only the browser and the application can renew, ``from_hook`` for what the
    application said itself when it was asked.
    """

    user: str
    expires_at: float
    channels: tuple[str, ...] = ()
    info: object = None
    token_id: str = ""
    issued_at: float = 0.0
    channel: str = ""
    subs: tuple[tuple[str, object], ...] = ()
    from_cookie: bool = False
    from_hook: bool = False

    def allows(self, channel: str) -> bool:
        """Whether a claimed name equals the channel, or ends in ``*`` and the rest begins it."""
        return any(
            channel.startswith(name[:-1]) if name.endswith("*") else channel == name
            for name in self.channels
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """What every signed token has to say of itself; "" where it does not matter."""

    audience: str = ""
    issuer: str = ""
    needs_end: bool = True  # an exp


def claims_of(payload: Mapping[str, Any], now: float, expected: Expected) -> Claims:
    """Return the claims of a signed token (RFC 7519) with a good signature, at ``now`` (Unix time).

    Raises ExpiredTokenError when only its time is over, InvalidTokenError for any other reason.
    """
    audience = payload.get("aud")
    if expected.audience and expected.audience not in _list(audience):
        raise InvalidTokenError("it is for another audience (aud)")
    if expected.issuer and payload.get("iss") != expected.issuer:
        raise InvalidTokenError("it is from another issuer (iss)")
    return _claims(payload, _text(payload, "sub"), now, needs_end=expected.needs_end)


def claims_of_session(payload: Mapping[str, Any], now: float) -> Claims:
    """Return the claims of an Auth.js session that was decrypted, as ``claims_of``.

    Without ``sub`` (a credentials provider whose users have no id) the user is ``id`` or ``email``.
    """
    names = ("sub", "id", "email")
    found = (payload[name] for name in names if isinstance(payload.get(name), str))
    return _claims(payload, next(filter(None, found), ""), now, needs_end=True)


def claims_of_hook(result: Mapping[str, Any], now: float) -> Claims:
    """Return the claims of the answer to a connect or refresh hook; raises as ``claims_of``.

    ``expire_at`` of 0 is no end. ``channels`` are those that the server subscribes, as ``subs``.
    """
    expires_at = _time(result, "expire_at") or math.inf
    if expires_at <= now:
        raise ExpiredTokenError("it has expired")
    return Claims(
        user=_text(result, "user"),
        expires_at=expires_at,
        info=result.get("info"),
        issued_at=now,
        subs=tuple({**dict.fromkeys(_channels(result)), **dict(_subs(result))}.items()),
        from_hook=True,
    )


def _claims(payload: Mapping[str, Any], user: str, now: float, *, needs_end: bool) -> Claims:
    expires_at = _time(payload, "exp")
    if expires_at is None and needs_end:
        raise InvalidTokenError("it has no exp claim")
    if expires_at is None:
        expires_at = math.inf
    if not user:
        raise InvalidTokenError("it has no sub claim")
    not_before, issued_at = _time(payload, "nbf"), _time(payload, "iat") or 0.0
    claims = Claims(
        user=user,
        expires_at=expires_at,
        channels=_channels(payload),
        info=payload.get("info"),
        token_id=_text(payload, "jti"),
        issued_at=min(issued_at, now),  # a revocation of this moment counts as later
        channel=_text(payload, "channel"),
        subs=_subs(payload),
    )
    if now >= expires_at:
        raise ExpiredTokenError("it has expired")
    if not_before is not None and now + LEEWAY < not_before:
        raise InvalidTokenError("it is not valid yet (nbf)")
    if now + ISSUED_LEEWAY < issued_at:
        raise InvalidTokenError("it was issued in the future (iat): set the clock of its issuer")
    return claims


def _time(payload: Mapping[str, Any], name: str) -> float | None:
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidTokenError(f"its {name} claim is not a number")
    if abs(value) > 2**53 or not math.isfinite(value):
        raise InvalidTokenError(f"its {name} claim is not a time")
    return float(value)


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name, "")
    if not isinstance(value, str):
        raise InvalidTokenError(f"its {name} claim is not a text")
    return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _channels(payload: Mapping[str, Any]) -> tuple[str, ...]:
    names = payload.get("channels", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InvalidTokenError("its channels claim is not a list of names")
    return tuple(names)


def _subs(payload: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    subs = payload.get("subs", {})
    if not isinstance(subs, dict) or not all(isinstance(each, dict) for each in subs.values()):
        raise InvalidTokenError("its subs claim is not an object of objects, by channel")
    if not all(map(is_channel, subs)):
        raise InvalidTokenError("its subs claim names what is not a channel")
    return tuple((channel, each.get("data")) for channel, each in subs.items())
