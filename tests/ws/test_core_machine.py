"""A state machine over the I/O-free core: nobody misses, doubles or reorders unless told.

The model is a broker that may lose deliveries, lose its streams or go back in time; answers of its
history take a while, and whatever it publishes meanwhile is delivered first, as brokers promise.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ws_server.core import commands, effects, protocol
from ws_server.core.commands import Rules
from ws_server.core.effects import Join, Leave, Publish
from ws_server.core.hub import Hub
from ws_server.core.namespaces import Namespace, Namespaces
from ws_server.core.protocol import Command
from ws_server.core.publication import History, Position, Publication
from ws_server.core.session import Session, Subscription

from tests.examples import examples
from tests.ws.core import TIMES, signed_in

OPTIONS = Namespace(
    allow_publish_for_subscriber=True, history_size=4, history_ttl=60, force_recovery=True
)
RULES = Rules(Namespaces({"": OPTIONS}), max_channels=2)
CHANNELS = ("a", "b")
who = st.integers(0, 2)
which = st.sampled_from(CHANNELS)


@dataclass
class Stream:
    """The truth about one channel: every event of every epoch, and what is kept of them."""

    epoch: int = 0
    events: list[int] = field(default_factory=list)

    @property
    def top(self) -> Position:
        return Position(len(self.events), str(self.epoch))

    def after(self, since: Position | None) -> History:
        kept = range(max(1, len(self.events) - OPTIONS.history_size + 1), len(self.events) + 1)
        wanted = [offset for offset in kept if since is None or offset > since.offset]
        return History(tuple(self.publication(offset) for offset in wanted), self.top)

    def publication(self, offset: int) -> Publication:
        return Publication(b"%d" % self.events[offset - 1], offset, str(self.epoch))


@dataclass
class Copy:
    """What one client knows: where it is, and since when everything has to have arrived."""

    position: Position
    heard: list[int] = field(default_factory=list)
    is_subscribed: bool = True


class Core(RuleBasedStateMachine):
    """Clients, the core and a broker."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub(TIMES)
        self.sessions = [signed_in(self.hub) for _ in range(3)]
        self.streams = {name: Stream() for name in CHANNELS}
        self.asked: set[str] = set()
        self.copies: dict[tuple[int, str], Copy] = {}
        self.joins: dict[int, tuple[Join, History | None]] = {}
        self.heals: list[tuple[str, History]] = []
        self.count = 0

    def command(self, number: int, method: str, **params: object) -> effects.Effect | None:
        command = Command(1, method, params)
        return commands.handle(self.hub, RULES, self.sessions[number], command)

    # Clients

    @rule(number=who, channel=which, recovers=st.booleans())
    def subscribe(self, number: int, channel: str, recovers: bool) -> None:
        if number in self.joins:
            return  # a connection's commands are carried out one after the other
        copy = self.copies.get((number, channel))
        since = copy.position if copy and recovers else None
        params = {"recover": True, "offset": since.offset, "epoch": since.epoch} if since else {}
        effect = self.command(number, "subscribe", channel=channel, **params)
        if isinstance(effect, Join):
            self.asked.add(channel)
            self.joins[number] = (effect, None)

    @rule(number=who)
    def history_is_answered(self, number: int) -> None:
        if number in self.joins:
            join, _ = self.joins[number]
            channel, since = join.wanted.channel, join.wanted.since
            self.joins[number] = (join, self.streams[channel].after(since))

    @rule(number=who)
    def complete(self, number: int) -> None:
        join, history = self.joins.get(number, (None, None))
        if join is None or history is None:
            return
        del self.joins[number]
        channel, since = join.wanted.channel, join.wanted.since
        session = self.sessions[number]
        recovery = self.hub.channels.joined(session, channel, Subscription(), history, since)
        assert recovery is not None
        if since is None or not recovery.is_whole:
            self.copies[number, channel] = Copy(recovery.position)
        else:
            self.copies[number, channel].is_subscribed = True
            self.hear(number, channel, recovery.publications)
            assert self.copies[number, channel].position == recovery.position or not since.epoch

    @rule(number=who, channel=which)
    def unsubscribe(self, number: int, channel: str) -> None:
        if number not in self.joins:
            effect = self.command(number, "unsubscribe", channel=channel)
            assert isinstance(effect, Leave)
            self.leave(number, channel)

    def leave(self, number: int, channel: str) -> None:
        if self.hub.channels.leave(self.sessions[number], channel):
            self.asked.discard(channel)
        if (number, channel) in self.copies:
            self.copies[number, channel].is_subscribed = False

    @rule(number=who)
    def reconnect(self, number: int) -> None:
        self.asked.difference_update(self.hub.close(self.sessions[number]))
        self.joins.pop(number, None)
        self.sessions[number] = signed_in(self.hub)
        for (other, _), copy in self.copies.items():
            if other == number:
                copy.is_subscribed = False

    # The broker

    @rule(channel=which, is_lost=st.sampled_from([False, False, True]))
    def publish(self, channel: str, is_lost: bool) -> None:
        self.count += 1
        stream = self.streams[channel]
        stream.events.append(self.count)
        if not is_lost:
            self.deliver(channel, stream.publication(len(stream.events)))

    @rule(channel=which, back=st.integers(1, 3))
    def deliver_again(self, channel: str, back: int) -> None:
        stream = self.streams[channel]
        if back <= len(stream.events):
            self.deliver(channel, stream.publication(len(stream.events) + 1 - back))

    @rule(channel=which)
    def lose_stream(self, channel: str) -> None:
        self.streams[channel] = Stream(self.streams[channel].epoch + 1)

    @rule()
    def broker_reconnects(self) -> None:
        for channel in self.hub.channels.doubt():
            self.ask(channel)

    @precondition(lambda self: self.heals)
    @rule(place=st.integers(0, 5))
    def heal(self, place: int) -> None:
        channel, history = self.heals.pop(0)
        recovery = self.hub.channels.healed(channel, history)
        if recovery is None:
            return
        members = tuple(self.hub.channels.members(channel))
        for session in members:
            number = self.sessions.index(session)
            if not recovery.is_whole:
                self.leave(number, channel)  # and the client is told: 2500
                continue
            since = session.channels[channel].since
            self.hear(number, channel, [p for p in recovery.publications if p.offset > since])

    def deliver(self, channel: str, publication: Publication) -> None:
        if channel not in self.asked:
            return
        verdict = self.hub.channels.accept(channel, publication)
        if verdict == "gap":
            self.ask(channel)
        if verdict == "deliver":
            for session in self.hub.channels.members(channel):
                self.hear(self.sessions.index(session), channel, [publication])

    def ask(self, channel: str) -> None:
        position = self.hub.channels.position(channel)
        assert position is not None
        self.heals.append((channel, self.streams[channel].after(position)))

    def hear(self, number: int, channel: str, publications: object) -> None:
        copy = self.copies[number, channel]
        assert isinstance(publications, list | tuple)
        for publication in publications:
            assert publication.offset == copy.position.offset + 1
            assert publication.epoch == copy.position.epoch or not copy.position.offset
            copy.position = Position(publication.offset, publication.epoch)
            number_of = int(publication.payload)
            assert not copy.heard or number_of > copy.heard[-1]
            copy.heard.append(number_of)

    # What always holds

    @invariant()
    def the_broker_is_asked_exactly_while_somebody_is_interested(self) -> None:
        assert self.asked == {name for session in self.sessions for name in session.channels}
        assert {name for name, _ in self.hub.channels.names()} == self.asked

    @invariant()
    def members_are_where_the_channel_is(self) -> None:
        """Whoever is a member, and not behind a gap that is being closed, has heard everything."""
        for (_, channel), copy in self.copies.items():
            here = self.hub.channels.position(channel)
            if copy.is_subscribed and here and here.epoch == copy.position.epoch:
                assert copy.position.offset >= here.offset

    def teardown(self) -> None:
        """In the end the broker reconnects, and all is heard, or said to be lost."""
        self.heals.clear()
        self.broker_reconnects()
        while self.heals:
            self.heal(0)
        for (_, channel), copy in self.copies.items():
            if copy.is_subscribed:
                assert copy.position == self.streams[channel].top


TestCore = Core.TestCase
TestCore.settings = settings(max_examples=examples(150), stateful_step_count=40, deadline=None)


def test_a_publication_reaches_only_who_may_send_it() -> None:
    hub = Hub(TIMES)
    session: Session = signed_in(hub)
    for is_member in (False, True):
        if is_member:
            hub.channels.join(session, "a")
            hub.channels.joined(session, "a", Subscription(), Stream().after(None))
        command = Command(1, "publish", {"channel": "a", "data": 1})
        effect = commands.handle(hub, RULES, session, command)
        assert isinstance(effect, Publish) is is_member
    assert protocol.PING == b"{}"
