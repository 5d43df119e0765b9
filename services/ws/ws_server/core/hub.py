"""Knows who is connected and when each has to be looked at; no sockets, no clock, no waiting."""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from uuid import uuid4

from ws_server.core.channels import Channels
from ws_server.core.codes import Disconnect
from ws_server.core.session import Receiver, Session, Times

MANY_STALE = 1000  # deadlines of sessions that are gone; fewer are not worth the work


class Hub:
    """The sessions of one process, by user and address, and their deadlines."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self.sessions: set[Session] = set()
        self.channels = Channels()
        self._users: defaultdict[str, set[Session]] = defaultdict(set)
        self._addresses: defaultdict[str, int] = defaultdict(int)
        self._deadlines: list[tuple[float, int, Session]] = []
        self._order = count()  # decides between equal deadlines: sessions do not compare
        self._stale = 0  # entries of sessions that are gone, at least

    def open(self, receiver: Receiver, address: str, now: float) -> Session:
        """Return a new session that has ``times.connect`` seconds to present a token."""
        session = Session(
            uuid4().hex, receiver, address, connect_by=now + self.times.connect, counted_at=now
        )
        self.sessions.add(session)
        self._addresses[address] += 1
        self.schedule(session)
        return session

    def close(self, session: Session) -> list[str]:
        """Forget the session; return the channels that nobody here listens to any more."""
        if session not in self.sessions:
            return []
        self.sessions.discard(session)
        self._stale += session.scheduled_at < math.inf
        if self._stale > MANY_STALE and self._stale * 2 > len(self._deadlines):
            self._forget_stale()
        self._addresses[session.address] -= 1
        if not self._addresses[session.address]:
            del self._addresses[session.address]
        if session.user:
            self._users[session.user].discard(session)
            if not self._users[session.user]:
                del self._users[session.user]
        names = tuple(session.channels)
        return [channel for channel in names if self.channels.leave(session, channel)]

    def _forget_stale(self) -> None:
        """Drop the deadlines of sessions that are gone, whose memory they would keep until then."""
        entries = self._deadlines
        self._deadlines = [each for each in entries if each[2] in self.sessions]
        heapq.heapify(self._deadlines)
        self._stale = 0

    def signed_in(self, session: Session) -> None:
        """Remember whose session it is, now that its token was good; nobody's has no user."""
        if session.user:
            self._users[session.user].add(session)

    def of_user(self, user: str) -> tuple[Session, ...]:
        """Return the sessions of a user."""
        return tuple(self._users.get(user, ()))

    def from_address(self, address: str) -> int:
        """Return how many sessions an address has."""
        return self._addresses.get(address, 0)

    @property
    def users(self) -> int:
        """How many users are signed in."""
        return len(self._users)

    def schedule(self, session: Session) -> None:
        """Look at the session at its deadline; to be called when that may have moved nearer."""
        deadline = session.deadline()
        if deadline < session.scheduled_at:
            session.scheduled_at = deadline
            heapq.heappush(self._deadlines, (deadline, next(self._order), session))

    def next_deadline(self) -> float:
        """Return when ``due`` has work next; ``inf`` when there is none."""
        return self._deadlines[0][0] if self._deadlines else math.inf

    def due(self, now: float) -> Iterator[tuple[Session, Disconnect | None]]:
        """Yield the sessions whose time has come: to be closed, or with None to be looked at.

        Who is looked at may want a ping (``pings``) or have lost a subscription (``ended``).
        """
        while self._deadlines and self._deadlines[0][0] <= now:
            when, _, session = heapq.heappop(self._deadlines)
            if session not in self.sessions or when != session.scheduled_at:
                continue  # closed meanwhile, or looked at by a nearer entry
            session.scheduled_at = math.inf
            disconnect = session.overdue(now)
            if disconnect is not None or session.deadline() <= now:
                yield session, disconnect
            if disconnect is None:
                self.schedule(session)

    def pings(self, session: Session, now: float) -> bool:
        """Whether it is time to ping this session; sets when the next one is due."""
        if now < session.ping_at:
            return False
        session.ping_at = now + self.times.ping
        session.pong_by = min(session.pong_by, now + self.times.pong)
        return True
