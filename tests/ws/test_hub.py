"""Who is where, and when a session's time has come; no sockets, and a clock of our own."""

import math

from hypothesis import given
from hypothesis import strategies as st
from ws_server.core import codes
from ws_server.core.claims import Claims
from ws_server.core.codes import Disconnect
from ws_server.core.hub import Hub
from ws_server.core.session import Session, Subscription, Times

from tests.ws.core import Sink

TIMES = Times(connect=5, ping=25, pong=10)


def hub_with_session(expires_at: float = math.inf) -> tuple[Hub, Session]:
    hub = Hub(TIMES)
    session = hub.open(Sink(), "", now=0)
    session.welcome(Claims("alice", 0, ("*",)), expires_at, ping_at=25)
    hub.schedule(session)
    return hub, session


def due(hub: Hub, now: float) -> list[Disconnect | None]:
    found = []
    for session, disconnect in hub.due(now):
        if disconnect is None:
            hub.pings(session, now)
        found.append(disconnect)
    return found


def test_who_does_not_connect_in_time_is_stale() -> None:
    hub = Hub(TIMES)
    hub.open(Sink(), "", now=100)
    assert hub.next_deadline() == 105
    assert due(hub, 104.9) == []
    assert due(hub, 105) == [codes.STALE]
    assert due(hub, 200) == []


def test_connection_expires_with_its_token() -> None:
    hub, _ = hub_with_session(expires_at=7)
    assert due(hub, 6.9) == []
    assert due(hub, 7) == [codes.CONNECTION_EXPIRED]


def test_ping_answered_and_ping_not_answered() -> None:
    hub, session = hub_with_session()
    assert due(hub, 25) == [None]
    session.pong_by = math.inf
    assert due(hub, 49) == []
    assert due(hub, 50) == [None]
    assert due(hub, 60) == [codes.NO_PONG]


def test_closed_session_is_never_due() -> None:
    hub, session = hub_with_session(expires_at=7)
    hub.close(session)
    assert due(hub, 1000) == []
    assert hub.next_deadline() == math.inf


def test_joiner_gets_nothing_until_the_broker_delivers() -> None:
    hub, session = hub_with_session()
    hub.channels.join(session, "a")
    assert list(hub.channels.members("a")) == []
    assert hub.channels.joined(session, "a", Subscription())
    assert list(hub.channels.members("a")) == [session]


def test_last_one_out_releases_the_channel() -> None:
    hub, first = hub_with_session()
    second = hub.open(Sink(), "", now=0)
    for session in (first, second):
        hub.channels.join(session, "a")
    hub.channels.joined(first, "a", Subscription())
    assert not hub.channels.leave(first, "a")  # the second still waits for the broker
    assert hub.close(second) == ["a"]
    assert not hub.channels.joined(second, "a", Subscription())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["join", "joined", "leave", "close"]),
        st.integers(0, 2),
        st.sampled_from("ab"),
    ),
    max_size=40,
)


@given(STEPS)
def test_the_broker_is_asked_exactly_while_somebody_is_interested(
    steps: list[tuple[str, int, str]],
) -> None:
    hub = Hub(TIMES)
    sessions = [hub.open(Sink(), "", now=0) for _ in range(3)]
    wanted: set[str] = set()
    for step, who, channel in steps:
        session = sessions[who]
        if step == "join":
            hub.channels.join(session, channel)
            wanted.add(channel)
        elif step == "joined":
            hub.channels.joined(session, channel, Subscription())
        elif step == "leave" and hub.channels.leave(session, channel):
            wanted.discard(channel)
        elif step == "close":
            wanted.difference_update(hub.close(session))
        interested = {name for session in sessions for name in session.channels}
        assert wanted == interested
        assert all(session in sessions for name in "ab" for session in hub.channels.members(name))
