"""Which namespace a channel is of, what a name may be, and what a configuration may say."""

import json

import pytest
from ws_server.core.namespaces import Namespace, Namespaces, is_channel, is_personal
from ws_server.settings.environment import ConfigError
from ws_server.settings.namespaces import parse

ROOM, REST = Namespace(presence=True), Namespace(join_leave=False, history_size=1)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("room:1", ROOM), ("room:", ROOM), ("room", REST), ("other:1", REST), ("news", REST)],
)
def test_namespace_of_a_channel(channel: str, expected: Namespace) -> None:
    assert Namespaces({"room": ROOM, "": REST}).of(channel) is expected


def test_what_is_not_configured_offers_nothing() -> None:
    assert Namespaces().of("room:1") == Namespace()
    assert not any(
        getattr(Namespace(), name) for name in Namespace.__slots__ if name.startswith("allow")
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", True),
        ("room:ü/#1", True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("", False),
        ("room:*", False),
        ("a\nb", False),
        ("\ud800", False),
    ],
)
def test_channel_names(name: str, expected: bool) -> None:
    assert is_channel(name) is expected


@pytest.mark.parametrize(
    ("channel", "user", "expected"),
    [
        ("#alice", "alice", True),
        ("room:1#alice,bob", "bob", True),
        ("#alice", "ali", False),
        ("#alicebob", "alice", False),
        ("alice", "alice", False),
        ("#", "", False),
        ("#alice#bob", "bob", False),  # meant for the user "alice#bob"
        ("#alice#bob", "alice#bob", False),
        ("#alice,bob", "alice,bob", False),
        ("#alice,", "", False),
        ("#oidc:alice", "oidc:alice", True),
        ("#oidc%3Aalice", "oidc:alice", True),
        ("#alice%2Cbob", "bob", False),
        ("#alice%2Cbob", "alice%2Cbob", False),  # hers is #alice%252Cbob
    ],
)
def test_personal_channels(channel: str, user: str, expected: bool) -> None:
    assert is_personal(channel, user) is expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "NAMES: is not JSON"),
        ([], "NAMES: must be an object of objects"),
        ({"a": 1}, "NAMES: must be an object of objects"),
        ({"a": {"presense": True}}, "NAMES: a: unknown option presense"),
        ({"": {"presence": 1}}, "NAMES: (no namespace): presence must be true or false"),
        ({"a": {"history_size": True}}, "NAMES: a: history_size must be a whole number"),
        ({"a": {"history_size": -1}}, "NAMES: a: history_size must be a whole number"),
        ({"a": {"history_ttl": "1s"}}, "NAMES: a: history_ttl must be a number of seconds"),
        ({"a": {"slow": "never"}}, "NAMES: a: slow must be one of disconnect, drop_oldest, latest"),
        ({"a": {"force_recovery": True}}, "NAMES: a: force_recovery needs history_size and"),
        ({"a": {"join_leave": True}}, "NAMES: a: join_leave needs presence"),
    ],
)
def test_wrong_configurations(value: object, message: str) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(ConfigError) as caught:
        parse(text, "NAMES")
    assert str(caught.value).startswith(message)


def test_right_configurations() -> None:
    assert parse("", "NAMES") == Namespaces()
    text = '{"a": {"history_size": 3, "history_ttl": 0.5, "slow": "latest"}}'
    assert parse(text, "NAMES").of("a:1").has_history
