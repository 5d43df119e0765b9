"""The bytes of frames, of both sides (RFC 6455 §5.2). Pure."""

from collections.abc import Iterator

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # in C where it can be

_FIN_TEXT = 0x81
_MASKED = 0x80
_NO_MASK = bytes(4)
_CONTROL = 7  # opcodes beyond are those of control frames


def frame(payload: bytes) -> bytes:
    """Return one unmasked, unfragmented text frame (RFC 6455 §5.2) around UTF-8 ``payload``."""
    length = len(payload)
    if length < 126:
        return bytes((_FIN_TEXT, length)) + payload
    if length < 65536:
        return bytes((_FIN_TEXT, 126)) + length.to_bytes(2, "big") + payload
    return bytes((_FIN_TEXT, 127)) + length.to_bytes(8, "big") + payload


def payloads(framed: bytes) -> Iterator[bytes]:
    """Return what ``frame`` was given, for a transport that has no frames of its own."""
    while framed:
        start = {126: 4, 127: 10}.get(framed[1], 2)
        length = framed[1] if start == 2 else int.from_bytes(framed[2:start], "big")
        yield framed[start : start + length]
        framed = framed[start + length :]


def plain_frames(data: bytes, at: int, most: int, until: int, taken: list[bytes]) -> int:
    """Take text frames of a client that are whole, masked and no fragments, from ``at`` on.

    They have at most ``most`` bytes each, and begin before ``until``. Return where the first one
    begins that was not taken.
    """
    end, start = len(data), at
    while start < until and end - start >= 6 and data[start] == _FIN_TEXT:
        size = data[start + 1] - _MASKED
        masked = start + 2
        if size == 126:
            size = int.from_bytes(data[start + 2 : start + 4], "big")
            masked = start + 4
            if size < 126:
                break
        elif size < 0 or size > 126:
            break
        stop = masked + 4 + size
        if stop > end or size > most:
            break
        mask, payload = data[masked : masked + 4], data[masked + 4 : stop]
        taken.append(payload if mask == _NO_MASK else apply_mask(payload, mask))
        start = stop
    return start


def is_plain(data: bytes, at: int, most: int) -> bool:
    """Whether the frame at ``at`` can become one that ``plain_frames`` takes, once it is whole."""
    head = data[at : at + 4]
    if head[0] != _FIN_TEXT or len(head) < 2:
        return head[0] == _FIN_TEXT
    size = head[1] - _MASKED
    if size == 126:
        return len(head) < 4 or 126 <= int.from_bytes(head[2:], "big") <= most
    return 0 <= size <= min(125, most)


def extent(data: bytes, at: int) -> int:
    """Return how many bytes the frame at ``at`` has in all; 0 while its head is not complete."""
    have = len(data) - at
    if have < 2:
        return 0
    size, masked = data[at + 1] & 127, data[at + 1] & _MASKED
    more = {126: 2, 127: 8}.get(size, 0)
    if have < 2 + more:
        return 0
    if more:
        size = int.from_bytes(data[at + 2 : at + 2 + more], "big")
    return 2 + more + (4 if masked else 0) + size


def is_split(first: int, *, was_split: bool) -> bool:
    """Whether a message in fragments is incomplete after the frame with this first byte."""
    opcode, is_last = first & 15, first & 128
    if opcode > _CONTROL:
        return was_split
    return not is_last
