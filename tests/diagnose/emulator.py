"""Servers on loopback that behave as a case describes: data in, real sockets out. Judges nothing.

A rule answers the requests that it fits; the first that fits wins. Conditions: ``path``, ``has``,
``lacks`` (header names), ``is`` (header values), ``version``, ``method``, ``same_origin``,
``ranks`` (which of the connections, counted from 1), ``room`` (fewer WebSockets are open).
Answers: ``status``, ``headers`` (a list of lines), ``body``,
``raw`` (bytes as they are), ``accept`` (a right 101), ``then`` (frames in hex after it),
``says`` (so many messages after it), ``close`` (a close code), ``after`` (seconds until then),
``silent``, ``drop``, ``mirror`` (a redirect to the same address, or by this scheme), ``echo`` (the
request, everywhere), ``endless`` (bytes sent for ever after ``raw``, one ``pause`` between them;
``pause`` alone comes before the answer).
On an open WebSocket: ``max_message`` (bytes; 1009 above, or with ``rude`` no word),
``refuses`` (the close code for any message), ``floods`` (a frame in hex, sent without end after a
message), ``deaf`` (never reads).
"""

import contextlib
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack.probe.handshake import expected_accept
from tests.diagnose import emulator_http2

PATIENCE = 15.0  # seconds; longer than any case, so that nothing is left behind
MESSAGE = b"\x81\x7d" + b"x" * 125
Rule = Mapping[str, Any]


@dataclass
class Request:
    """The head of a request, with its header names in lower case."""

    method: str
    path: str
    version: str
    headers: dict[str, str]


