"""The requests of the HTTP API as frozen values, read from JSON with type checks. Pure.

Names and types are those of https://centrifugal.dev/docs/server/server_api. What is defined
there and not supported here is refused with error 108, never silently ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from ws_server.core import codes
from ws_server.service.reading import RefusedError

UNSET: Any = object()
"""Marks a missing value, where null is a value."""


class MalformedError(ValueError):
    """The body is not a request; the text names the field, without its content."""


@dataclass(frozen=True, slots=True)
class Publish:
    """One publication in one channel."""

    channel: str = ""
    data: Any = UNSET
    b64data: str = ""
    tags: dict[str, str] | None = None
    skip_history: bool = False
    idempotency_key: str = ""
    version: int = 0
    version_epoch: str = ""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """The same publication in many channels."""

    channels: list[str] | None = None
    data: Any = UNSET
    b64data: str = ""
    tags: dict[str, str] | None = None
    skip_history: bool = False
    idempotency_key: str = ""
    version: int = 0
    version_epoch: str = ""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe a user's connections; ``expire_at`` is in Unix seconds, 0 is never."""

    user: str = ""
    channel: str = ""
    client: str = ""
    data: Any = None
    expire_at: int = 0
    recover_since: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """End a subscription of a user's connections."""

    user: str = ""
    channel: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close a user's connections, except those in ``whitelist``."""

    user: str = ""
    client: str = ""
    whitelist: list[str] | None = None
    disconnect: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Revoke:
    """Revoke all tokens of a user issued until now, or one by its ``jti``; times are Unix time.

    Not in Centrifugo's open-source API.
    """

    user: str = ""
    token_id: str = ""
    issued_before: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class Refresh:
    """Change when a user's connections expire, or end them as expired."""

    user: str = ""
    client: str = ""
    expired: bool = False
    expire_at: int = 0


@dataclass(frozen=True, slots=True)
class OfChannel:
    """A request about a channel: presence, presence_stats, history_remove."""

    channel: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Ask for publications; with a ``limit`` of 0 only for the position."""

    channel: str = ""
    limit: int = 0
    since: dict[str, Any] | None = None
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Channels:
    """Ask for the channels that have subscribers; ``pattern`` is a shell pattern."""

    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    """Ask for the replicas."""


NOT_DONE: Mapping[type, tuple[str, ...]] = {
    Publish: ("delta",),
    Broadcast: ("delta",),
    Subscribe: ("session", "info", "b64info", "b64data", "override"),
    Unsubscribe: ("session",),
    Disconnect: ("session",),
    Refresh: ("session", "info"),
}

T = TypeVar("T")


def read(kind: type[T], body: Mapping[str, Any]) -> T:
    """Read a request; unknown fields are ignored, null is unset.

    Raises MalformedError for a wrong type, RefusedError for an unsupported option.
    """
    if any(body.get(name) for name in NOT_DONE.get(kind, ())):
        raise RefusedError(codes.NOT_AVAILABLE)
    values: dict[str, Any] = {}
    for known in fields(kind):  # type: ignore[arg-type]  # each kind is a dataclass
        value = body.get(known.name, UNSET)
        if value is UNSET or (value is None and known.type is not Any):
            continue
        wanted, fits = _FITS[known.type]
        if not fits(value):
            raise MalformedError(f"{known.name} must be {wanted}")
        values[known.name] = value
    return kind(**values)


def _are_texts(values: object) -> bool:
    return all(isinstance(value, str) for value in values)  # type: ignore[attr-defined]  # a list or view


_FITS: Mapping[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("a text", lambda value: isinstance(value, str)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: type(value) is int and abs(value) < 2**63),
    list[str] | None: (
        "a list of texts",
        lambda value: isinstance(value, list) and _are_texts(value),
    ),
    dict[str, str] | None: (
        "an object of texts",
        lambda value: isinstance(value, dict) and _are_texts(value.values()),
    ),
    dict[str, Any] | None: ("an object", lambda value: isinstance(value, dict)),
    Any: ("JSON", lambda _value: True),
}
