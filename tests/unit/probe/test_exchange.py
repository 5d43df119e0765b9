"""What came back, as values: heads with duplicates, frames, secrets taken out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.probe.exchange import (
    Ending,
    Exchange,
    Head,
    Question,
    Target,
    is_foreign,
    parse_head,
    read_ending,
    scrubbed,
)
from tests.unit.diagnose.seen import OPENED, TARGET, answered


def test_a_head_keeps_duplicates_and_joins_them() -> None:
    parsed = parse_head(b"HTTP/1.1 200 OK\r\nVia: a\r\nVIA: b\r\n\r\nrest")
    assert parsed
    assert (parsed[0].line, parsed[0].get("via"), parsed[1]) == ("200 OK", "a, b", b"rest")
    assert parsed[0].headers == (("via", "a"), ("via", "b"))


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/2 200\r\n\r\n", b"x\r\n\r\n"])
def test_what_is_no_head(data: bytes) -> None:
    assert parse_head(data) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    parse_head(data)
    ending = read_ending(data, 0.0, compressed=False)
    assert ending is None or 0 <= ending.code <= 65535


@pytest.mark.parametrize(
    ("frames", "ending"),
    [
        ("88 02 03 f0", Ending(1008, "", 1.0)),
        ("88 04 03 f0 6e 6f", Ending(1008, "no", 1.0)),
        ("88 00", Ending(1005, "", 1.0)),
        ("81 01 41 88 02 03 e8", Ending(1000, "", 1.0)),
        ("82 7e 00 02 00 00 88 02 03 e8", Ending(1000, "", 1.0)),
        ("81 05 41", None),
        ("", None),
    ],
)
def test_close_frames_are_found_behind_others(frames: str, ending: Ending | None) -> None:
    assert read_ending(bytes.fromhex(frames), 1.0, compressed=False) == ending


def test_compression_is_wrong_only_when_not_agreed_on() -> None:
    frame = bytes.fromhex("c1 01 00")
    assert read_ending(frame, 0.0, compressed=True) is None
    broken = read_ending(frame, 0.0, compressed=False)
    assert broken
    assert "compress" in broken.broken


def test_is_foreign_waits_for_enough() -> None:
    assert not is_foreign(b"")
    assert not is_foreign(b"HTT")
    assert is_foreign(b"HTX")


def test_secrets_leave_every_part_of_an_answer() -> None:
    exchange = answered(403, "a s3cret b", (("via", "s3cret"),), ending=Ending(4000, "s3cret", 0))
    exchange = replace(exchange, raw=b"s3cret")
    clean = scrubbed(exchange, ["s3cret"])
    assert "s3cret" not in f"{clean.head}{clean.body!r}{clean.raw!r}{clean.ending}"


@pytest.mark.parametrize(
    ("target", "authority"),
    [
        (Target("", "a.b", 80, "/"), "a.b"),
        (Target("", "a.b", 443, "/"), "a.b:443"),
        (Target("", "a.b", 443, "/", tls=True), "a.b"),
        (Target("", "::1", 3000, "/"), "[::1]:3000"),
    ],
)
def test_an_authority_is_written_as_by_browsers(target: Target, authority: str) -> None:
    assert target.authority == authority
    sent = Question(target, "", ()).bytes()
    assert sent == f"GET / HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("path", "header"),
    [("/\r\nX: y", ("A", "b")), ("/\n", ("A", "b")), ("/", ("A", "b\nc")), ("/", ("A\r", "b"))],
    ids=ascii,
)
def test_nothing_can_be_slipped_into_a_request(path: str, header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="line break"):
        Question(Target("", "a", 80, path), "", (header,)).bytes()


def switched(status: int, **change: str) -> Exchange:
    headers = dict(OPENED) | {name.replace("_", "-"): value for name, value in change.items()}
    head = Head("1.1", status, "OK", tuple(headers.items()))
    return replace(answered(101), head=head)


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
    seen = switched(101, **change)
    assert (seen.problem, seen.is_open) == ("", True)


@pytest.mark.parametrize(
    ("status", "change", "problem"),
    [
        (200, {}, "answered 200 OK, not 101 Switching Protocols"),
        (426, {}, "answered 426 OK, not 101 Switching Protocols"),
        (101, {"upgrade": ""}, "answered 101 without Upgrade: websocket"),
        (101, {"upgrade": "h2c"}, "answered 101 without Upgrade: websocket"),
        (101, {"upgrade": "h2c, websocket"}, "answered 101 without Upgrade: websocket"),
        (101, {"connection": "close"}, "answered 101 without Connection: Upgrade"),
        (101, {"connection": "upgraded"}, "answered 101 without Connection: Upgrade"),
        (101, {"sec_websocket_accept": ""}, "answered 101 with a wrong Sec-WebSocket-Accept"),
        (101, {"sec_websocket_accept": "x"}, "answered 101 with a wrong Sec-WebSocket-Accept"),
        (
            101,
            {"sec_websocket_accept": dict(OPENED)["sec-websocket-accept"].lower()},
            "answered 101 with a wrong Sec-WebSocket-Accept",
        ),
    ],
)
def test_a_bad_answer_says_why(status: int, change: dict[str, str], problem: str) -> None:
    seen = switched(status, **change)
    assert (seen.problem, seen.is_open) == (problem, False)


def test_any_answer_will_do_where_no_websocket_was_asked_for() -> None:
    question = Question(TARGET, "", ())
    seen = Exchange(question, head=Head("1.1", 404, "Not Found", ()))
    assert (seen.problem, seen.is_open) == ("", False)
    assert replace(seen, head=Head("1.1", 101, "", OPENED)).is_open is False
    assert Exchange(question, "refused", "connection refused").problem == "connection refused"
