"""Frames of a server in any pieces, and the frame of a client's message."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.probe.exchange import Ending
from stack.probe.frames import CLOSE, PING, PONG, Frames, ending_of, pong, text_message


def frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + struct.pack("!H", size)
    else:
        length = b"\x7f" + struct.pack("!Q", size)
    return bytes([0x80 | opcode]) + length + payload


FRAMES = st.one_of(
    st.tuples(st.sampled_from([CLOSE, PING, PONG]), st.binary(max_size=125)),
    st.tuples(
        st.sampled_from([0, 1, 2]), st.sampled_from([0, 1, 125, 126, 65535, 65536]).map(bytes)
    ),
)


@given(st.lists(FRAMES, max_size=5), st.integers(1, 70000))
def test_control_frames_are_found_in_any_pieces(rows: list[tuple[int, bytes]], step: int) -> None:
    data = b"".join(frame(opcode, payload) for opcode, payload in rows)
    frames = Frames()
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    found = [item for piece in pieces[:4000] for item in frames.feed(piece)]
    if len(pieces) <= 4000:
        assert found == [(opcode, payload) for opcode, payload in rows if opcode >= CLOSE]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_bytes_are_borne(chunks: list[bytes]) -> None:
    frames = Frames()
    found = [item for chunk in chunks for item in frames.feed(chunk)]
    assert all(opcode >= CLOSE and len(payload) <= 125 for opcode, payload in found)


def test_a_message_that_never_ends_is_not_kept() -> None:
    frames = Frames()
    frames.feed(b"\x82\x7f" + b"\x7f" * 8)
    for _ in range(100):
        assert frames.feed(bytes(100_000)) == []
    assert len(frames._rest) == 0


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 100_001])
def test_a_message_is_letters_under_its_mask(size: int) -> None:
    data = text_message(size, b"\x01\x02\x03\x04")
    start = len(data) - size
    plain = bytes(byte ^ data[start - 4 : start][at % 4] for at, byte in enumerate(data[start:]))
    assert (data[0], data[1] & 0x80, plain) == (0x81, 0x80, b"a" * size)
    length = data[1] & 0x7F
    assert size == (int.from_bytes(data[2 : start - 4], "big") if length > 125 else length)


@pytest.mark.parametrize(
    ("payload", "ending"),
    [(b"", Ending(1005, "", 1.0)), (b"\x03\xf1no", Ending(1009, "no", 1.0))],
)
def test_the_first_close_frame_counts(payload: bytes, ending: Ending) -> None:
    assert ending_of([(PING, b""), (CLOSE, payload), (CLOSE, b"\x03\xe8")], 1.0) == ending
    assert ending_of([(PING, payload)], 1.0) is None


def test_a_pong_repeats_what_the_ping_says() -> None:
    assert pong(b"\x01x") == b"\x8a\x82\x00\x00\x00\x00\x01x"
