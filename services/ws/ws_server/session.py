"""What the server remembers of one connection; no sockets, no clock: time is an argument."""

import math
from dataclasses import dataclass, field
from typing import Protocol

from ws_server.auth import Claims
from ws_server.codes import CONNECTION_EXPIRED, NO_PONG, STALE, Disconnect


class Receiver(Protocol):
    """Where a session's frames go. It never blocks, and never tells the caller that it is full."""

    def write(self, framed: bytes) -> None:
        """Queue one whole WebSocket frame."""

    def send(self, payload: bytes) -> None:
        """Queue one message, to be framed."""

    def close(self, disconnect: Disconnect) -> None:
        """Say goodbye, after what is queued."""

    def abort(self) -> None:
        """Go without a goodbye."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long a session waits, in seconds, for a connect, between pings, and for a pong."""

    connect: float = 5.0
    ping: float = 25.0
    pong: float = 10.0


@dataclass(eq=False, slots=True)
class Session:
    """One connection. All times are seconds of the same monotonic clock; ``inf`` means never."""

    id: str
    receiver: Receiver
    token: str = field(default="", repr=False)
    claims: Claims | None = None
    channels: set[str] = field(default_factory=set)
    connect_by: float = math.inf
    expires_at: float = math.inf
    ping_at: float = math.inf
    pong_by: float = math.inf
    scheduled_at: float = math.inf

    @property
    def user(self) -> str:
        """The user of the token, "" before it is known."""
        return self.claims.user if self.claims else ""

    def welcome(self, claims: Claims, expires_at: float, ping_at: float) -> None:
        """The token was good: from now on the session lives until it expires."""
        self.claims, self.token = claims, ""
        self.connect_by, self.expires_at, self.ping_at = math.inf, expires_at, ping_at

    def deadline(self) -> float:
        """When the session has to be looked at next: it may be overdue, or want a ping."""
        return min(self.connect_by, self.expires_at, self.ping_at, self.pong_by)

    def overdue(self, now: float) -> Disconnect | None:
        """Why the session is over at ``now``, if it is."""
        if now >= self.connect_by:
            return STALE
        if now >= self.expires_at:
            return CONNECTION_EXPIRED
        return NO_PONG if now >= self.pong_by else None
