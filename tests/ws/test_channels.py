"""What becomes of each publication: delivered, dropped or a gap; and who holds what back."""

import math

from ws_server.core.hub import Hub
from ws_server.core.publication import Position, Publication, Recovery
from ws_server.core.session import Session, Subscription

from tests.ws.core import TIMES, history, offsets_of, pubs, signed_in


def member(hub: Hub, top: int = 0, since: Position | None = None) -> Session:
    session = signed_in(hub)
    hub.channels.join(session, "a")
    assert hub.channels.joined(session, "a", Subscription(), history(top=top), since)
    return session


def accept(hub: Hub, *offsets: int, epoch: str = "e") -> list[str]:
    return [hub.channels.accept("a", pub) for pub in pubs(*offsets, epoch=epoch)]


def test_in_order_is_delivered_and_twice_is_dropped() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 4, 5, 6, 6, 7, 5) == ["drop", "drop", "deliver", "drop", "deliver", "drop"]
    assert hub.channels.position("a") == (7, "e")


def test_without_offsets_everything_is_delivered() -> None:
    hub = Hub(TIMES)
    member(hub)
    assert [hub.channels.accept("a", Publication(b"{}")) for _ in range(2)] == ["deliver"] * 2
    assert hub.channels.accept("nobody's", Publication(b"{}")) == "drop"


def test_a_gap_is_told_once_and_closed_from_the_history() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 8, 9) == ["gap", "drop"]
    recovery = hub.channels.healed("a", history(6, 7, 8, top=8))
    assert recovery
    assert recovery.is_whole
    assert offsets_of(recovery.publications) == [6, 7, 8, 9]
    assert accept(hub, 9, 10) == ["drop", "deliver"]


def test_what_is_kept_in_no_history_is_not_held_back_for_it() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 8) == ["gap"]
    assert hub.channels.accept("a", Publication(b"{}")) == "deliver"
    assert hub.channels.healed("a", history(6, 7, 8, top=8))
    hub.channels.doubt()
    assert hub.channels.accept("a", Publication(b"{}")) == "deliver"


def test_who_comes_with_the_history_of_a_lost_stream_goes_on_where_the_others_are() -> None:
    """Its history was read, the stream was lost, and another one was faster to complete."""
    hub = Hub(TIMES)
    late, again = signed_in(hub), signed_in(hub)
    for session in (late, again):
        hub.channels.join(session, "a")
    member(hub, top=0)
    old = history(*range(1, 11), top=10, epoch="lost")
    recovery = hub.channels.joined(late, "a", Subscription(), old)
    assert recovery == Recovery((), Position(0, "e"), is_whole=True)
    assert late.channels["a"].since == 0  # or it would miss ten of those that close a gap
    recovery = hub.channels.joined(again, "a", Subscription(), old, Position(9, "lost"))
    assert recovery == Recovery((), Position(0, "e"), is_whole=False)


def test_a_gap_that_the_history_does_not_close_is_said() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 8) == ["gap"]
    recovery = hub.channels.healed("a", history(7, 8, top=8))
    assert recovery
    assert not recovery.is_whole
    assert accept(hub, 9) == ["deliver"]


def test_another_epoch_is_a_gap() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 6, epoch="f") == ["gap"]
    recovery = hub.channels.healed("a", history(6, top=6, epoch="f"))
    assert recovery
    assert not recovery.is_whole


def test_two_who_heal_the_same_gap_do_not_disturb_each_other() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 7) == ["gap"]
    assert hub.channels.doubt() == ["a"]
    asked_twice = history(6, 7, top=7)
    first = hub.channels.healed("a", asked_twice)
    assert accept(hub, 8) == ["deliver"]
    second = hub.channels.healed("a", history(6, 7, 8, top=8))
    assert first
    assert second
    assert (offsets_of(first.publications), first.is_whole) == ([6, 7], True)
    assert (offsets_of(second.publications), second.is_whole) == ([], True)


def test_doubt_holds_back_where_there_is_a_history_and_somebody_listens() -> None:
    hub = Hub(TIMES)
    session = member(hub, top=5)
    hub.channels.join(session, "plain")
    hub.channels.joined(session, "plain", Subscription())
    assert hub.channels.doubt() == ["a"]
    assert accept(hub, 6, 7) == ["drop", "drop"]
    recovery = hub.channels.healed("a", history(6, top=6))
    assert recovery
    assert offsets_of(recovery.publications) == [6, 7]
    assert hub.channels.accept("plain", Publication(b"{}")) == "deliver"


def test_who_joins_during_a_gap_gets_nothing_twice() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 7) == ["gap"]
    late = signed_in(hub)
    hub.channels.join(late, "a")
    assert accept(hub, 8) == ["drop"]
    joined = hub.channels.joined(late, "a", Subscription(), history(6, 7, top=7), Position(5, "e"))
    assert joined
    assert offsets_of(joined.publications) == [6, 7, 8]
    assert late.channels["a"].since == 8
    healed = hub.channels.healed("a", history(6, 7, top=7))
    assert healed
    assert offsets_of(healed.publications) == [6, 7, 8]  # to who has heard of them not: since


