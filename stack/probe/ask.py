"""Asks one question over the network and records what came of it. Never raises for the network."""

import base64
import contextlib
import os
import time
from dataclasses import replace

from stack.probe import dial
from stack.probe.dial import Connection, DialError
from stack.probe.exchange import (
    Ending,
    Exchange,
    Failure,
    Head,
    Question,
    is_foreign,
    parse_head,
    read_ending,
)
from stack.probe.frames import PING, Frames, ending_of, pong
from stack.probe.handshake import CLOSE_1000

MAX_HEAD = 64 * 1024  # bytes; no server that means well sends more
MAX_FRAMES = 64 * 1024  # bytes of an open WebSocket that are looked at
ENOUGH = 512  # bytes; by then it is clear that they are not HTTP


def new_key() -> str:
    """Return a key for one handshake: 16 random bytes in base64 (RFC 6455 §4.1)."""
    return base64.b64encode(os.urandom(16)).decode()


def ask(question: Question, timeout: float) -> Exchange:
    """Send it and read the head, a short body, and what follows a 101."""
    deadline = time.monotonic() + timeout
    record, line = open_with(question, deadline)
    if line is None:
        return record
    try:
        return replace(record, ending=_watch(record, line, deadline))
    finally:
        dial.hang_up(line)


def open_with(question: Question, deadline: float) -> tuple[Exchange, Connection | None]:
    """Send it and read the answer; a WebSocket that opens stays open, for the caller to close."""
    start = time.monotonic()
    try:
        line = _dial(question, deadline)
    except DialError as error:
        seconds = time.monotonic() - start
        failed = (error.failure, error.detail, error.address)
        return Exchange(question, *failed, seconds=seconds), None
    record = Exchange(question)
    try:
        record = _converse(question, line, start, deadline)
    finally:
        if not record.is_open:
            dial.hang_up(line)
    return record, line if record.is_open else None


def _dial(question: Question, deadline: float) -> Connection:
    """Try every address of the name in turn, as browsers do; the last failure counts."""
    target = question.target
    addresses = [question.address] if question.address else []
    last = DialError("name", "the name has no address")
    for address in addresses or dial.resolve(target.host, target.port, deadline):
        try:
            line = dial.connect(address, target.port, deadline)
        except DialError as error:
            last = error
            continue
        if not target.tls:
            return line
        alpn = ("h2", "http/1.1") if question.version == "2" else ("http/1.1",)
        return dial.secure(line, target, question.checks, deadline, alpn)
    raise last


def _converse(question: Question, line: Connection, start: float, deadline: float) -> Exchange:
    record = Exchange(question, address=line.address, tls=line.tls, certificate=line.certificate)
    if question.version == "2":
        return _by_http2(record, line, start, deadline)
    try:
        dial.send(line, question.bytes(), deadline)
    except OSError as error:
        return _failed(record, error, b"", start)
    data, failure = _read_head(line, deadline)
    if failure and not is_foreign(data):
        return _failed(record, failure, data, start)
    record = replace(record, raw=data[:MAX_HEAD], seconds=time.monotonic() - start)
    parsed = parse_head(data)
    if parsed is None:
        return record
    record = replace(record, head=parsed[0], body=parsed[1])
    if record.is_open:
        return record
    return replace(record, body=_read_body(record, parsed[0], line, deadline))


def _by_http2(record: Exchange, line: Connection, start: float, deadline: float) -> Exchange:
    """Load HTTP/2 only where the server chose it: most never do."""
    if record.question.target.tls and line.alpn != "h2":
        return replace(record, failure="not-offered", detail="ALPN chooses no HTTP/2")
    from stack.probe import http2

    record = http2.converse(record, line, deadline)
    return replace(record, seconds=time.monotonic() - start)


class _TooLongError(OSError):
    """The head of an answer does not end."""


def _failed(record: Exchange, error: OSError, data: bytes, start: float) -> Exchange:
    """Say when it went wrong: before the first byte, in the head, or by a head without end."""
    seconds = time.monotonic() - start
    whole = f"after {len(data)} bytes of the head" if data else "without an answer"
    if isinstance(error, TimeoutError):
        detail = f"silent for {seconds:.1f} s {whole}"
        return replace(record, failure="silent", detail=detail, raw=data, seconds=seconds)
    detail = str(error) if data else f"closed {whole}"
    failure: Failure = "too-long" if isinstance(error, _TooLongError) else "closed"
    return replace(record, failure=failure, detail=detail, raw=data, seconds=seconds)


def _read_head(line: Connection, deadline: float) -> tuple[bytes, OSError | None]:
    """Read to the empty line; give what came before an error beside it."""
    data = b""
    while b"\r\n\r\n" not in data:
        if len(data) > MAX_HEAD:
            return data, _TooLongError(f"the head is longer than {MAX_HEAD // 1024} KiB")
        if is_foreign(data) and len(data) > ENOUGH:
            return data, None
        try:
            chunk = dial.receive(line, deadline)
        except OSError as error:
            return data, error
        if not chunk:
            return data, OSError("closed in the middle of the head")
        data += chunk
    return data, None


def _read_body(record: Exchange, head: Head, line: Connection, deadline: float) -> bytes:
    body = record.body
    length = head.get("content-length")
    size = record.question.size
    wanted = min(int(length), size) if length.isdigit() and len(length) < 10 else size
    if record.status in {100, 204, 304}:
        wanted = 0
    until = min(deadline, time.monotonic() + record.question.patience)
    while len(body) < wanted:
        try:
            chunk = dial.receive(line, until)
        except OSError:
            break
        if not chunk:
            break
        body += chunk
    return body[:size]


def _watch(record: Exchange, line: Connection, deadline: float) -> Ending | None:
    """Keep the WebSocket open for a while; say goodbye if nothing happens."""
    start = time.monotonic()
    until = min(deadline, start + record.question.idle)
    data = unread = record.body
    frames = Frames()
    while True:
        found, after = frames.feed(unread), time.monotonic() - start
        ending = read_ending(data[:MAX_FRAMES], after, record.compresses)
        if ending := ending or ending_of(found, after):
            return ending
        try:
            _answer_pings(line, found, until)
            chunk = unread = dial.receive(line, until)
        except TimeoutError:
            break
        except OSError:
            chunk = b""
        if not chunk:
            return Ending(1006, "", time.monotonic() - start)
        if len(data) < MAX_FRAMES:
            data += chunk
    with contextlib.suppress(OSError):
        dial.send(line, CLOSE_1000, deadline)
    return None


def _answer_pings(line: Connection, found: list[tuple[int, bytes]], until: float) -> None:
    """Answer as a browser does: a server that gets no pong takes us for dead."""
    for opcode, payload in found:
        if opcode == PING:
            dial.send(line, pong(payload), until)
