"""Who listens to which channel, and whether all of it was heard; no sockets, no clock, no waiting.

A channel with a history counts what is delivered. What comes twice is dropped; a gap is closed from
the history, and until then what comes is held back.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from ws_server.core import protocol
from ws_server.core.publication import History, Position, Publication, Recovery, recover
from ws_server.core.session import Session, Subscription

Verdict = Literal["deliver", "drop", "gap"]


@dataclass(slots=True)
class _Channel:
    """Members get publications. For joiners they are held back until the broker has answered.

    ``position`` is None without a history; ``held`` while a gap is being closed. ``head`` is how
    a push of a publication begins, once it was made.
    """

    members: set[Session] = field(default_factory=set)
    joiners: dict[Session, list[Publication]] = field(default_factory=dict)
    head: bytes = b""
    position: Position | None = None
    held: list[Publication] | None = None


class Channels:
    """The channels of one process, with everybody who listens to them."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def join(self, session: Session, channel: str) -> None:
        """Reserve the channel for the session while the broker is asked for it."""
        session.channels[channel] = Subscription()
        self._channels.setdefault(channel, _Channel()).joiners[session] = []

    def joined(
        self,
        session: Session,
        channel: str,
        subscription: Subscription,
        history: History | None = None,
        since: Position | None = None,
    ) -> Recovery | None:
        """Complete a subscription; return None when the session left in the meantime.

        ``history`` is that of the channel after ``since``; without one, nothing can be recovered.
        """
        entry = self._channels.get(channel)
        if channel not in session.channels or entry is None or session not in entry.joiners:
            return None
        held = entry.joiners.pop(session)
        recovery = recover(since, history, held) if history else _NO_HISTORY
        here = entry.position if entry.members else None
        if history and here and here.epoch != recovery.position.epoch:
            # The stream was lost meanwhile. It goes on with the others, who come back if need be.
            recovery = Recovery((), here, is_whole=since is None)
        if history and not entry.members:
            entry.position, entry.held = recovery.position, None
        entry.members.add(session)
        offset = recovery.position.offset if history else 0
        token = session.channels[channel].token
        session.subscribe(channel, replace(subscription, since=offset, token=token))
        return recovery

    def leave(self, session: Session, channel: str) -> bool:
        """Take the session out; return True when the broker need not deliver the channel now."""
        session.channels.pop(channel, None)
        entry = self._channels.get(channel)
        if entry is None:
            return False
        entry.members.discard(session)
        entry.joiners.pop(session, None)
        if entry.members or entry.joiners:
            return False
        del self._channels[channel]
        return True

    def is_member(self, session: Session, channel: str) -> bool:
        """Whether the session's subscription is complete."""
        entry = self._channels.get(channel)
        return entry is not None and session in entry.members

    def members(self, channel: str) -> Iterable[Session]:
        """Return who gets the publications of a channel; change nothing while walking it."""
        entry = self._channels.get(channel)
        return entry.members if entry else ()

    def names(self) -> Iterator[tuple[str, int]]:
        """Return every channel that somebody here listens to, and how many do."""
        return ((name, len(entry.members)) for name, entry in self._channels.items())

    def head(self, channel: str) -> bytes:
        """Return how a push of a publication begins; made once, and gone with the channel."""
        entry = self._channels.get(channel)
        if entry is None:
            return protocol.push_head(channel, "pub")
        if not entry.head:
            entry.head = protocol.push_head(channel, "pub")
        return entry.head

    def empty(self) -> list[str]:
        """Return the channels with a history in which nothing was published yet."""
        places = ((name, entry.position) for name, entry in self._channels.items())
        return [name for name, position in places if position and not position.offset]

    def accept(self, channel: str, publication: Publication) -> Verdict:
        """Return what becomes of a publication that the broker delivered.

        ``gap`` means that something before it is missing: ask the history, then call ``healed``.
        """
        entry = self._channels.get(channel)
        if entry is None:
            return "drop"
        if entry.joiners:
            for held in entry.joiners.values():
                held.append(publication)
        # Without an offset it is in no history, and would be lost among what is held back.
        if entry.held is not None and publication.offset:
            entry.held.append(publication)
            return "drop"
        if not entry.members:
            return "drop"
        return self._in_order(entry, publication)

    def doubt(self) -> list[str]:
        """Hold back what comes on all channels with a history: something may have been missed.

        Gives those channels; each is to be ``healed``.
        """
        doubted = [name for name, entry in self._channels.items() if entry.position]
        for name in doubted:
            entry = self._channels[name]
            entry.held = entry.held or []
        return doubted

    def position(self, channel: str) -> Position | None:
        """Return up to where the members of a channel have heard everything."""
        entry = self._channels.get(channel)
        return entry.position if entry else None

    def healed(self, channel: str, history: History) -> Recovery | None:
        """Close a gap with the history after ``position``; return None when nobody listens now."""
        entry = self._channels.get(channel)
        if entry is None or entry.position is None:
            return None
        recovery = recover(entry.position, history, entry.held or ())
        entry.position, entry.held = recovery.position, None
        return recovery

    def _in_order(self, entry: _Channel, publication: Publication) -> Verdict:
        here = entry.position
        if here is None or not publication.offset:
            return "deliver"
        if publication.epoch == here.epoch and publication.offset <= here.offset:
            return "drop"
        if publication.epoch == here.epoch and publication.offset == here.offset + 1:
            entry.position = Position(publication.offset, publication.epoch)
            return "deliver"
        entry.held = [publication]
        return "gap"


_NO_HISTORY = Recovery((), Position(0, ""), is_whole=False)
