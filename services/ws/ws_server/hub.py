"""Knows who is connected and who listens where; no sockets, no clock, no waiting."""

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

from ws_server.codes import Disconnect
from ws_server.session import Receiver, Session, Times


@dataclass(slots=True)
class _Channel:
    """Members get publications. Joiners wait for the broker and only keep the channel alive."""

    members: set[Session] = field(default_factory=set)
    joiners: set[Session] = field(default_factory=set)


class Hub:
    """The sessions of one process, their channels and their deadlines."""

    def __init__(self, times: Times, max_channels: int) -> None:
        self.times = times
        self.max_channels = max_channels
        self.sessions: set[Session] = set()
        self._channels: dict[str, _Channel] = {}
        self._deadlines: list[tuple[float, int, Session]] = []
        self._order = count()  # decides between equal deadlines: sessions do not compare

    def open(self, receiver: Receiver, token: str, now: float) -> Session:
        """A new session that has ``times.connect`` seconds to present a token."""
        session = Session(uuid4().hex, receiver, token, connect_by=now + self.times.connect)
        self.sessions.add(session)
        self.schedule(session)
        return session

    def close(self, session: Session) -> list[str]:
        """Forget the session; returns the channels that nobody here listens to any more."""
        self.sessions.discard(session)
        return [channel for channel in tuple(session.channels) if self.leave(session, channel)]

    def join(self, session: Session, channel: str) -> None:
        """Reserve the channel for the session while the broker is asked for it."""
        session.channels.add(channel)
        self._channels.setdefault(channel, _Channel()).joiners.add(session)

    def joined(self, session: Session, channel: str) -> bool:
        """The broker delivers the channel now; False when the session left in the meantime."""
        if channel not in session.channels:
            return False
        self._channels[channel].joiners.discard(session)
        self._channels[channel].members.add(session)
        return True

    def leave(self, session: Session, channel: str) -> bool:
        """Take the session out; True when the broker need not deliver the channel any more."""
        session.channels.discard(channel)
        entry = self._channels.get(channel)
        if entry is None:
            return False
        entry.members.discard(session)
        entry.joiners.discard(session)
        if entry.members or entry.joiners:
            return False
        del self._channels[channel]
        return True

    def is_member(self, session: Session, channel: str) -> bool:
        """Whether the session's subscription is complete."""
        entry = self._channels.get(channel)
        return entry is not None and session in entry.members

    def members(self, channel: str) -> Iterable[Session]:
        """Who gets the publications of a channel; do not change the hub while walking it."""
        entry = self._channels.get(channel)
        return entry.members if entry else ()

    def schedule(self, session: Session) -> None:
        """Look at the session at its deadline; to be called when that may have moved nearer."""
        deadline = session.deadline()
        if deadline < session.scheduled_at:
            session.scheduled_at = deadline
            heapq.heappush(self._deadlines, (deadline, next(self._order), session))

    def next_deadline(self) -> float:
        """When ``due`` has work next; ``inf`` when there is none."""
        return self._deadlines[0][0] if self._deadlines else math.inf

    def due(self, now: float) -> Iterator[tuple[Session, Disconnect | None]]:
        """The sessions whose time has come: to be closed, or with None to be pinged."""
        while self._deadlines and self._deadlines[0][0] <= now:
            when, _, session = heapq.heappop(self._deadlines)
            if session not in self.sessions or when != session.scheduled_at:
                continue  # closed meanwhile, or looked at by a nearer entry
            session.scheduled_at = math.inf
            disconnect = session.overdue(now)
            if disconnect is None:
                yield from self._ping(session, now)
                self.schedule(session)
            else:
                yield session, disconnect

    def _ping(self, session: Session, now: float) -> Iterator[tuple[Session, None]]:
        if now >= session.ping_at:
            session.ping_at = now + self.times.ping
            session.pong_by = min(session.pong_by, now + self.times.pong)
            yield session, None
