"""Asks one question by HTTP/2 over an open connection; the only module that knows h2. No verdicts.

The library keeps the limits of RFC 9113 and of header compression; how much is read, and for how
long, is limited here.
"""

import time
from dataclasses import dataclass, replace
from http import HTTPStatus

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import H2Error

from stack.probe import dial
from stack.probe.dial import Connection
from stack.probe.exchange import Exchange, Failure, Head, Question

MAX_BYTES = 128 * 1024  # of all frames; no server that means well sends more before an answer
SHORT_BODY = 4096  # bytes; so much of a body is waited for
BODY_WAIT = 0.5  # seconds
STREAM = 1


@dataclass
class _Answer:
    """What came so far. ``is_tunnel``: a 2xx opens one, and has no body.

    ``reset`` says how the server refused the stream or the connection.
    """

    is_tunnel: bool
    is_ready: bool = False
    head: Head | None = None
    body: bytes = b""
    is_done: bool = False
    reset: str = ""
    wants_http_1_1: bool = False
    received: int = 0


def converse(record: Exchange, line: Connection, deadline: float) -> Exchange:
    """Send the question and read its answer. Never raises for the network, nor for the server.

    A CONNECT is an extended one (RFC 8441), and is asked only where the server announces it.
    """
    config = H2Configuration(
        header_encoding="latin-1",
        # An Upgrade must not be sent by HTTP/2. Proxies do it, and what follows is the question.
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
    )
    is_connect = record.question.method == "CONNECT"
    connection, answer = H2Connection(config), _Answer(is_connect)
    try:
        connection.initiate_connection()
        _exchange(connection, answer, line, deadline)
        if is_connect and not connection.remote_settings.enable_connect_protocol:
            detail = "HTTP/2 without extended CONNECT"
            return replace(record, failure="not-offered", detail=detail)
        if not answer.reset:
            headers = _headers(record.question)
            connection.send_headers(STREAM, headers, end_stream=not is_connect)
            _exchange(connection, answer, line, deadline)
    except TimeoutError:
        return replace(record, failure="silent", detail="no answer by HTTP/2")
    except (OSError, H2Error, ValueError) as error:
        answer.reset = answer.reset or f"no HTTP/2: {error}"[:100]
    if answer.head:
        return replace(record, head=answer.head, body=answer.body[:SHORT_BODY])
    failure: Failure = "http-1.1" if answer.wants_http_1_1 else "closed"
    return replace(record, failure=failure, detail=answer.reset)


def _headers(question: Question) -> list[tuple[str, str]]:
    pseudo = [(":method", question.method)]
    if question.method == "CONNECT":
        pseudo.append((":protocol", "websocket"))
    target = question.target
    pseudo += [
        (":scheme", "https" if target.tls else "http"),
        (":authority", question.host or target.authority),
        (":path", target.path),
    ]
    return [*pseudo, *((name.lower(), value) for name, value in question.headers)]


def _exchange(connection: H2Connection, answer: _Answer, line: Connection, deadline: float) -> None:
    """Send what is due, and read to the server's settings, then to the end of its answer.

    Raises OSError and H2Error; a body may come late or never.
    """
    is_asked, until = answer.is_ready, deadline
    dial.send(line, connection.data_to_send(), until)
    while not answer.reset and not (answer.is_done if is_asked else answer.is_ready):
        try:
            data = dial.receive(line, until)
        except TimeoutError:
            if answer.head:
                return
            raise
        answer.received += len(data)
        if not data or answer.received > MAX_BYTES:
            answer.reset = "closed without an answer" if not data else "frames without end"
            return
        for event in connection.receive_data(data):
            _note(event, answer)
        dial.send(line, connection.data_to_send(), until)
        if answer.head and until == deadline:
            until = min(deadline, time.monotonic() + BODY_WAIT)


def _note(event: Event, answer: _Answer) -> None:
    if isinstance(event, RemoteSettingsChanged):
        answer.is_ready = True
    elif isinstance(event, ResponseReceived):
        answer.head = _head(event)
        answer.is_done = answer.is_tunnel and 200 <= answer.head.status < 300
    elif isinstance(event, DataReceived):
        answer.body += event.data
        answer.is_done = answer.is_done or len(answer.body) >= SHORT_BODY
    elif isinstance(event, StreamEnded):
        answer.is_done = True
    elif isinstance(event, StreamReset | ConnectionTerminated):
        answer.is_done = True
        answer.reset = f"refused by HTTP/2: {_name(event.error_code)}"
        answer.wants_http_1_1 = event.error_code == ErrorCodes.HTTP_1_1_REQUIRED


def _head(event: ResponseReceived) -> Head:
    rows = tuple((str(name).lower(), str(value)) for name, value in event.headers)
    fields = tuple((name, value) for name, value in rows if not name.startswith(":"))
    status = int(dict(rows)[":status"])
    known = status in {item.value for item in HTTPStatus}
    return Head("2", status, HTTPStatus(status).phrase if known else "", fields)


def _name(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else f"error {code}"
