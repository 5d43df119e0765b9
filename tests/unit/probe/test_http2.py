"""HTTP/2 over a real socket: whatever bytes come, there is an answer or a word, in time."""

import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from hypothesis import given, settings
from hypothesis import strategies as st

from stack.diagnose.doctor import questions
from stack.probe import http2
from stack.probe.dial import Connection
from stack.probe.exchange import Exchange, Question
from tests.unit.diagnose.seen import KEY, OPTIONS, TARGET

ROOT = Path(__file__).parents[3]
FRAMES = st.builds(
    lambda kind, flags, stream, payload: (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    ),
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3, 0x7FFFFFFF]),
    st.binary(max_size=60),
)
SETTINGS = bytes.fromhex("000006040000000000 000800000001")
BASE = questions.handshake(OPTIONS, TARGET, KEY)
QUESTIONS = st.sampled_from([questions.by_http2(BASE), questions.extended_connect(BASE)])


SERVER = H2Connection(H2Configuration(client_side=False, validate_inbound_headers=False))


def converse(data: bytes, question: Question) -> Exchange:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(data)
        there.shutdown(socket.SHUT_WR)
        return http2.converse(Exchange(question), Connection(here, ""), time.monotonic() + 5)


@settings(deadline=None)
@given(st.lists(FRAMES, max_size=6), QUESTIONS)
def test_no_frames_break_it(frames: list[bytes], question: Question) -> None:
    record = converse(SETTINGS + b"".join(frames), question)
    assert record.head or (record.failure and record.detail)


@settings(deadline=None)
@given(st.binary(max_size=100), QUESTIONS)
def test_no_bytes_break_it(data: bytes, question: Question) -> None:
    record = converse(data, question)
    assert record.head or (record.failure and record.detail)


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    here, there = socket.socketpair()
    with here, there:
        start = time.monotonic()
        record = http2.converse(
            Exchange(questions.by_http2(BASE)), Connection(here, ""), time.monotonic() + 0.2
        )
    assert (record.failure, time.monotonic() - start < 2) == ("silent", True)


def test_a_host_of_the_user_is_kept_and_no_connection_is_sent() -> None:
    here, there = socket.socketpair()
    question = replace(questions.by_http2(BASE), host="front.test")
    with here, there:
        there.sendall(SETTINGS)
        http2.converse(Exchange(question), Connection(here, ""), time.monotonic() + 0.2)
        sent = there.recv(65536)
    (headers,) = [
        dict(event.headers)
        for event in SERVER.receive_data(sent)
        if isinstance(event, RequestReceived)
    ]
    assert (headers[b":authority"], headers[b"upgrade"]) == (b"front.test", b"websocket")
    assert b"connection" not in headers


def test_the_library_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, stack.diagnose.doctor.examine; sys.exit('h2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
