"""What this replica does with what the broker says: one node among all. No I/O of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from ws_server.core.publication import Kind, Publication
from ws_server.service import control
from ws_server.service.control import Handler
from ws_server.service.revoking import Revoking
from ws_server.service.service import Service


@dataclass(frozen=True, slots=True)
class Node:
    """A Listener of the broker; ``handlers`` are those of control messages, by name."""

    service: Service
    revoking: Revoking
    handlers: Mapping[str, Handler]

    def deliver(self, channel: str, kind: Kind, publication: Publication) -> None:
        """Pass on what was published, once and in order."""
        self.service.deliver(channel, kind, publication)

    def control(self, payload: bytes) -> None:
        """Do what a replica told this one to do."""
        control.handle(self.service, self.handlers, payload)

    def reconnected(self) -> None:
        """Catch up: each channel may have missed publications, and the broker may have lost all."""
        self.service.heal_all()
        self.service.later(self.revoking.repeat())
