"""What the server remembers of one connection; no sockets, no clock: time is an argument."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ws_server.core import protocol
from ws_server.core.claims import Claims
from ws_server.core.codes import CONNECTION_EXPIRED, NO_PONG, STALE, Disconnect
from ws_server.core.namespaces import Slow


class Receiver(Protocol):
    """Where a session's frames go. It never blocks, and never tells the caller that it is full."""

    @property
    def size(self) -> int:
        """How many bytes wait for the client."""

    def write(self, framed: bytes, channel: str = "", slow: Slow = "disconnect") -> None:
        """Queue one whole WebSocket frame; of a ``channel`` it may be dropped, as ``slow`` says."""

    def send(self, payload: bytes) -> None:
        """Queue one message, to be framed."""

    def close(self, disconnect: Disconnect) -> None:
        """Say goodbye, after what is queued."""

    def begin(self) -> None:
        """Note that the client asked something."""

    def end(self) -> None:
        """Note that it is answered."""

    def finish(self, disconnect: Disconnect) -> None:
        """Say goodbye once what the client asked last is answered."""

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
    ``token`` is what a subscription token said, if one opened the channel. ``is_server_side`` is
    one that the client did not ask for by ``subscribe``, and would not ask for again.
    """

    since: int = 0
    expires_at: float = math.inf
    is_present: bool = False
    token: Claims | None = None
    is_server_side: bool = False
    is_renewing: bool = False


@dataclass(eq=False, slots=True)
class Session:
    """One connection. All times are seconds of the same monotonic clock; ``inf`` means never.

    ``info`` is what others see of it: the ClientInfo that goes with all that it publishes.
    ``renew`` asks the application about what has just expired, a channel or "" for the connection,
    and returns False if nobody can be asked; ``is_renewing`` while it is asked for the latter.
    """

    id: str
    receiver: Receiver
    address: str = ""
    transport: str = "websocket"
    claims: Claims | None = None
    channels: dict[str, Subscription] = field(default_factory=dict)
    connect_by: float = math.inf
    expires_at: float = math.inf
    ping_at: float = math.inf
    pong_by: float = math.inf
    scheduled_at: float = math.inf
    subscription_ends_at: float = math.inf
    info: bytes = b""
    budget: float = math.inf
    counted_at: float = 0.0
    excess: int = 0
    renew: Callable[[str], bool] | None = None
    is_renewing: bool = False

    @property
    def user(self) -> str:
        """The user of the token, "" before it is known."""
        return self.claims.user if self.claims else ""

    def welcome(self, claims: Claims, expires_at: float, ping_at: float) -> None:
        """Note that the token was good: from now on the session lives until it expires."""
        self._identify(claims)
        self.connect_by, self.expires_at, self.ping_at = math.inf, expires_at, ping_at

    def refresh(self, claims: Claims, expires_at: float) -> None:
        """Replace the token by another one of the same user."""
        self._identify(claims)
        self.is_renewing = False
        self.expires_at = expires_at

    def _identify(self, claims: Claims) -> None:
        self.claims = claims
        try:
            self.info = protocol.client_info(claims.user, self.id, claims.info)
        except ValueError:  # what JSON cannot carry, such as 1e999, is kept from others
            self.info = protocol.client_info(claims.user, self.id)

    def subscribe(self, channel: str, subscription: Subscription) -> None:
        """Remember the channel, and when its subscription ends."""
        self.channels[channel] = subscription
        ends = subscription.expires_at
        self.subscription_ends_at = min(self.subscription_ends_at, ends)

    def ended(self, now: float) -> list[str]:
        """Return the channels whose subscription is over at ``now``."""
        if now < self.subscription_ends_at:
            return []
        over = [name for name, each in self.channels.items() if each.expires_at <= now]
        later = (each.expires_at for each in self.channels.values() if each.expires_at > now)
        self.subscription_ends_at = min(later, default=math.inf)
        return over

    def deadline(self) -> float:
        """Return when the session has to be looked at next: it may be overdue, or want a ping."""
        return min(
            *(self.connect_by, self.expires_at, self.ping_at, self.pong_by),
            self.subscription_ends_at,
        )

    def overdue(self, now: float) -> Disconnect | None:
        """Return why the session is over at ``now``, if it is."""
        if now >= self.connect_by:
            return STALE
        if now >= self.expires_at:
            return CONNECTION_EXPIRED
        return NO_PONG if now >= self.pong_by else None

    def has(self, cost: int, rate: float, now: float) -> bool:
        """Whether ``spend`` would grant it."""
        return cost <= min(rate * 2, self.budget + (now - self.counted_at) * rate)

    def spend(self, cost: int, rate: float, now: float) -> bool:
        """Take ``cost`` of a budget that grows by ``rate`` a second up to twice that.

        Return False when it is not granted. Then nothing is taken, or who tries again in vain would
        never be granted anything; ``excess`` is how much was refused since something was granted.
        """
        self.budget = min(rate * 2, self.budget + (now - self.counted_at) * rate)
        self.counted_at = now
        if cost > self.budget:
            self.excess += cost
            return False
        self.budget -= cost
        self.excess = 0
        return True
