"""Frames in, commands out, and back."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ws_server.core import codes, protocol
from ws_server.core.protocol import AnyCommand, Command, MalformedFrameError, Publishing

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def decoded(text: str) -> list[AnyCommand]:
    return protocol.decode(protocol.lines(text.encode(errors="surrogatepass")))


def test_decodes_commands_in_order() -> None:
    text = '{"id":1,"ping":{}}\n\n  {"subscribe":{"channel":"a"},"id":2}\n{}\n'
    assert decoded(text) == [
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
        decoded('{"id":1,"ping":{}}\n' + line)


@given(st.text())
def test_any_text_is_commands_or_malformed(text: str) -> None:
    with suppress(MalformedFrameError, UnicodeDecodeError):
        assert all(isinstance(command, AnyCommand) for command in decoded(text))


@given(JSON)
def test_a_publish_command_has_its_data_as_compact_json(data: Any) -> None:
    text = json.dumps({"id": 1, "publish": {"channel": "a", "data": data}}, indent=1)
    (command,) = decoded(text.replace("\n", "\r"))
    if isinstance(command, Publishing):
        assert b"\r" not in command.data
        assert json.loads(command.data) == data
    else:  # half of a surrogate pair
        assert command.params["data"] == data


@pytest.mark.parametrize(
    "params", [{}, {"channel": 1, "data": 1}, {"channel": "a", "data": 1, "more": 2}]
)
def test_a_publish_command_of_another_shape_is_like_any_other(params: dict[str, Any]) -> None:
    text = json.dumps({"id": 1, "publish": params})
    assert decoded(text) == [Command(1, "publish", params)]


@pytest.mark.parametrize("data", ["1e999", '"\\ud800"'])
def test_data_that_not_everybody_can_read_is_not_passed_on_as_it_is(data: str) -> None:
    (command,) = decoded(f'{{"id":1,"publish":{{"channel":"a","data":{data}}}}}')
    assert isinstance(command, Command)


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
    assert len(decoded("{}\n" * protocol.MAX_COMMANDS)) == protocol.MAX_COMMANDS
    with pytest.raises(protocol.MalformedFrameError, match="10000 commands"):
        decoded("{}\n" * (protocol.MAX_COMMANDS + 1))
