"""The HTTP/1.1 side of a WebSocket handshake as bytes and values (RFC 6455 §4). No I/O."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
CLOSE_1000 = b"\x88\x82\x00\x00\x00\x00\x03\xe8"  # a masked close frame, code 1000 (§5.5.1)


@dataclass(frozen=True)
class Answer:
    """The head of an HTTP response. Header names are in lower case; the last of equals wins."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def line(self) -> str:
        """The status as people write it: ``502 Bad Gateway``."""
        return f"{self.status} {self.reason}".strip()


def request_bytes(host: str, path: str, headers: Mapping[str, str]) -> bytes:
    """Give a GET request. Raises ValueError for a line break in any part."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header must not contain a line break")
    return "\r\n".join([*lines, "", ""]).encode()


def upgrade_headers(key: str) -> dict[str, str]:
    """Give the headers that ask for a WebSocket (RFC 6455 §4.1); ``key`` is 16 bytes in base64."""
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }


def expected_accept(key: str) -> str:
    """Give the ``Sec-WebSocket-Accept`` that proves the server read ``key`` (RFC 6455 §4.2.2)."""
    digest = hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def parse_answer(data: bytes) -> Answer:
    """Read the head of a response, and what came with it as ``body``.

    Raises ValueError when the bytes are not HTTP/1.x, or not the whole head.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    status_line, *rest = head.decode("latin-1").split("\r\n")
    version, _, remainder = status_line.partition(" ")
    code, _, reason = remainder.partition(" ")
    if not version.startswith("HTTP/1.") or not re.fullmatch("[1-5][0-9][0-9]", code):
        raise ValueError("the answer is not HTTP")
    if not end:
        raise ValueError("the answer ends in the middle of its head")
    pairs = (line.partition(":") for line in rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Answer(int(code), reason, headers, body)


def upgrade_problem(answer: Answer, key: str) -> str:
    """Say why ``answer`` does not open a WebSocket; empty when it does (RFC 6455 §4.1)."""
    if answer.status != 101:
        return f"answered {answer.line}, not 101 Switching Protocols"
    if answer.headers.get("upgrade", "").lower() != "websocket":
        return "answered 101 without Upgrade: websocket"
    connection = answer.headers.get("connection", "").lower().split(",")
    if "upgrade" not in [token.strip() for token in connection]:
        return "answered 101 without Connection: Upgrade"
    accept = answer.headers.get("sec-websocket-accept", "")
    if accept != expected_accept(key):
        return "answered 101 with a wrong Sec-WebSocket-Accept"
    return ""
