"""The handshake as bytes: the vectors of RFC 6455, and answers that open nothing."""

import pytest

from stack.diagnose.handshake import (
    Answer,
    expected_accept,
    parse_answer,
    request_bytes,
    upgrade_headers,
    upgrade_problem,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GOOD = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": ACCEPT}


def test_the_accept_of_the_rfc() -> None:
    assert expected_accept(KEY) == ACCEPT


def test_the_request() -> None:
    assert request_bytes("a:1", "/ws", upgrade_headers(KEY)) == (
        b"GET /ws HTTP/1.1\r\nHost: a:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/\r\nX: y", {}), ("/", {"A": "b\nc"}), ("/", {"A\r": "b"}), ("/\n", {})],
    ids=ascii,
)
def test_nothing_can_be_slipped_into_a_request(path: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="line break"):
        request_bytes("a", path, headers)


def test_an_answer_is_read() -> None:
    answer = parse_answer(b"HTTP/1.1 502 Bad Gateway\r\nA-b:  c \r\nEMPTY:\r\n\r\nbody\r\n\r\n")
    assert (answer.status, answer.line) == (502, "502 Bad Gateway")
    assert answer.headers == {"a-b": "c", "empty": ""}
    assert answer.body == b"body\r\n\r\n"


def test_an_answer_needs_no_reason() -> None:
    assert parse_answer(b"HTTP/1.1 200\r\n\r\n").line == "200"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is not HTTP"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "is not HTTP"),
        (b"HTTP/2 200 OK\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1 \xb2\xb2\xb2\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1 " + b"9" * 5000 + b"\r\n\r\n", "is not HTTP"),
        (b"\x16\x03\x01\x02\x00", "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: b", "ends in the middle of its head"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_is_no_answer(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^the answer {problem}$"):
        parse_answer(data)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"upgrade": "WebSocket"},
        {"connection": "upgrade"},
        {"connection": "keep-alive, Upgrade"},
    ],
    ids=str,
)
def test_a_good_answer_opens(change: dict[str, str]) -> None:
    assert upgrade_problem(Answer(101, "Switching Protocols", {**GOOD, **change}), KEY) == ""


@pytest.mark.parametrize(
    ("status", "change", "problem"),
    [
        (200, {}, "answered 200 OK, not 101 Switching Protocols"),
        (426, {}, "answered 426 OK, not 101 Switching Protocols"),
        (101, {"upgrade": ""}, "answered 101 without Upgrade: websocket"),
        (101, {"upgrade": "h2c"}, "answered 101 without Upgrade: websocket"),
        (101, {"connection": "close"}, "answered 101 without Connection: Upgrade"),
        (101, {"connection": "upgraded"}, "answered 101 without Connection: Upgrade"),
        (101, {"sec-websocket-accept": ""}, "answered 101 with a wrong Sec-WebSocket-Accept"),
        (101, {"sec-websocket-accept": KEY}, "answered 101 with a wrong Sec-WebSocket-Accept"),
        (
            101,
            {"sec-websocket-accept": ACCEPT.lower()},
            "answered 101 with a wrong Sec-WebSocket-Accept",
        ),
    ],
)
def test_a_bad_answer_says_why(status: int, change: dict[str, str], problem: str) -> None:
    assert upgrade_problem(Answer(status, "OK", {**GOOD, **change}), KEY) == problem
