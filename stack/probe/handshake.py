"""The HTTP/1.1 side of a WebSocket handshake as bytes and values (RFC 6455 §4). No I/O."""

import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
CLOSE_1000 = b"\x88\x82\x00\x00\x00\x00\x03\xe8"  # a masked close frame, code 1000 (§5.5.1)


def upgrade_headers(key: str) -> dict[str, str]:
    """Return the headers that request a WebSocket (RFC 6455 §4.1); ``key`` is 16 base64 bytes."""
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }


def expected_accept(key: str) -> str:
    """Return the ``Sec-WebSocket-Accept`` that proves the server read ``key`` (RFC 6455 §4.2.2)."""
    digest = hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
