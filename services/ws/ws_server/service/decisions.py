"""What is left to the application to decide, and how it says so; asks nobody itself."""

import math
from dataclasses import dataclass
from typing import Protocol

from ws_server.core import codes
from ws_server.core.codes import Disconnect, ReplyError
from ws_server.core.commands import Wanted
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
    """A subscription that the application allowed; ``expires_at`` is in Unix seconds."""

    expires_at: float = math.inf
    data: object = None


class Hooks(Protocol):
    """What the application decides."""

    def heard(self, headers: Headers, /) -> "Hooks":
        """Return the same for one connection: its handshake had these headers."""

    async def subscribe(self, session: Session, wanted: Wanted, /) -> Grant:
        """Return when the session may subscribe. Raises HookError."""

    async def call(self, session: Session, method: str, data: object, /) -> object:
        """Return the answer to an RPC; ``method`` may be "". Raises HookError."""


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
