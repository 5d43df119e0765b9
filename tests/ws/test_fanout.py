"""What is published in one turn of the loop leaves as one frame a channel, in order."""

from typing import TYPE_CHECKING

import pytest
from ws_server.core.frame import frame
from ws_server.core.hub import Hub
from ws_server.core.namespaces import Namespaces
from ws_server.core.session import Session, Subscription
from ws_server.service.fanout import MAX_FRAME, Fanout
from ws_server.stats import Stats

from tests.ws.core import TIMES, Sink, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable


class Turn:
    """A loop whose turns end when we say so."""

    def __init__(self) -> None:
        self.hub = Hub(TIMES)
        self.calls: list[Callable[[], None]] = []
        self.stats = Stats()
        self.fanout = Fanout(self.hub.channels, Namespaces(), self.stats, self.calls.append)

    def member(self, channel: str) -> tuple[Session, list[bytes]]:
        session = signed_in(self.hub)
        self.hub.channels.join(session, channel)
        self.hub.channels.joined(session, channel, Subscription())
        assert isinstance(session.receiver, Sink)
        return session, session.receiver.frames

    def end(self) -> None:
        calls, self.calls[:] = self.calls[:], []
        for call in calls:
            call()


@pytest.fixture
def turn() -> Turn:
    return Turn()


def test_one_frame_a_channel_and_turn(turn: Turn) -> None:
    _, frames = turn.member("a")
    for payload in (b"1", b"2", b"3"):
        turn.fanout.push("a", payload)
    turn.fanout.push("nobody's", b"x")
    assert frames == []
    turn.end()
    turn.fanout.push("a", b"4")
    turn.end()
    assert frames == [frame(b"1\n2\n3"), frame(b"4")]
    assert turn.stats.messages == 4
    assert turn.stats.sent_bytes == sum(map(len, frames))


def test_who_joins_or_leaves_within_a_turn_gets_what_is_its_own(turn: Turn) -> None:
    leaver, early = turn.member("a")
    turn.fanout.push("a", b"1")
    turn.fanout.flush("a")  # as the service does before either
    _, late = turn.member("a")
    turn.hub.channels.leave(leaver, "a")
    turn.fanout.push("a", b"2")
    turn.end()
    assert early == [frame(b"1")]
    assert late == [frame(b"2")]


def test_frames_are_bounded_and_nothing_is_cut(turn: Turn) -> None:
    _, frames = turn.member("a")
    payloads = [b"%d" % n * 1000 for n in range(100)] + [b"x" * 2 * MAX_FRAME, b"y"]
    for payload in payloads:
        turn.fanout.push("a", payload)
    turn.end()
    assert len(frames) < 6
    bodies = [body[4 if body[1] == 126 else 10 if body[1] == 127 else 2 :] for body in frames]
    assert b"\n".join(bodies).split(b"\n") == payloads
    assert all(len(body) <= MAX_FRAME for body in bodies if not body.startswith(b"x"))
