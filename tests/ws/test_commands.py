"""What each command becomes before anything waits: an effect, an error or a close."""

from typing import Any

import pytest
from ws_server.core import codes, commands
from ws_server.core.commands import Rules
from ws_server.core.effects import Call, Close, Connect, Fail, Join, ReadHistory, Wanted
from ws_server.core.hub import Hub
from ws_server.core.namespaces import Namespace, Namespaces
from ws_server.core.protocol import Command
from ws_server.core.publication import Position
from ws_server.core.session import Session, Subscription

from tests.ws.core import TIMES, Sink, signed_in

OPEN = Namespace(
    allow_subscribe_for_client=True,
    allow_user_limited_channels=True,
    allow_publish_for_subscriber=True,
    allow_history_for_subscriber=True,
    history_size=10,
    history_ttl=60,
    max_publication_bytes=100,
)
RULES = Rules(Namespaces({"open": OPEN, "hook": Namespace(proxy_subscribe=True)}), max_channels=3)


@pytest.fixture
def hub() -> Hub:
    return Hub(TIMES)


@pytest.fixture
def alice(hub: Hub) -> Session:
    """Her token opens mine:*, and she is in open:1."""
    session = signed_in(hub, "alice", "mine:*")
    hub.channels.join(session, "open:1")
    hub.channels.joined(session, "open:1", Subscription())
    return session


def handle(hub: Hub, session: Session, method: str, number: int = 1, **params: Any) -> Any:
    return commands.handle(hub, RULES, session, Command(number, method, params))


@pytest.mark.parametrize(
    ("params", "is_allowed"),
    [
        ({"channel": "mine:1"}, True),
        ({"channel": "open:2"}, True),
        ({"channel": "other:1", "token": "t"}, False),  # the token has to say so
        ({"channel": "open:1#bob,alice"}, True),
        ({"channel": "hook:1"}, False),  # the application has to say so
    ],
)
def test_subscribe(hub: Hub, alice: Session, params: dict[str, Any], is_allowed: bool) -> None:
    effect = handle(hub, alice, "subscribe", **params)
    wanted = Wanted(params["channel"], params.get("token", ""))
    assert effect == Join(1, wanted, is_allowed)
    assert params["channel"] in alice.channels


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"channel": "other:1"}, codes.PERMISSION_DENIED),
        ({"channel": "#alice"}, codes.PERMISSION_DENIED),  # its namespace has no such channels
        ({"channel": "other:1#alice"}, codes.PERMISSION_DENIED),
        ({"channel": "open:2#alice#bob"}, codes.PERMISSION_DENIED),
        ({"channel": "open:2#bob"}, codes.PERMISSION_DENIED),  # not even where everybody may
        ({"channel": "open:1"}, codes.ALREADY_SUBSCRIBED),
        ({"channel": "open:*"}, codes.UNKNOWN_CHANNEL),
        ({"channel": "x" * 256}, codes.UNKNOWN_CHANNEL),
        ({"channel": ""}, codes.BAD_REQUEST),
        ({"channel": "open:2", "token": 1}, codes.BAD_REQUEST),
        ({"channel": "open:2", "recover": True, "offset": "1"}, codes.BAD_REQUEST),
        ({"channel": "open:2", "recover": True, "offset": 2**63}, codes.BAD_REQUEST),
        ({"channel": "open:2", "recover": True, "epoch": None}, codes.BAD_REQUEST),
        ({"channel": "open:2", "flag": "2"}, codes.BAD_REQUEST),
    ],
)
def test_subscribe_refused(
    hub: Hub, alice: Session, params: dict[str, Any], error: codes.ReplyError
) -> None:
    before = dict(alice.channels)
    assert handle(hub, alice, "subscribe", **params) == Fail(1, error)
    assert alice.channels == before


def test_no_more_channels_than_allowed(hub: Hub, alice: Session) -> None:
    for name in ("open:2", "open:3"):
        assert isinstance(handle(hub, alice, "subscribe", channel=name), Join)
    refused = handle(hub, alice, "subscribe", channel="open:4")
    assert refused == Fail(1, codes.LIMIT_EXCEEDED)


def test_recovery_is_asked_for(hub: Hub, alice: Session) -> None:
    effect = handle(hub, alice, "subscribe", channel="open:2", recover=True, offset=7, epoch="e")
    assert effect.wanted.since == Position(7, "e")
    assert not effect.wanted.is_strict
    assert handle(hub, alice, "subscribe", channel="mine:1", offset=7, flag=3).wanted == Wanted(
        "mine:1", is_strict=True
    )


@pytest.mark.parametrize(
    "subs", [7, [1], {"a": 7}, {"a": None}, {"": {}}, {"a": {"token": 1}}, {n: {} for n in "abcd"}]
)
def test_subs_that_are_none(hub: Hub, subs: object) -> None:
    session = hub.open(Sink(), "", now=0)
    assert handle(hub, session, "connect", subs=subs) == Fail(1, codes.BAD_REQUEST)


def test_connect(hub: Hub) -> None:
    session = hub.open(Sink(), "", now=0)
    subs = {"a": {"recover": True, "offset": 3, "epoch": "e"}, "b": {}}
    effect = handle(hub, session, "connect", token="t", subs=subs)
    assert effect == Connect(1, "t", (Wanted("a", since=Position(3, "e")), Wanted("b")))
    assert isinstance(handle(hub, session, "publish"), Close)  # connect comes first


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (None, 0, False)),
        ({"limit": 5}, (None, 5, False)),
        ({"limit": -1}, (None, 1000, False)),
        ({"limit": 10**30, "reverse": True}, (None, 1000, True)),
        ({"since": {"offset": 3, "epoch": "e"}}, (Position(3, "e"), 0, False)),
    ],
)
def test_history(hub: Hub, alice: Session, params: dict[str, Any], expected: Any) -> None:
    effect = handle(hub, alice, "history", channel="open:1", **params)
    assert effect == ReadHistory(1, "open:1", *expected)


def test_a_publication_has_a_size(hub: Hub, alice: Session) -> None:
    large = handle(hub, alice, "publish", channel="open:1", data="x" * 100)
    assert large == Fail(1, codes.LIMIT_EXCEEDED)
    endless: list[Any] = []
    endless.append([1e999])
    refused = handle(hub, alice, "publish", channel="open:1", data=endless)
    assert refused == Fail(1, codes.BAD_REQUEST)


@pytest.mark.parametrize("method", ["ping", "subscribe", "\ud800", "x" * 200])
def test_only_a_send_needs_no_id(hub: Hub, alice: Session, method: str) -> None:
    effect = handle(hub, alice, method, number=0)
    assert isinstance(effect, Close)
    assert effect.disconnect.code == 3501
    assert len(effect.disconnect.reason.encode()) <= 123
    assert handle(hub, alice, "send", number=0, data=1) == Call(0, "", 1)
