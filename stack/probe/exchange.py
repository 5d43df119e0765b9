"""What the doctor asks and what came back, as values. Pure: no sockets, no clock.

Header names of answers are in lower case and duplicates are kept; bytes of servers are bounded by
whoever reads them, and are not yet safe to print.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from stack.probe.handshake import expected_accept
from stack.redaction.mask import MASK

# Why there is no answer. "certificate": we do not trust it; "tls": no TLS came about.
# "closed": the server hung up in silence; "silent": time ran out while we waited for its answer;
# "too-long": the head of its answer has no end within what anybody reads;
# "not-offered": it does not offer what the question needs, such as HTTP/2, so nothing was asked;
# "http-1.1": it asks for HTTP/1.1 in place of HTTP/2 (RFC 9113 §7, HTTP_1_1_REQUIRED).
Failure = Literal[
    "",
    "name",
    "refused",
    "timeout",
    "unreachable",
    "certificate",
    "tls",
    "closed",
    "silent",
    "too-long",
    "not-offered",
    "http-1.1",
]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Target:
    """A place to ask: ``tls`` for https and wss. ``path`` holds the query as well.

    ``trust`` is a PEM file with the one authority to trust there; empty for those of the system.
    """

    name: str
    host: str
    port: int
    path: str
    tls: bool = False
    trust: str = ""

    @property
    def authority(self) -> str:
        """Host and port as a browser writes them: without the port where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """The origin of a page that lives there."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def url(self) -> str:
        """The address of a WebSocket there, without its query: that may hold a token."""
        return f"{'wss' if self.tls else 'ws'}://{self.authority}{self.path.partition('?')[0]}"


def is_local(host: str) -> bool:
    """Whether browsers take the name for this machine without asking anybody (RFC 6761 §6.3)."""
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


@dataclass(frozen=True)
class Question:
    """One request. ``label`` names it in a table, ``key`` is empty unless it is a handshake.

    ``variation`` is what the asker looks the answer up by.

    ``version`` is 1.0, 1.1 or 2: by ALPN with TLS, without it by prior knowledge (RFC 9113 §3.3).
    ``address`` is the only address to try, where one is given; ``checks`` whether the
    certificate has to be good; ``idle`` how many seconds an open WebSocket is watched,
    ``patience`` how many seconds a body may come later than its head, and ``size`` how many bytes
    of it are read.
    """

    target: Target
    label: str
    headers: Headers
    key: str = ""
    version: str = "1.1"
    address: str = ""
    checks: bool = True
    idle: float = 0.25
    patience: float = 0.5
    host: str = ""
    method: str = "GET"
    size: int = 4096
    variation: Enum | None = None

    def bytes(self) -> bytes:
        """Return the request as it is sent. Raises ValueError for a line break in any part."""
        lines = [f"{self.method} {self.target.path} HTTP/{self.version}"]
        lines.append(f"Host: {self.host or self.target.authority}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += ["Content-Length: 0"] if self.method == "POST" else []
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header must not contain a line break")
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True)
class Head:
    """The head of an answer."""

    version: str
    status: int
    reason: str
    headers: Headers

    @property
    def line(self) -> str:
        """The status as people write it."""
        return f"{self.status} {self.reason}".strip()

    def get(self, name: str) -> str:
        """Return the values of a header, joined by commas; empty without one (RFC 9110 §5.3)."""
        return ", ".join(value for key, value in self.headers if key == name)

    def has_token(self, name: str, token: str) -> bool:
        """Whether a list header holds this token, whatever its case."""
        return token in [part.strip().lower() for part in self.get(name).split(",")]


@dataclass(frozen=True)
class Ending:
    """What a server did to an open WebSocket while we watched it.

    ``code`` is the close code, 1006 when the connection just ended; ``after`` in seconds.
    ``broken`` says how a frame breaks RFC 6455 §5.2.
    """

    code: int
    reason: str
    after: float
    broken: str = ""


@dataclass(frozen=True)
class Exchange:
    """A question and all that came of it. Times are in seconds since the question began.

    ``tls`` is the version of TLS, ``certificate`` what the server showed there, in DER.
    """

    question: Question
    failure: Failure = ""
    detail: str = ""
    address: str = ""
    raw: bytes = b""
    head: Head | None = None
    body: bytes = b""
    seconds: float = 0.0
    ending: Ending | None = None
    tls: str = ""
    certificate: bytes = b""

    @property
    def status(self) -> int:
        """The status code; 0 without an answer in HTTP."""
        return self.head.status if self.head else 0

    @property
    def text(self) -> str:
        """The beginning of the body, to look for words in."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_open(self) -> bool:
        """Whether this is a correct 101, whatever came later."""
        return bool(self.question.key) and not self.problem

    @property
    def problem(self) -> str:
        """Why this is no answer, or opens no WebSocket if one was asked for (RFC 6455 §4.1)."""
        head = self.head
        if not head or not self.question.key:
            return "" if head else self.says
        if head.status != 101:
            return f"answered {head.line}, not 101 Switching Protocols"
        if head.get("upgrade").lower() != "websocket":
            return "answered 101 without Upgrade: websocket"
        if not head.has_token("connection", "upgrade"):
            return "answered 101 without Connection: Upgrade"
        if head.get("sec-websocket-accept") != expected_accept(self.question.key):
            return "answered 101 with a wrong Sec-WebSocket-Accept"
        return ""

    @property
    def is_usable(self) -> bool:
        """Whether it opened and was still open when we stopped watching."""
        return self.is_open and self.ending is None

    @property
    def compresses(self) -> bool:
        """Whether the handshake agreed on compression (RFC 7692)."""
        return "permessage-deflate" in (
            self.head.get("sec-websocket-extensions") if self.head else ""
        )

    @property
    def is_page_of_nginx(self) -> bool:
        """Whether the body is an error page that Nginx made itself."""
        return "<center>nginx" in self.text

    @property
    def says(self) -> str:
        """What happened, in the words of a table."""
        if self.head:
            end = f", then close {self.ending.code}" if self.ending else ""
            return self.head.line + end
        if self.failure == "certificate":
            return f"certificate not trusted: {self.detail.rpartition(': ')[2]}"
        if self.failure:
            return self.detail or self.failure
        if is_http2(self.raw):
            return "not HTTP/1.1: a SETTINGS frame of HTTP/2"
        return f"not HTTP: {self.raw[:40].decode('latin-1')!r}"


