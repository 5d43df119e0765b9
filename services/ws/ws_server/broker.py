"""How publications travel to every replica, and the broker for a single one; knows no sessions."""

from collections.abc import Callable
from typing import Protocol

Deliver = Callable[[str, bytes], None]
"""Called with a channel and a ``pub`` object for each publication, in the order of the channel."""


class BrokerDownError(Exception):
    """The broker cannot be reached right now; the caller may try again."""


class Broker(Protocol):
    """Carries publications; its own subscriptions are the channels that this replica needs."""

    name: str
    is_ready: bool

    async def run(self) -> None:
        """Keep the broker connected until cancelled; never raises for a broker that is down."""

    async def subscribe(self, channel: str) -> None:
        """Return when publications of the channel will be delivered. Raises BrokerDownError."""

    def unsubscribe(self, channel: str) -> None:
        """Stop delivering the channel, soon."""

    async def publish(self, channel: str, payload: bytes) -> None:
        """Return when the broker has the publication. Raises BrokerDownError."""


class MemoryBroker:
    """For a server without Redis: what is published here is delivered here, at once."""

    name = "memory"
    is_ready = True

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    async def run(self) -> None:
        """There is nothing to keep connected."""

    async def subscribe(self, channel: str) -> None:
        """Everything is delivered anyway."""

    def unsubscribe(self, channel: str) -> None:
        """Everything is delivered anyway; the hub drops what nobody wants."""

    async def publish(self, channel: str, payload: bytes) -> None:
        """Deliver to the subscribers of this process."""
        self._deliver(channel, payload)
