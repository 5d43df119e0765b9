"""Reads a server's frames as they come and keeps the control frames only (RFC 6455 §5). Pure."""

import struct

from stack.probe.exchange import Ending

CLOSE, PING, PONG = 0x8, 0x9, 0xA


class Frames:
    """The frames of one connection; messages of any size are skipped and never kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0

    def feed(self, chunk: bytes) -> list[tuple[int, bytes]]:
        """Return the control frames that end in this chunk, as pairs of opcode and payload."""
        data, at, found = self._rest + chunk, 0, []
        while True:
            step = min(self._skip, len(data) - at)
            self._skip, at = self._skip - step, at + step
            head = None if self._skip else _head(data, at)
            if head is None:
                break
            opcode, start, size = head
            if opcode < CLOSE or size > 125:
                self._skip, at = size, start
            elif len(data) < start + size:
                break
            else:
                found.append((opcode, data[start : start + size]))
                at = start + size
        self._rest = data[at:]
        return found


def text_message(size: int, mask: bytes) -> bytes:
    """Return a message of so many letters ``a``, in one frame masked by these four bytes."""
    pattern = bytes(byte ^ ord("a") for byte in mask)
    body = (pattern * (size // 4 + 1))[:size]
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = b"\xfe" + struct.pack("!H", size)
    else:
        length = b"\xff" + struct.pack("!Q", size)
    return b"\x81" + length + mask + body


def ending_of(found: list[tuple[int, bytes]], after: float) -> Ending | None:
    """Return what the first close frame among control frames says (§5.5.1)."""
    for opcode, payload in found:
        if opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else 1005
            return Ending(code, payload[2:].decode("utf-8", "replace"), after)
    return None


def pong(payload: bytes) -> bytes:
    """Return the answer to a ping: its own payload, masked (RFC 6455 §5.5.3)."""
    return bytes([0x80 | PONG, 0x80 | len(payload)]) + bytes(4) + payload


def _head(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Return opcode, start and size of the payload of the frame that begins there, once known."""
    if len(data) < at + 2:
        return None
    size, start = data[at + 1] & 0x7F, at + 2
    if size >= 126:
        start = at + (4 if size == 126 else 10)
        if len(data) < start:
            return None
        size = int.from_bytes(data[at + 2 : start], "big")
    return data[at] & 0x0F, start, size