def parse_head(data: bytes) -> tuple[Head, bytes] | None:
    """Read a head and what follows it; None when it is not HTTP/1.x or not whole."""
    text, end, body = data.partition(b"\r\n\r\n")
    first, *rest = text.decode("latin-1").split("\r\n")
    version, _, remainder = first.partition(" ")
    code, _, reason = remainder.partition(" ")
    is_status = len(code) == 3 and code.isascii() and code.isdigit()
    if not end or not version.startswith("HTTP/1.") or not is_status:
        return None
    pairs = (line.partition(":") for line in rest)
    headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
    return Head(version.removeprefix("HTTP/"), int(code), reason, headers), body


def scrubbed(exchange: Exchange, secrets: Iterable[str]) -> Exchange:
    """Take our own secrets out of what a server sent back, before anything is cut short."""
    head = exchange.head
    ending = exchange.ending
    for secret in secrets:
        pair = secret.encode("utf-8", "replace"), MASK.encode()
        exchange = replace(
            exchange, raw=exchange.raw.replace(*pair), body=exchange.body.replace(*pair)
        )
        if head:
            rows = tuple((name, value.replace(secret, MASK)) for name, value in head.headers)
            head = replace(head, reason=head.reason.replace(secret, MASK), headers=rows)
        if ending:
            ending = replace(ending, reason=ending.reason.replace(secret, MASK))
    return replace(exchange, head=head, ending=ending)


def is_http2(data: bytes) -> bool:
    """Whether these bytes begin as an HTTP/2 server does: by its settings (RFC 9113 §3.4)."""
    return len(data) >= 9 and data[3:9] == b"\x04\x00\x00\x00\x00\x00"


def is_foreign(data: bytes) -> bool:
    """Whether these bytes cannot be the beginning of an HTTP/1 answer."""
    return bool(data) and not data.startswith(b"HTTP/1."[: len(data)])


def read_ending(data: bytes, after: float, compressed: bool) -> Ending | None:
    """Look through the frames a server sent for a close frame or a broken one (RFC 6455 §5.2)."""
    while len(data) >= 2:
        opcode, size, start = data[0] & 0x0F, data[1] & 0x7F, 2
        if broken := _broken(data[0], data[1], compressed):
            return Ending(1002, "", after, broken)
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return None
        payload = data[start : start + size]
        if opcode == 8:
            code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else 1005
            return Ending(code, payload[2:].decode("utf-8", "replace"), after)
        data = data[start + size :]
    return None


def _broken(first: int, second: int, compressed: bool) -> str:
    if second & 0x80:
        return "it is masked, which only a client's frames are"
    if first & 0x40 and not compressed:
        return "it is compressed, but the handshake agreed on no compression"
    if first & 0x30 or (first & 0x0F) in {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}:
        return f"its first byte is 0x{first:02x}, which RFC 6455 reserves"
    return ""
