"""How publications, presence and control messages travel between replicas; knows no sessions.

What a broker promises about order: when ``history`` has returned, every publication that it knows
of was delivered before, if the channel was subscribed at the time.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from ws_server.core.publication import History, Kind, Position, Publication

MAX_HISTORY_BYTES = 4 * 1024 * 1024  # of publications in one answer


class BrokerDownError(Exception):
    """The broker cannot be reached right now; the caller may try again."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How many publications a channel keeps and for how long; times in seconds."""

    size: int
    ttl: float
    meta_ttl: float


class Listener(Protocol):
    """What a broker tells this replica, in the order in which things happened."""

    def deliver(self, channel: str, kind: Kind, publication: Publication) -> None:
        """Something was published in a channel that this replica subscribed."""

    def control(self, payload: bytes) -> None:
        """A replica, perhaps this one, sent a control message."""

    def reconnected(self) -> None:
        """The connection is there again, and whatever happened meanwhile was not delivered."""


class Broker(Protocol):
    """Carries publications; its own subscriptions are the channels that this replica needs."""

    name: str
    is_ready: bool
    replica: str

    @property
    def lag(self) -> float:
        """How many seconds the broker takes to answer right now."""

    async def run(self, listener: Listener) -> None:
        """Keep the broker connected until cancelled, and tell the listener what happens.

        Never raises for a broker that is down.
        """

    async def subscribe(self, channel: str) -> None:
        """Return when publications of the channel will be delivered. Raises BrokerDownError."""

    def unsubscribe(self, channel: str) -> None:
        """Stop delivering the channel, soon."""

    def publish(
        self, channel: str, payload: bytes, keep: Keep | None = None, key: str = ""
    ) -> asyncio.Future[Position]:
        """Return the place where the publication stands, once it does; offset 0 without ``keep``.

        What is published first stands first, whether or not anybody waits in between. A ``key``
        that was used in the last minutes publishes nothing, and gives the place of the first. The
        future may raise BrokerDownError; then the publication may have happened or not.
        """

    async def history(
        self, channel: str, since: Position | None, limit: int, *, reverse: bool = False
    ) -> History:
        """Publications after ``since`` (or from the beginning), at most ``limit``; -1 for all.

        And at most MAX_HISTORY_BYTES of them: the rest is left out. Raises BrokerDownError.
        """

    async def forget(self, channel: str) -> None:
        """Remove the publications of a channel, but not its position. Raises BrokerDownError."""

    async def enter(self, channel: str, client: str, info: bytes, *, announce: bool) -> None:
        """Make a client present in a channel; ``announce`` tells the channel by a ``join``."""

    async def exit(self, channel: str, client: str, *, announce: bool) -> None:
        """Take a client out; ``announce`` tells the channel by a ``leave``."""

    async def present(self, channel: str) -> Mapping[str, bytes]:
        """Who is in a channel: ClientInfo objects by client. Raises BrokerDownError."""

    async def command(self, payload: bytes, replica: str = "", *, until: float = 0.0) -> None:
        """Tell every replica, this one included, or only one; it may be heard more than once.

        Until that time (Unix seconds) also each one that connects later, before it is ready. Raises
        BrokerDownError.
        """

    async def replicas(self) -> Collection[str]:
        """The names of all replicas, as far as it is known who lives. Raises BrokerDownError."""
