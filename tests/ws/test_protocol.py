"""Frames in, commands out, and back."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ws_server.core import codes, protocol
from ws_server.core.protocol import Command, MalformedFrameError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def test_decodes_commands_in_order() -> None:
    text = '{"id":1,"ping":{}}\n\n  {"subscribe":{"channel":"a"},"id":2}\n{}\n'
    assert protocol.decode(text) == [
        Command(1, "ping"),
        Command(2, "subscribe", {"channel": "a"}),
        Command(0, ""),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "not JSON"),
        ("[" * 60_000, "not JSON"),
        ('{"id":1,"ping":Infinity}', "not JSON"),
        ('{"id":' + "9" * 5000 + ',"ping":{}}', "not JSON"),
        ("7", "a command is a JSON object"),
        ('{"id":-1,"ping":{}}', "id is an integer"),
        ('{"id":4294967296,"ping":{}}', "id is an integer"),
        ('{"id":1.0,"ping":{}}', "id is an integer"),
        ('{"id":"1","ping":{}}', "id is an integer"),
        ('{"id":1}', "exactly one method"),
        ('{"id":1,"ping":{},"rpc":{}}', "exactly one method"),
        ('{"id":1,"ping":[]}', "parameters of a method"),
    ],
)
def test_malformed_says_why(line: str, why: str) -> None:
    with pytest.raises(MalformedFrameError, match=why):
        protocol.decode('{"id":1,"ping":{}}\n' + line)


@given(st.text())
def test_any_text_is_commands_or_malformed(text: str) -> None:
    with suppress(MalformedFrameError):
        assert all(isinstance(command, Command) for command in protocol.decode(text))


@given(JSON, st.text(min_size=1))
def test_data_survives_the_way_to_the_subscriber(data: Any, channel: str) -> None:
    line = protocol.push(
        channel, "pub", protocol.publication(data, protocol.client_info("alice", "c1"))
    )
    assert b"\n" not in line
    pub = {"data": data, "info": {"user": "alice", "client": "c1"}}
    assert json.loads(line.decode()) == {"push": {"channel": channel, "pub": pub}}


def test_what_json_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        protocol.publication(float("inf"))


def test_failure_says_when_a_retry_is_worth_it() -> None:
    assert protocol.failure(3, codes.PERMISSION_DENIED) == (
        b'{"id":3,"error":{"code":103,"message":"permission denied"}}'
    )
    assert json.loads(protocol.failure(3, codes.INTERNAL))["error"]["temporary"] is True


def test_a_reason_fits_into_a_close_frame() -> None:
    reason = codes.INVALID_TOKEN.because("ü" * 200).reason
    assert reason.startswith("invalid token: ü")
    assert len(reason.encode()) <= 123


def test_more_commands_than_a_frame_may_have() -> None:
    assert len(protocol.decode("{}\n" * protocol.MAX_COMMANDS)) == protocol.MAX_COMMANDS
    with pytest.raises(protocol.MalformedFrameError, match="10000 commands"):
        protocol.decode("{}\n" * (protocol.MAX_COMMANDS + 1))
