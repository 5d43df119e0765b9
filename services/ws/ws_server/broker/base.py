"""The interface that carries publications, presence and control messages between replicas.

A broker guarantees the order: when ``history`` returns, each publication that it contains has
already been delivered, if the channel was subscribed at that time.
"""

import asyncio
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from ws_server.core.publication import History, Kind, Position, Publication, Version

MAX_HISTORY_BYTES = 4 * 1024 * 1024  # of publications in one answer
EMPTY_TTL = 600.0  # seconds after the last read, for a stream without any publication yet


class BrokerDownError(Exception):
    """The broker cannot be reached right now; the caller may try again."""


class BrokerRefusedError(BrokerDownError):
    """The broker answered this request with an error, and did nothing; others are not affected."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How many publications a channel keeps and for how long; times in seconds."""

    size: int
    ttl: float
    meta_ttl: float


class Listener(Protocol):
    """Receives the events of a broker in this replica, in order."""

    def deliver(self, channel: str, kind: Kind, publication: Publication) -> None:
        """Handle an event in a channel that this replica subscribed to."""

    def control(self, payload: bytes) -> None:
        """Handle a control message of a replica, possibly this one."""

    def reconnected(self) -> None:
        """Handle a reconnect: events since the disconnect were not delivered."""


class Broker(Protocol):
    """Carries publications; it subscribes to the channels that this replica needs."""

    name: str
    is_ready: bool
    replica: str

    @property
    def degraded(self) -> str:
        """Why the broker refuses to write while it answers, in its words; "" if it does not."""

    @property
    def lag(self) -> float:
        """The current response time of the broker in seconds."""

    async def run(self, listener: Listener) -> None:
        """Keep the broker connected until cancelled, and pass its events to the listener.

        Does not raise if the broker is down.
        """

    async def subscribe(self, channel: str) -> None:
        """Return when publications of the channel will be delivered. Raises BrokerDownError."""

    def unsubscribe(self, channel: str) -> None:
        """Stop delivering the channel soon."""

    def deadline(self) -> float:
        """Return until when a key is remembered that another replica uses from now on.

        It is a time of the broker in seconds, for ``publish``.
        """

    def publish(
        self,
        channel: str,
        payload: bytes,
        keep: Keep | None = None,
        key: str = "",
        until: float = math.inf,
        version: Version | None = None,
        after: str = "",
    ) -> asyncio.Future[Position]:
        """Return a future of the publication's position; its offset is 0 without ``keep``.

        The order of the calls is the order of publication, even if the caller awaits nothing in
        between. A ``key`` that was used in the last minutes publishes nothing, and gives the
        position of the first. Nothing is published after ``until``, a ``deadline``: this process
        may have been paused, and another one may have published the same with that key.

        With ``after``, a key of the same channel, it is refused while that key is not known: what
        was refused before must not be overtaken.

        With a ``version`` that is not newer than the last one, nothing is published, and the
        position is that of the end of the stream. It has no effect without ``keep``.

        If the future raises BrokerDownError, the outcome is unknown.
        """

    async def history(
        self, channel: str, since: Position | None, limit: int, *, reverse: bool = False
    ) -> History:
        """Return publications after ``since`` or from the beginning, at most ``limit``; -1 for all.

        At most MAX_HISTORY_BYTES: the rest is left out. A stream without a publication is kept for
        EMPTY_TTL from then. Raises BrokerDownError.
        """

    async def forget(self, channel: str) -> None:
        """Remove the publications of a channel, but not its position. Raises BrokerDownError."""

    async def enter(self, channel: str, client: str, info: bytes, *, announce: bool) -> None:
        """Add a client to the presence of a channel; ``announce`` publishes a ``join``."""

    async def exit(self, channel: str, client: str, *, announce: bool) -> None:
        """Remove a client; ``announce`` publishes a ``leave``."""

    async def present(self, channel: str) -> Mapping[str, bytes]:
        """Return the ClientInfo objects of a channel by client. Raises BrokerDownError."""

    async def command(self, payload: bytes, replica: str = "", *, until: float = 0.0) -> None:
        """Send a control message to all replicas, including this one, or to one, at least once.

        ``until`` that time (Unix seconds), replicas that connect later also receive it, before they
        are ready. Raises BrokerDownError.
        """

    async def time(self) -> float:
        """Return the Unix time, the same for all replicas. Raises BrokerDownError."""

    async def replicas(self) -> Collection[str]:
        """Return the names of the replicas that are known to live. Raises BrokerDownError."""