@dataclass
class Emulator:
    """One server: its rules, its socket, and the requests that it saw."""

    rules: list[Rule]
    listener: socket.socket
    port: int
    context: ssl.SSLContext | None = None
    http2: Rule | None = None
    seen: list[Request] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    open: int = 0
    most: int = 0
    codes: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self) -> None:
        """Accept until the listener is closed; each connection has its thread."""
        with contextlib.suppress(OSError):
            while not self.stopped.is_set():
                connection, _ = self.listener.accept()
                threading.Thread(target=self._guarded, args=(connection,), daemon=True).start()

    def _guarded(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with contextlib.suppress(OSError, ValueError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            if self.http2 and (is_http2(connection) or self.http2.get("only")):
                emulator_http2.answer(connection, self.http2)
            else:
                self._answer(connection)
        connection.close()

    def _answer(self, connection: socket.socket) -> None:
        request = read_request(connection)
        rule = self._chosen(request)
        try:
            self._follow(connection, request, rule)
        finally:
            with self.lock:
                self.open -= bool(rule.get("accept"))

    def _chosen(self, request: Request) -> Rule:
        """Take the first rule that fits, and count who comes in by it."""
        with self.lock:
            self.seen.append(request)
            rank = len(self.seen)
            fitting = (
                rule
                for rule in self.rules
                if fits(rule, request, rank) and self.open < rule.get("room", sys.maxsize)
            )
            rule = next(fitting, {"status": 404})
            self.open += bool(rule.get("accept"))
            self.most = max(self.most, self.open)
        return rule

    def _follow(self, connection: socket.socket, request: Request, rule: Rule) -> None:
        time.sleep(0 if "endless" in rule else rule.get("pause", 0))
        at_once = b"" if "after" in rule else frames(rule)
        connection.sendall(answer_bytes(rule, request) + at_once)  # in one write: no race
        while "endless" in rule and not self.stopped.wait(rule.get("pause", 0)):
            connection.sendall(str(rule["endless"]).encode("latin-1"))
        if rule.get("silent"):
            self.stopped.wait(PATIENCE)
        if rule.get("accept"):
            self._stay(connection, rule)

    def _stay(self, connection: socket.socket, rule: Rule) -> None:
        if "after" in rule:
            time.sleep(rule["after"])
            connection.sendall(frames(rule))
        if rule.get("deaf"):
            self.stopped.wait(PATIENCE)
        elif not rule.get("drop"):
            self._listen(connection, rule)

    def _listen(self, connection: socket.socket, rule: Rule) -> None:
        """Read frames as a server does: close over what is too large, answer a ping."""
        with connection.makefile("rb") as stream:
            while head := stream.read(2):
                size = head[1] & 0x7F
                if size >= 126:
                    size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
                mask = stream.read(4)
                code = rule.get("refuses", 0) if head[0] == 0x81 else 0
                if head[0] == 0x81 and size > rule.get("max_message", size):
                    code = 1009
                if code:
                    connection.sendall(b"" if rule.get("rude") else close_frame(code))
                    return
                payload = stream.read(size)
                if head[0] == 0x88:
                    plain = bytes(a ^ b for a, b in zip(payload, mask, strict=False))
                    self.codes.append(int.from_bytes(plain[:2], "big"))
                    return
                while head[0] == 0x81 and "floods" in rule and not self.stopped.is_set():
                    connection.sendall(bytes.fromhex(rule["floods"]) * 500)
                connection.sendall(b"\x8a\x00" if head[0] == 0x89 else b"")


def is_http2(connection: socket.socket) -> bool:
    """Whether client and server chose HTTP/2 by ALPN."""
    return isinstance(connection, ssl.SSLSocket) and connection.selected_alpn_protocol() == "h2"


def read_request(connection: socket.socket) -> Request:
    """Read one head. Raises ValueError for what is no HTTP."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(8192)
        data += chunk
        if not chunk or data[:1] == b"\x16":  # the client left, or speaks TLS
            raise ValueError(data)
    first, *rest = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, path, version = first.split(" ")
    pairs = (line.partition(":") for line in rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Request(method, path, version.removeprefix("HTTP/"), headers)


def fits(rule: Rule, request: Request, rank: int) -> bool:
    """Whether every condition of a rule holds."""
    path = request.path if "?" in str(rule.get("path", "")) else request.path.partition("?")[0]
    return (
        rule.get("path", path) == path
        and rule.get("version", request.version) == request.version
        and rule.get("method", request.method) == request.method
        and rank in rule.get("ranks", [rank])
        and all(name in request.headers for name in rule.get("has", []))
        and not any(name in request.headers for name in rule.get("lacks", []))
        and all(request.headers.get(n) == value for n, value in rule.get("is", {}).items())
        and (not rule.get("same_origin") or is_same_origin(request.headers))
    )


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether the page lives where it knocks, as far as the headers tell."""
    scheme = headers.get("x-forwarded-proto", "http")
    return headers.get("origin") == f"{scheme}://{headers.get('host')}"


def answer_bytes(rule: Rule, request: Request) -> bytes:
    """Give what a rule sends at once."""
    if "raw" in rule:
        return str(rule["raw"]).encode("latin-1")
    if rule.get("silent") or (rule.get("drop") and not rule.get("accept")):
        return b""
    lines = list(rule.get("headers", []))
    body = str(rule.get("body", "")).encode()
    if rule.get("echo"):
        body = f"origin {request.path} {request.headers}".encode()
        lines += [f"Server: {request.path} {request.headers}", f"Via: {request.headers}"]
    if rule.get("accept"):
        accept = expected_accept(request.headers.get("sec-websocket-key", ""))
        own = ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
        return head_bytes("101 Switching Protocols", [*own, *lines])
    if rule.get("mirror"):
        scheme = "http" if rule["mirror"] is True else rule["mirror"]
        lines.append(f"Location: {scheme}://{request.headers.get('host')}{request.path}")
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    reason = str(request.headers) if rule.get("echo") else ""
    return head_bytes(f"{rule['status']}{reason}", lines) + body


def frames(rule: Rule) -> bytes:
    """Give what a rule says on an open WebSocket."""
    data: bytes = bytes.fromhex(rule.get("then", "")) + MESSAGE * int(rule.get("says", 0))
    if "close" not in rule:
        return data
    return data + close_frame(rule["close"], str(rule.get("reason", "")).encode())


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """Give the frame of a server that ends a WebSocket."""
    return bytes([0x88, 2 + len(reason)]) + struct.pack("!H", code) + reason


def head_bytes(status: str, lines: list[str]) -> bytes:
    """Give the head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


@contextlib.contextmanager
def running(
    rules: list[Rule],
    host: str = "127.0.0.1",
    pair: Path | None = None,
    http2: Rule | None = None,
) -> Iterator[Emulator]:
    """Run a server on a free port; ``pair`` is a PEM file of a key and its certificates.

    ``http2`` says how it answers by HTTP/2 (see emulator_http2).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    context = None
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        if http2:
            context.set_alpn_protocols(["h2"] if http2.get("only") else ["h2", "http/1.1"])
    with socket.create_server((host, 0), family=family) as listener:
        port = int(listener.getsockname()[1])
        emulator = Emulator(rules, listener, port, context, http2)
        thread = threading.Thread(target=emulator.serve, daemon=True)
        thread.start()
        try:
            yield emulator
        finally:
            emulator.stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
