"""Whatever a client sends: an error or a close code, bounded memory, and nobody else disturbed.

Raw sockets against a server process, because no client library would send any of this.
"""

import asyncio
import json
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from io import BufferedReader
from socket import SHUT_WR, create_connection, socket
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ws_server.core.commands import METHODS

from tests.examples import examples
from tests.ws.harness import token
from tests.ws.test_process import process

NAMESPACES = {
    "chat": {
        **dict.fromkeys(("allow_subscribe_for_client", "allow_publish_for_subscriber"), True),
        **dict.fromkeys(("allow_presence_for_subscriber", "presence", "join_leave"), True),
        "allow_history_for_subscriber": True,
        "history_size": 10,
        "history_ttl": 60,
    }
}
BIG = 2**24  # WS_MAX_MESSAGE_BYTES, as large as it may be
LAST = 2**32 - 1  # the id of the command that ends a conversation
TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9
OURS = {1002, 1003, 1007, 1009, 3008, 3013, 3500, 3501, 3503}  # 3004 is a bug


@dataclass
class Raw:
    """A socket after the handshake; frames are whatever the caller wants."""

    port: int
    link: socket = field(init=False)
    _stream: BufferedReader = field(init=False)

    def __post_init__(self) -> None:
        self.link = create_connection(("127.0.0.1", self.port), timeout=20)
        self.link.sendall(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        self._stream = self.link.makefile("rb")
        while self._stream.readline() != b"\r\n":
            pass

    def frame(self, payload: bytes, opcode: int = TEXT, *, head: int = 0x80) -> None:
        size = len(payload)
        length = (
            bytes((0x80 | size,))
            if size < 126
            else struct.pack(">BH", 0xFE, size)
            if size < 65536
            else struct.pack(">BQ", 0xFF, size)
        )
        self.link.sendall(bytes((head | opcode,)) + length + bytes(4) + payload)

    def say(self, **command: Any) -> None:
        self.frame(json.dumps(command).encode())

    def ping(self, many: int) -> None:
        """As many pings of the largest size, without reading a pong."""
        self.link.sendall((bytes((0x89, 0xFD)) + bytes(129)) * many)

    def close(self) -> None:
        self._stream.close()
        self.link.close()

    def outcome(self) -> tuple[list[dict[str, Any]], int]:
        """All messages until the last command is answered, or the code of the close; 0 for none."""
        self._try(lambda: self.say(id=LAST, ping={}))
        found: list[dict[str, Any]] = []
        while (received := self._receive()) is not None:
            opcode, payload = received
            if opcode == CLOSE:
                return found, int.from_bytes(payload[:2], "big")
            messages = [json.loads(line) for line in payload.split(b"\n")] if opcode == TEXT else []
            found += messages
            if any(message.get("id") == LAST for message in messages):
                return found, 0
        return found, -1

    def _try(self, send: Callable[[], None]) -> None:
        with suppress(OSError):  # closed already: the code says why
            send()

    def _receive(self) -> tuple[int, bytes] | None:
        try:
            head = self._take(2)
            size = head[1]
            if size > 125:
                size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
            return head[0] & 15, self._take(size)
        except (ConnectionError, EOFError):
            return None

    def _take(self, count: int) -> bytes:
        taken = self._stream.read(count)
        if len(taken) < count:
            raise EOFError
        return taken


@dataclass
class Target:
    """A server process, and somebody who must not notice anything."""

    port: int
    pid: int
    witness: Raw

    def open(self) -> Raw:
        """A client that is signed in and in two channels."""
        raw = Raw(self.port)
        raw.say(id=1, connect={"token": token()})
        raw.say(id=2, subscribe={"channel": "chat:1"})
        return raw

    @property
    def memory(self) -> int:
        return int(psutil.Process(self.pid).memory_info().rss)

    def expect_calm(self) -> None:
        """The witness is answered, and by nothing else than the answer."""
        assert self.witness.outcome() == ([{"id": LAST, "ping": {}}], 0)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with asyncio.Runner() as runner:
        environment = {
            "WS_NAMESPACES": json.dumps(NAMESPACES),
            "WS_MAX_MESSAGE_BYTES": str(BIG),
            "WS_PING_INTERVAL": "300",
        }
        context = process(**environment)
        running, port = runner.run(context.__aenter__())
        witness = Raw(port)
        witness.say(id=1, connect={"token": token(sub="witness")})
        assert witness._receive()
        with closing(witness):
            yield Target(port, running.pid, witness)
        runner.run(context.__aexit__(None, None, None))


def judge(target: Target, raw: Raw) -> None:
    with closing(raw):
        messages, code = raw.outcome()
    assert code == 0 or code in OURS, (code, messages)
    errors = [message["error"]["code"] for message in messages if "error" in message]
    assert 100 not in errors, messages
    target.expect_calm()


# By hand


def nested(depth: int) -> bytes:
    data = b"[" * depth + b"]" * depth
    return b'{"id":3,"publish":{"channel":"chat:1","data":' + data + b"}}"


def many(count: int) -> bytes:
    line = '{"id":%d,"subscribe":{"channel":"chat:%d"}}'
    return "\n".join(line % (n + 3, n + 3) for n in range(count)).encode()


FRAMES: dict[str, bytes] = {
    "100,000 subscriptions": many(100_000),
    "100,000 subscriptions in a connect": json.dumps(
        {"id": 3, "connect": {"subs": {f"chat:{n}": {} for n in range(100_000)}}}
    ).encode(),
    "100,000 times the same id": b'\n{"id":3,"ping":{}}' * 100_000,
    "1,000,000 pongs": b"{}\n" * 1_000_000,
    "1,000,000 empty lines": b"\n" * 1_000_000,
    "too large for a frame of ours": b" " * (BIG + 1),
    "a long number": b'{"id":3,"publish":{"channel":"chat:1","data":' + b"9" * 100_000 + b"}}",
    "an infinite number": b'{"id":3,"publish":{"channel":"chat:1","data":1e999}}',
    "an infinite id": b'{"id":1e999,"ping":{}}',
    "half a pair": b'{"id":3,"publish":{"channel":"chat:1","data":"\\ud800"}}',
    "half a pair as a channel": b'{"id":3,"unsubscribe":{"channel":"\\ud800"}}',
    "half a pair as a method": b'{"\\ud800":{}}',
    "half a pair as a method with an id": b'{"id":3,"\\ud800":{}}',
    "a method without a name": b'{"id":3,"":{}}',
    "id 0": b'{"id":0,"ping":{}}',
    "not UTF-8": b'{"id":3,"rpc":{"method":"\xff"}}',
    "history before the first": b'{"id":3,"history":{"channel":"chat:1","limit":-1,'
    b'"reverse":true,"since":{"offset":0,"epoch":""}}}',
    "history after the last": b'{"id":3,"history":{"channel":"chat:1","limit":9,'
    b'"since":{"offset":9223372036854775807,"epoch":""}}}',
} | {f"nested {depth} deep": nested(depth) for depth in (10, 100, *range(900, 1000, 7), 10**6)}


@pytest.fixture
def deep() -> Iterator[None]:
    """Let this side read whatever the server could."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10 * limit)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.usefixtures("deep")
def test_one_frame(target: Target, name: str) -> None:
    raw = target.open()
    raw._try(lambda: raw.frame(FRAMES[name]))
    judge(target, raw)


def test_subs_of_connect_are_of_any_type(target: Target) -> None:
    recovering = {"chat:1": {"recover": True, "offset": []}}
    every: list[object] = [7, [], {"a": 7}, {"a": None}, {"": {}}, recovering]
    for subs in every:
        raw = Raw(target.port)
        raw.say(id=1, connect={"token": token(), "subs": subs})
        judge(target, raw)


def test_a_frame_in_a_hundred_thousand_pieces(target: Target) -> None:
    raw = target.open()
    whole = b'{"id":3,"ping":{}}' + b" " * 100_000
    for number, byte in enumerate(whole):
        raw.frame(bytes((byte,)), TEXT if number == 0 else CONTINUATION, head=0)
    raw.frame(b"", CONTINUATION)
    judge(target, raw)


def test_floods_of_small_frames(target: Target) -> None:
    for payload, opcode in ((b"{}", TEXT), (b"x" * 125, PING)):
        raw = target.open()
        raw.link.settimeout(5)
        for _ in range(20_000):
            raw.frame(payload, opcode)
            if opcode == PING:
                raw._receive()
        judge(target, raw)


def test_who_never_reads_is_let_go(target: Target) -> None:
    before = target.memory
    raw = target.open()
    raw.link.settimeout(1)
    publish = json.dumps({"id": 3, "publish": {"channel": "chat:1", "data": "x" * 60_000}}).encode()
    with closing(raw):
        with suppress(OSError):
            for _ in range(2000):  # 120 MB that come back to a client that does not read
                raw.frame(publish)
        target.expect_calm()
        assert target.memory - before < 40_000_000


def test_who_pings_and_never_reads_is_let_go(target: Target) -> None:
    before = target.memory
    raw = target.open()
    raw.link.settimeout(1)
    with closing(raw):
        with suppress(OSError):  # it is closed
            for _ in range(1000):  # 125 MB of pongs
                raw.ping(1000)
        target.expect_calm()
        assert target.memory - before < 40_000_000


# By chance

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["chat:1", "chat:*", "", "#alice", "\ud800", "x" * 300, "room:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS = ("channel", "data", "token", "subs", "recover", "offset", "epoch", "since", "limit")
PARAMS = st.dictionaries(st.sampled_from([*FIELDS, "reverse", "method"]), JSON, max_size=5)
NAMES = st.sampled_from([*METHODS, "emulation", ""]) | st.text(max_size=9)
COMMANDS = st.builds(
    lambda number, name, params: {"id": number, name: params},
    st.integers(-1, 5) | st.just(2**32) | JSON,
    NAMES,
    PARAMS | st.builds(lambda rest: {"channel": "chat:1"} | rest, PARAMS) | JSON,
)
LINES = st.lists(COMMANDS, min_size=1, max_size=4).map(
    lambda commands: "\n".join(map(json.dumps, commands)).encode()
)
BOUNDED = settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@BOUNDED
@given(frames=st.lists(LINES, min_size=1, max_size=3))
def test_commands_of_any_kind(target: Target, frames: list[bytes]) -> None:
    raw = target.open()
    for payload in frames:
        raw._try(lambda payload=payload: raw.frame(payload))  # type: ignore[misc]
    judge(target, raw)


@BOUNDED
@given(
    frames=st.lists(
        st.tuples(st.binary(max_size=200) | LINES, st.integers(0, 15), st.integers(0, 15)),
        min_size=1,
        max_size=4,
    )
)
def test_frames_of_any_kind(target: Target, frames: list[tuple[bytes, int, int]]) -> None:
    raw = target.open()
    for payload, opcode, head in frames:
        raw._try(lambda: raw.frame(payload, opcode, head=head << 4))  # noqa: B023 - called at once
    with closing(raw):
        raw.link.shutdown(SHUT_WR)  # a frame may wait for its rest
        _, code = raw.outcome()
    assert code in {0, -1, 1000, 1005, *OURS} or 1000 <= code < 5000
    assert code != 3004
    target.expect_calm()


def test_memory_came_back(target: Target) -> None:
    assert target.memory < 250_000_000
    target.expect_calm()
