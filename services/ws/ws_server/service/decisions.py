"""What is left to the application to decide, and how it says so; asks nobody itself."""

import math
from dataclasses import dataclass
from typing import Protocol

from ws_server.core import codes
from ws_server.core.claims import Claims
from ws_server.core.codes import Disconnect, ReplyError
from ws_server.core.effects import Wanted
from ws_server.core.handshake import Headers
from ws_server.core.session import Session
from ws_server.service.reading import RefusedError


class HookError(RefusedError):
    """The application's hook refused, or could not be asked.

    The command is answered by ``error``, or the connection is closed by ``disconnect``.
    """

    def __init__(self, error: ReplyError, disconnect: Disconnect | None = None) -> None:
        super().__init__(error)
        self.disconnect = disconnect


@dataclass(frozen=True, slots=True)
class Grant:
    """A subscription that is allowed, until ``expires_at`` (Unix seconds), maybe by a ``token``."""

    expires_at: float = math.inf
    data: object = None
    token: Claims | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """A publication that the application allowed; ``data`` is JSON, maybe other than asked for."""

    data: bytes
    skip_history: bool = False


class Hooks(Protocol):
    """What the application decides."""

    def heard(self, headers: Headers, /) -> "Hooks":
        """Return the same for one connection: its handshake had these headers."""

    async def subscribe(self, session: Session, wanted: Wanted, /) -> Grant:
        """Return when the session may subscribe. Raises HookError."""

    async def call(self, session: Session, method: str, data: object, /) -> object:
        """Return the answer to an RPC; ``method`` may be "". Raises HookError."""

    async def connect(self, session: Session, data: object, /) -> tuple[Claims, object] | None:
        """Return who a client without a token is, and data for it; None if nobody can say.

        Raises HookError.
        """

    async def publish(self, session: Session, channel: str, data: bytes, /) -> Offered:
        """Return what may be published. Raises HookError."""

    async def refresh(self, session: Session, /) -> Claims | None:
        """Return for how long a client stays that ``connect`` let in; None if it may not.

        Raises HookError.
        """

    async def sub_refresh(self, session: Session, channel: str, /) -> float | None:
        """Return the new end of a subscription in Unix seconds; None if it is over.

        Raises HookError.
        """

    def can_renew(self, channel: str, /) -> bool:
        """Whether ``refresh`` ("") or ``sub_refresh`` can be asked."""


class NoHooks:
    """Nobody to ask: nothing more is allowed."""

    def heard(self, _headers: Headers, /) -> "NoHooks":
        """Return the same: nobody is told."""
        return self

    async def subscribe(self, _session: Session, _wanted: Wanted, /) -> Grant:
        """Deny it. Raises HookError."""
        raise HookError(codes.PERMISSION_DENIED)

    async def call(self, _session: Session, _method: str, _data: object, /) -> object:
        """Say that there is no such method. Raises HookError."""
        raise HookError(codes.NOT_AVAILABLE)

    async def connect(self, _session: Session, _data: object, /) -> None:
        """Know nobody."""

    async def publish(self, _session: Session, _channel: str, _data: bytes, /) -> Offered:
        """Deny it. Raises HookError."""
        raise HookError(codes.PERMISSION_DENIED)

    async def refresh(self, _session: Session, /) -> None:
        """Let nobody stay."""

    async def sub_refresh(self, _session: Session, _channel: str, /) -> None:
        """Let it end."""

    def can_renew(self, _channel: str, /) -> bool:
        """Nobody is asked."""
        return False
