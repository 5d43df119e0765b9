"""What the server remembers of one connection; no sockets, no clock: time is an argument."""

import math
from dataclasses import dataclass, field
from typing import Protocol

from ws_server import protocol
from ws_server.auth import Claims
from ws_server.codes import CONNECTION_EXPIRED, NO_PONG, STALE, Disconnect
from ws_server.namespaces import Slow


class Receiver(Protocol):
    """Where a session's frames go. It never blocks, and never tells the caller that it is full."""

    def write(self, framed: bytes, channel: str = "", slow: Slow = "disconnect") -> None:
        """Queue one whole WebSocket frame; of a ``channel`` it may be dropped, as ``slow`` says."""

    def send(self, payload: bytes) -> None:
        """Queue one message, to be framed."""

    def close(self, disconnect: Disconnect) -> None:
        """Say goodbye, after what is queued."""

    def abort(self) -> None:
        """Go without a goodbye."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long a session waits, in seconds, for a connect, between pings, and for a pong.

    ``grace`` is how long a token that expired on the live connection may still be replaced.
    """

    connect: float = 5.0
    ping: float = 25.0
    pong: float = 10.0
    grace: float = 25.0


@dataclass(frozen=True, slots=True)
class Subscription:
    """One channel of a session. ``since`` is the offset it began after: what is not news to it.

    ``expires_at`` is on the monotonic clock, grace included; ``is_present`` whether others see it.
    """

    since: int = 0
    expires_at: float = math.inf
    is_present: bool = False


@dataclass(eq=False, slots=True)
class Session:
    """One connection. All times are seconds of the same monotonic clock; ``inf`` means never.

    ``info`` is what others see of it: the ClientInfo that goes with all that it publishes.
    """

    id: str
    receiver: Receiver
    address: str = ""
    claims: Claims | None = None
    channels: dict[str, Subscription] = field(default_factory=dict)
    connect_by: float = math.inf
    expires_at: float = math.inf
    ping_at: float = math.inf
    pong_by: float = math.inf
    scheduled_at: float = math.inf
    subscription_ends_at: float = math.inf
    info: bytes = b""
    budget: float = 0.0
    counted_at: float = 0.0

    @property
    def user(self) -> str:
        """The user of the token, "" before it is known."""
        return self.claims.user if self.claims else ""

    def welcome(self, claims: Claims, expires_at: float, ping_at: float) -> None:
        """The token was good: from now on the session lives until it expires."""
        self._identify(claims)
        self.connect_by, self.expires_at, self.ping_at = math.inf, expires_at, ping_at

    def refresh(self, claims: Claims, expires_at: float) -> None:
        """Another token of the same user takes the place of the first."""
        self._identify(claims)
        self.expires_at = expires_at

    def _identify(self, claims: Claims) -> None:
        self.claims = claims
        self.info = protocol.client_info(claims.user, self.id, claims.info)

    def subscribe(self, channel: str, subscription: Subscription) -> None:
        """Remember the channel, and when its subscription ends."""
        self.channels[channel] = subscription
        ends = subscription.expires_at
        self.subscription_ends_at = min(self.subscription_ends_at, ends)

    def ended(self, now: float) -> list[str]:
        """The channels whose subscription is over at ``now``."""
        if now < self.subscription_ends_at:
            return []
        over = [name for name, each in self.channels.items() if each.expires_at <= now]
        later = (each.expires_at for each in self.channels.values() if each.expires_at > now)
        self.subscription_ends_at = min(later, default=math.inf)
        return over

    def deadline(self) -> float:
        """When the session has to be looked at next: it may be overdue, or want a ping."""
        return min(
            *(self.connect_by, self.expires_at, self.ping_at, self.pong_by),
            self.subscription_ends_at,
        )

    def overdue(self, now: float) -> Disconnect | None:
        """Why the session is over at ``now``, if it is."""
        if now >= self.connect_by:
            return STALE
        if now >= self.expires_at:
            return CONNECTION_EXPIRED
        return NO_PONG if now >= self.pong_by else None

    def spend(self, cost: float, rate: float, now: float) -> float:
        """Take ``cost`` of a budget that grows by ``rate`` a second up to twice that; what is left.

        A negative rest means that it was not granted.
        """
        grown = min(rate * 2, self.budget + (now - self.counted_at) * rate)
        self.counted_at, self.budget = now, max(grown - cost, -rate * 4)
        return self.budget
