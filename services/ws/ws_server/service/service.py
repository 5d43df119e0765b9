"""What the server does for clients and for its HTTP API alike; reads no frames and no requests."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ws_server.broker.base import Broker, BrokerDownError, Keep
from ws_server.core import codes, protocol
from ws_server.core.claims import Claims
from ws_server.core.codes import Disconnect, ReplyError, Unsubscribe
from ws_server.core.commands import Rules
from ws_server.core.effects import Wanted
from ws_server.core.frame import frame
from ws_server.core.hub import Hub
from ws_server.core.namespaces import Namespace
from ws_server.core.publication import History, Kind, Position, Publication, Recovery, Version
from ws_server.core.session import Session, Subscription
from ws_server.log import Log
from ws_server.service.fanout import Fanout
from ws_server.stats import Stats

MAX_RECOVERED = 1000  # publications that one recovery may bring
HEALED_AT_ONCE = 64  # channels; a task for each of all would be hundreds of megabytes


@dataclass(frozen=True, slots=True)
class Clocks:
    """``now`` is the monotonic clock of the hub, ``wall`` is Unix time; both in seconds."""

    now: Callable[[], float]
    wall: Callable[[], float]


@dataclass(slots=True)
class Service:
    """The hub, the broker and what connects them; what the broker says comes by the node.

    ``deadline_moved`` is called when a session has to be looked at earlier than before.
    """

    hub: Hub
    rules: Rules
    stats: Stats
    log: Log
    clocks: Clocks
    fanout: Fanout
    broker: Broker
    deadline_moved: Callable[[], None]
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _greetings: dict[Session, asyncio.Event] = field(default_factory=dict)

    def publish(
        self,
        channel: str,
        payload: bytes,
        *,
        key: str = "",
        skip_history: bool = False,
        until: float = math.inf,
        version: Version | None = None,
        after: str = "",
    ) -> asyncio.Future[Position]:
        """Hand a ``pub`` object to the broker; the future may raise BrokerDownError."""
        options = self.rules.namespaces.of(channel)
        keep = None if skip_history else _keep(options)
        self.stats.publications += 1
        return self.broker.publish(channel, payload, keep, key, until, version, after)

    async def prepare(self, session: Session, wanted: Wanted) -> History | None:
        """Have the broker deliver a reserved channel; return its history, if it has one.

        Raises BrokerDownError; then the session has left the channel.
        """
        channel = wanted.channel
        if channel not in session.channels:
            return None  # it left while the hook was asked, and nobody would unsubscribe
        try:
            await self.broker.subscribe(channel)
            if not self.rules.namespaces.of(channel).has_history:
                return None
            limit = 0 if wanted.since is None else MAX_RECOVERED
            return await self.broker.history(channel, wanted.since, limit)
        except BrokerDownError:
            self.leave(session, channel)
            raise

    def complete(
        self,
        session: Session,
        wanted: Wanted,
        history: History | None,
        expires_at: float = math.inf,
        data: object = None,
        *,
        is_server_side: bool = False,
    ) -> bytes | ReplyError:
        """Make the session a member; return the SubscribeResult as JSON, with ``data`` for it.

        Return the error instead if it left in the meantime, or demanded a whole recovery and none
        is possible. The reply has to be sent before anything waits, or publications overtake it.
        """
        channel, options = wanted.channel, self.rules.namespaces.of(wanted.channel)
        self.fanout.flush(channel)
        new = Subscription(0, expires_at, options.presence, is_server_side=is_server_side)
        recovery = self.hub.channels.joined(session, channel, new, history, wanted.since)
        if recovery is None:
            return codes.INTERNAL
        if history is not None:
            self._count_recovery(wanted, is_whole=recovery.is_whole)
            if wanted.is_strict and not recovery.is_whole:
                self._forget(session, channel)
                return codes.UNRECOVERABLE_POSITION
        self._schedule(session)
        if options.presence:
            self.later(self._enter(session, channel))
        result: dict[str, object] = {}
        # An SDK that is told of an end asks for a new token; without one to replace it would give
        # up.
        if expires_at < math.inf and session.channels[channel].token:
            result = protocol.life(expires_at - self.clocks.now() - self.hub.times.grace)
        if history is not None:
            result |= _stream(options, wanted, recovery)
        if wanted.since is not None:
            result |= {"was_recovering": True, "recovered": recovery.is_whole}
        missed = [pub.json for pub in recovery.publications]
        return protocol.with_data(protocol.subscribed(result, missed), data)

    @contextmanager
    def greeting(self, session: Session) -> Iterator[None]:
        """Hold back what is granted meanwhile: SDKs forget what they heard before the reply."""
        self._greetings[session] = asyncio.Event()
        try:
            yield
        finally:
            self._greetings.pop(session).set()

    def grant(self, session: Session, wanted: Wanted, expires_at: float = math.inf) -> None:
        """Subscribe a session without being asked by its client, soon, and tell it."""
        if wanted.channel not in session.channels and expires_at > self.clocks.wall():
            self.hub.channels.join(session, wanted.channel)
            self.later(self._grant(session, wanted, expires_at))

    def leave(self, session: Session, channel: str) -> None:
        """End a subscription, in silence towards its own client."""
        self.fanout.flush(channel)
        subscription = session.channels.get(channel)
        if subscription and subscription.is_present:
            self.later(self._exit(session.id, channel))
        self._forget(session, channel)

    def unsubscribe(self, session: Session, channel: str, why: Unsubscribe) -> None:
        """End a subscription, and tell its client why."""
        if channel not in session.channels:
            return
        self.leave(session, channel)
        self.stats.unsubscribes[why.code] += 1
        body = protocol.encode({"code": why.code, "reason": why.reason})
        session.receiver.send(protocol.push(channel, "unsubscribe", body))

    def welcome(self, session: Session, claims: Claims) -> float:
        """Start the session of a verified token. Return the seconds that the token has left."""
        ends = self.ends_at(claims.expires_at, by_token=not claims.from_hook)
        session.welcome(claims, ends, self.clocks.now() + self.hub.times.ping)
        self.hub.signed_in(session)
        self._schedule(session)
        return claims.expires_at - self.clocks.wall()

    def refresh(self, session: Session, claims: Claims) -> float:
        """Replace the session's token by another. Return the seconds that it has left."""
        ends = self.ends_at(claims.expires_at, by_token=not claims.from_hook)
        session.refresh(claims, ends)
        self._schedule(session)
        return claims.expires_at - self.clocks.wall()

    def prolong(self, session: Session, expires_at: float) -> None:
        """Give a connection another end, in Unix seconds; ``inf`` is none."""
        if session.claims is None:
            return
        ttl = self.refresh(session, replace(session.claims, expires_at=expires_at))
        if ttl <= 0:
            session.receiver.close(codes.CONNECTION_EXPIRED)
            return
        session.receiver.send(protocol.connection_push("refresh", protocol.life(ttl)))

    def ends_at(self, expires_at: float, *, by_token: bool = True) -> float:
        """Return the time on the hub's clock; ``by_token`` adds the grace to replace a token."""
        grace = self.hub.times.grace if by_token else 0.0
        return self.clocks.now() + expires_at - self.clocks.wall() + grace

    def opened_by(self, session: Session, channel: str, claims: Claims) -> None:
        """Remember which subscription token opens a channel, so that it can be revoked."""
        if known := session.channels.get(channel):
            session.channels[channel] = replace(known, token=claims)

    def refresh_subscription(self, session: Session, channel: str, claims: Claims) -> float:
        """Replace the token of one subscription. Return the seconds that it has left."""
        known = session.channels[channel]
        ends = self.ends_at(claims.expires_at)
        session.subscribe(channel, replace(known, expires_at=ends, token=claims))
        self._schedule(session)
        return claims.expires_at - self.clocks.wall()

    def farewell(self, session: Session) -> None:
        """Leave every channel: the connection is gone."""
        for channel in tuple(session.channels):
            self.leave(session, channel)
        self.hub.close(session)

    def disconnect(self, sessions: Iterable[Session], why: Disconnect) -> None:
        """Close connections."""
        for session in sessions:
            session.receiver.close(why)

    def look_at(self, session: Session, disconnect: Disconnect | None) -> None:
        """Close or ping a session whose time has come, or end what has expired."""
        now = self.clocks.now()
        if disconnect is codes.CONNECTION_EXPIRED and self._renews(session):
            disconnect = None
        if disconnect is not None:
            session.receiver.close(disconnect)
            return
        for channel in session.ended(now):
            if not self._renews_subscription(session, channel):
                self.unsubscribe(session, channel, codes.SUBSCRIPTION_EXPIRED)
        if self.hub.pings(session, now):
            session.receiver.send(protocol.PING)

    def _renews(self, session: Session) -> bool:
        """Whether the application is asked for how long the client stays; meanwhile it does."""
        is_ours = session.claims is not None and session.claims.from_hook
        if not is_ours or session.is_renewing or session.renew is None or not session.renew(""):
            return False
        session.is_renewing = True
        session.expires_at = self.clocks.now() + self.hub.times.grace
        self._schedule(session)
        return True

    def _renews_subscription(self, session: Session, channel: str) -> bool:
        """The same of a subscription that the application allowed until now."""
        known = session.channels[channel]
        is_ours = self.rules.namespaces.of(channel).proxy_sub_refresh and known.token is None
        if not is_ours or known.is_renewing or session.renew is None or not session.renew(channel):
            return False
        until = self.clocks.now() + self.hub.times.grace
        session.subscribe(channel, replace(known, expires_at=until, is_renewing=True))
        self._schedule(session)
        return True

    def renewed(self, session: Session, channel: str, expires_at: float) -> None:
        """Give a subscription that the application renewed its new end, in Unix seconds."""
        if known := session.channels.get(channel):
            ends = self.ends_at(expires_at, by_token=False)
            session.subscribe(channel, replace(known, expires_at=ends, is_renewing=False))
            self._schedule(session)

    def deliver(self, channel: str, kind: Kind, publication: Publication) -> None:
        """Pass on what was published, once and in order."""
        if kind != "pub":
            body = b'{"info":' + publication.payload + b"}"
            self.fanout.push(channel, protocol.push(channel, kind, body))
            return
        verdict = self.hub.channels.accept(channel, publication)
        if verdict == "deliver":
            payload = self.hub.channels.head(channel) + publication.json + b"}}"
            self.fanout.push(channel, payload)
        elif verdict == "gap":
            self.later(self._heal(channel))

    def heal_all(self) -> None:
        """Close gaps on all channels: something may have been missed on each."""
        doubted = iter(self.hub.channels.doubt())
        for _ in range(HEALED_AT_ONCE):
            self.later(self._heal_each(doubted))

    async def _heal_each(self, channels: Iterator[str]) -> None:
        for channel in channels:
            await self._heal(channel)

    async def _heal(self, channel: str) -> None:
        position = self.hub.channels.position(channel)
        if position is None:
            return
        try:
            history = await self.broker.history(channel, position, -1)
        except BrokerDownError:
            return  # what comes is held back until the broker is there again, and then doubted
        self.fanout.flush(channel)
        recovery = self.hub.channels.healed(channel, history)
        if recovery is None:
            return
        self.stats.gaps += 1
        members = tuple(self.hub.channels.members(channel))
        if not recovery.is_whole:
            for session in members:
                self._end_incomplete(session, channel)
            return
        slow = self.rules.namespaces.of(channel).slow
        for publication in recovery.publications:
            framed = frame(protocol.push(channel, "pub", publication.json))
            for session in members:
                if publication.offset > session.channels[channel].since:
                    session.receiver.write(framed, channel, slow)
                    self.stats.messages += 1
                    self.stats.sent_bytes += len(framed)

    def _end_incomplete(self, session: Session, channel: str) -> None:
        """Have a client that cannot be told all come back for it."""
        if session.channels[channel].is_server_side:
            session.receiver.close(codes.INSUFFICIENT_STATE_ALL)
        else:
            self.unsubscribe(session, channel, codes.INSUFFICIENT_STATE)

    async def _grant(self, session: Session, wanted: Wanted, expires_at: float) -> None:
        if greeted := self._greetings.get(session):
            await greeted.wait()
        history = await self.prepare(session, wanted)
        ends = self.ends_at(expires_at, by_token=False)
        result = self.complete(session, wanted, history, ends, wanted.data, is_server_side=True)
        if isinstance(result, bytes):
            session.receiver.send(protocol.push(wanted.channel, "subscribe", result))

    async def _enter(self, session: Session, channel: str) -> None:
        announce = self.rules.namespaces.of(channel).join_leave
        await self.broker.enter(channel, session.id, session.info, announce=announce)

    async def _exit(self, client: str, channel: str) -> None:
        announce = self.rules.namespaces.of(channel).join_leave
        await self.broker.exit(channel, client, announce=announce)

    async def settled(self) -> None:
        """Wait for what was begun beside, such as the farewells in channels."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _forget(self, session: Session, channel: str) -> None:
        if self.hub.channels.leave(session, channel):
            self.broker.unsubscribe(channel)

    def _count_recovery(self, wanted: Wanted, *, is_whole: bool) -> None:
        if wanted.since is not None:
            self.stats.recoveries["recovered" if is_whole else "not_recovered"] += 1

    def _schedule(self, session: Session) -> None:
        self.hub.schedule(session)
        self.deadline_moved()

    def later(self, work: Awaitable[None]) -> None:
        """Do something that waits for the broker, which may be down, beside everything else."""
        task = asyncio.ensure_future(_unless_down(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _keep(options: Namespace) -> Keep | None:
    if not options.has_history:
        return None
    return _kept(options.history_size, options.history_ttl, options.history_meta_ttl)


# There are as many as namespaces, and each publication asks.
_kept = lru_cache(maxsize=1024)(Keep)


def _stream(options: Namespace, wanted: Wanted, recovery: Recovery) -> dict[str, object]:
    """Return the fields of a SubscribeResult about the stream.

    After a recovery the offset is that before the publications: who is interrupted between them
    comes back for the rest.
    """
    start = wanted.since if wanted.since and recovery.is_whole else recovery.position
    fields: dict[str, object] = {"epoch": recovery.position.epoch, "offset": start.offset}
    if options.force_recovery:
        fields |= {"recoverable": True, "positioned": True}
    return fields


async def _unless_down(work: Awaitable[None]) -> None:
    with suppress(BrokerDownError):  # presence is told anew when the broker is there again
        await work