def test_who_left_while_the_broker_answered_is_no_member() -> None:
    hub = Hub(TIMES)
    session = signed_in(hub)
    hub.channels.join(session, "a")
    assert hub.channels.leave(session, "a")
    assert hub.channels.joined(session, "a", Subscription(), history(top=0)) is None
    assert hub.channels.healed("a", history(top=0)) is None
    assert len(hub.channels) == 0


def test_the_next_first_member_begins_anew() -> None:
    hub = Hub(TIMES)
    first = member(hub, top=5)
    second = signed_in(hub)
    hub.channels.join(second, "a")
    hub.channels.leave(first, "a")
    assert accept(hub, 9) == ["drop"]
    joined = hub.channels.joined(second, "a", Subscription(), history(top=9))
    assert joined
    assert hub.channels.position("a") == (9, "e")


def test_a_stream_that_begins_anew_is_a_gap_however_low_its_offsets_are() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 1, epoch="f") == ["gap"]


def test_doubt_during_a_gap_keeps_what_is_held_back() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    assert accept(hub, 8) == ["gap"]
    hub.channels.doubt()
    recovery = hub.channels.healed("a", history(6, 7, top=7))
    assert recovery
    assert offsets_of(recovery.publications) == [6, 7, 8]


def test_where_all_members_left_the_next_one_does_not_go_on_in_their_stream() -> None:
    hub = Hub(TIMES)
    first, second = member(hub, top=5), signed_in(hub)
    hub.channels.join(second, "a")
    hub.channels.leave(first, "a")
    joined = hub.channels.joined(second, "a", Subscription(), history(top=9, epoch="f"))
    assert joined == Recovery((), Position(9, "f"), is_whole=True)


def test_who_asks_for_no_history_gets_no_place_in_it() -> None:
    hub = Hub(TIMES)
    member(hub, top=5)
    plain = signed_in(hub)
    hub.channels.join(plain, "a")
    joined = hub.channels.joined(plain, "a", Subscription())
    assert joined == Recovery((), Position(0, ""), is_whole=False)
    assert plain.channels["a"].since == 0


def test_without_a_place_in_the_history_what_has_an_offset_is_delivered() -> None:
    hub = Hub(TIMES)
    session = signed_in(hub)
    hub.channels.join(session, "a")
    hub.channels.joined(session, "a", Subscription())
    assert accept(hub, 7) == ["deliver"]
    assert hub.channels.position("a") is None
    assert hub.channels.healed("a", history(top=7)) is None


def test_a_subscription_is_completed_once_and_only_where_it_was_asked_for() -> None:
    hub = Hub(TIMES)
    session, other = member(hub), signed_in(hub)
    for who, channel in ((session, "a"), (other, "a"), (other, "b")):
        assert hub.channels.joined(who, channel, Subscription(), history(top=0)) is None
    assert list(hub.channels.members("a")) == [session]


def test_the_broker_delivers_until_the_last_one_who_listens_or_joins_has_left() -> None:
    hub = Hub(TIMES)
    first, second, third = member(hub), member(hub), signed_in(hub)
    hub.channels.join(third, "a")
    assert [hub.channels.leave(who, "a") for who in (third, first)] == [False, False]
    hub.channels.join(third, "a")
    assert hub.channels.leave(second, "a") is False
    assert hub.channels.leave(third, "a") is True
    assert hub.channels.leave(third, "a") is False  # it was told to end that before


def test_who_still_joins_is_no_member() -> None:
    hub = Hub(TIMES)
    session, late = member(hub), signed_in(hub)
    hub.channels.join(late, "a")
    assert [hub.channels.is_member(who, "a") for who in (session, late)] == [True, False]
    assert hub.channels.is_member(session, "b") is False
    assert (list(hub.channels.members("a")), list(hub.channels.members("b"))) == ([session], [])
    assert list(hub.channels.names()) == [("a", 1)]


def test_empty_are_channels_with_a_history_that_has_not_begun() -> None:
    hub = Hub(TIMES)
    session = member(hub, top=0)
    hub.channels.join(session, "plain")
    hub.channels.joined(session, "plain", Subscription())
    assert hub.channels.empty() == ["a"]
    assert accept(hub, 1) == ["deliver"]
    assert hub.channels.empty() == []
    assert hub.channels.position("b") is None


def test_subscriptions_end_each_at_its_time() -> None:
    hub = Hub(TIMES)
    session = signed_in(hub)
    for name, ends in (("a", 10.0), ("b", 20.0), ("c", math.inf)):
        hub.channels.join(session, name)
        hub.channels.joined(session, name, Subscription(expires_at=ends))
    assert (session.ended(9.9), session.deadline()) == ([], 10)
    assert (session.ended(10), session.deadline()) == (["a"], 20)
    for name in ("a", "b"):
        hub.channels.leave(session, name)
    assert (session.ended(20), session.deadline()) == ([], math.inf)
