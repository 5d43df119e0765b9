"""The bytes of a frame that the server sends (RFC 6455 §5.2). Pure."""

from collections.abc import Iterator

_FIN_TEXT = 0x81


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
