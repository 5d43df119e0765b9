"""The bytes of a frame that the server sends (RFC 6455 §5.2). Pure."""

_FIN_TEXT = 0x81


def frame(payload: bytes) -> bytes:
    """Return one unmasked, unfragmented text frame (RFC 6455 §5.2) around UTF-8 ``payload``."""
    length = len(payload)
    if length < 126:
        return bytes((_FIN_TEXT, length)) + payload
    if length < 65536:
        return bytes((_FIN_TEXT, 126)) + length.to_bytes(2, "big") + payload
    return bytes((_FIN_TEXT, 127)) + length.to_bytes(8, "big") + payload
