"""The budget of commands, and when a session is overdue."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ws_server.core import codes
from ws_server.core.claims import Claims
from ws_server.core.codes import Disconnect
from ws_server.core.commands import Rules, limited
from ws_server.core.namespaces import Namespaces
from ws_server.core.session import Session

from tests.ws.core import Sink

RULES = Rules(Namespaces(), max_channels=9, rate=10)


def session(**times: float) -> Session:
    return Session("c", Sink(), **times)  # type: ignore[arg-type]  # all of them are times


def test_a_new_session_may_say_hello_at_once() -> None:
    one = session(counted_at=100)
    assert not limited(RULES, one, 5, now=100)


def test_twice_the_rate_may_come_at_once_and_then_the_rate() -> None:
    one = session()
    assert [limited(RULES, one, 10, now=0) for _ in range(3)] == [False, False, True]
    one = session()
    assert not any(limited(RULES, one, 1, now=second / 10) for second in range(1000))


def test_without_a_rate_there_is_no_limit() -> None:
    assert not limited(Rules(Namespaces(), 9), session(), 10**9, now=0)


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 5)), max_size=40))
def test_no_more_is_granted_than_the_budget(steps: list[tuple[int, float]]) -> None:
    one, now, granted = session(), 0.0, 0
    for count, pause in steps:
        now += pause
        granted += 0 if limited(RULES, one, count, now) else count
    assert granted <= 20 + now * 10 + 1e-6


@pytest.mark.parametrize(
    ("times", "now", "expected"),
    [
        ({"connect_by": 5.0}, 4.9, None),
        ({"connect_by": 5.0}, 5, codes.STALE),
        ({"expires_at": 5.0}, 5, codes.CONNECTION_EXPIRED),
        ({"pong_by": 5.0}, 5, codes.NO_PONG),
        ({"expires_at": 5.0, "pong_by": 5.0}, 5, codes.CONNECTION_EXPIRED),
        ({"ping_at": 5.0}, 9, None),
    ],
)
def test_overdue(times: dict[str, float], now: float, expected: Disconnect | None) -> None:
    assert session(**times).overdue(now) == expected
    assert session(**times).deadline() == min(times.values())


def test_another_token_takes_the_place_of_the_first() -> None:
    one = session(connect_by=5)
    assert one.user == ""
    one.welcome(Claims("alice", 10), 10, 25)
    one.refresh(Claims("alice", 99, ("a",)), 99)
    assert (one.user, one.connect_by, one.deadline()) == ("alice", math.inf, 25)
    assert one.claims
    assert one.claims.allows("a")
