"""Sends requests and handshakes and records what came back; the only module with sockets."""

import base64
import os
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.diagnose.handshake import (
    CLOSE_1000,
    Answer,
    parse_answer,
    request_bytes,
    upgrade_headers,
    upgrade_problem,
)

MAX_ANSWER = 64 * 1024  # bytes; what a head and the beginning of a body may take
SHORT_BODY = 1024  # bytes; so much of a body is waited for
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,9})\r?", re.IGNORECASE)


@dataclass(frozen=True)
class Exchange:
    """One question and what came of it. ``problem`` is empty when all is well.

    ``seconds`` is the time from connecting to the whole head of the answer.
    """

    answer: Answer | None
    problem: str
    seconds: float


@dataclass(frozen=True)
class Door:
    """Where to knock: ``context`` checks certificates when the door speaks TLS."""

    host: str
    port: int
    context: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        """The address as a browser writes it, without a slash at its end."""
        return f"{'https' if self.context else 'http'}://{self.host}:{self.port}"


def trusting(authority: Path) -> ssl.SSLContext:
    """Give a TLS context that trusts this one authority (a PEM file) and no other."""
    return ssl.create_default_context(cafile=str(authority))


def get(door: Door, path: str, headers: Mapping[str, str], timeout: float) -> Exchange:
    """Send one GET; read the head of the answer and what came with it.

    Never raises for what the network does.
    """
    headers = {**headers, "Connection": "close"}
    return _exchange(door, path, headers, timeout, key="")


def open_websocket(door: Door, path: str, headers: Mapping[str, str], timeout: float) -> Exchange:
    """Send one handshake, check the answer, and say goodbye with close code 1000."""
    key = base64.b64encode(os.urandom(16)).decode()
    return _exchange(door, path, {**upgrade_headers(key), **headers}, timeout, key)


def _exchange(
    door: Door, path: str, headers: Mapping[str, str], timeout: float, key: str
) -> Exchange:
    start = time.monotonic()
    try:
        with _connected(door, timeout) as connection:
            host = f"{door.host}:{door.port}"
            connection.sendall(request_bytes(host, path, headers))
            answer = parse_answer(_read_head(connection, start + timeout))
            problem = upgrade_problem(answer, key) if key else ""
            if key and not problem:
                connection.sendall(CLOSE_1000)
    except ssl.SSLCertVerificationError as error:
        answer, problem = None, f"certificate not trusted: {error.verify_message}"
    except TimeoutError:
        answer, problem = None, f"no answer within {timeout:g} s"
    except ConnectionRefusedError:
        answer, problem = None, "connection refused"
    except OSError as error:
        answer, problem = None, (error.strerror or str(error)).lower()
    except ValueError as error:
        answer, problem = None, str(error)
    return Exchange(answer, problem, time.monotonic() - start)


def _connected(door: Door, timeout: float) -> socket.socket:
    connection = socket.create_connection((door.host, door.port), timeout=timeout)
    if door.context is None:
        return connection
    try:
        return door.context.wrap_socket(connection, server_hostname=door.host)
    except BaseException:
        connection.close()
        raise


def _is_enough(data: bytes) -> bool:
    """Whether the head is there, and a short body with it."""
    head, end, body = data.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    return bool(end) and (found is None or len(body) >= min(int(found[1]), SHORT_BODY))


def _read_head(connection: socket.socket, deadline: float) -> bytes:
    data = b""
    while not _is_enough(data) and len(data) < MAX_ANSWER:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        chunk = connection.recv(8192)
        if not chunk:
            break
        data += chunk
    if not data:
        raise ConnectionResetError(None, "closed without an answer")
    return data
