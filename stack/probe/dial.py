"""Opens connections within a deadline: name, address, TCP, TLS. Asks and judges nothing."""

import contextlib
import errno
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from stack.probe.exchange import Failure, Target, is_local


class DialError(Exception):
    """There is no connection; ``failure`` is the kind and ``detail`` what the system said."""

    def __init__(self, failure: Failure, detail: str, address: str = "") -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.address = address


@dataclass(frozen=True)
class Connection:
    """An open connection and the numeric address it leads to.

    With TLS also its version, what ALPN chose (empty: nothing), and the certificate in DER.
    """

    stream: socket.socket
    address: str
    tls: str = ""
    alpn: str = ""
    certificate: bytes = b""


def resolve(host: str, port: int, deadline: float) -> tuple[str, ...]:
    """Return the addresses of a name, in the order to try. Raises DialError.

    ``localhost`` and all below it are this machine, as for a browser: glibc does not know
    ``shop.localhost``, and a name server may say anything.
    The system's resolver knows no time limit, so it is left behind in its thread when time is up.
    """
    if is_local(host):
        return ("::1", "127.0.0.1")
    found: list[tuple[str, ...]] = []
    failed: list[str] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.append(tuple(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:
            failed.append(getattr(error, "strerror", None) or str(error))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if found:
        return found[0]
    raise DialError("name", failed[0].lower() if failed else "the name server does not answer")


def connect(address: str, port: int, deadline: float) -> Connection:
    """Open a TCP connection to a numeric address. Raises DialError."""
    try:
        left = max(0.01, deadline - time.monotonic())
        return Connection(socket.create_connection((address, port), timeout=left), address)
    except TimeoutError:
        raise DialError("timeout", "no answer to the connection attempt", address) from None
    except ConnectionRefusedError:
        raise DialError("refused", "connection refused", address) from None
    except OSError as error:
        kind: Failure = "timeout" if error.errno == errno.ETIMEDOUT else "unreachable"
        raise DialError(kind, (error.strerror or str(error)).lower(), address) from None


def secure(
    line: Connection,
    target: Target,
    checks: bool,
    deadline: float,
    alpn: Sequence[str] = ("http/1.1",),
) -> Connection:
    """Speak TLS as a browser would. Raises DialError; ``detail`` of a certificate is its code.

    ``alpn`` is what is offered; a WebSocket by Upgrade exists in HTTP/1.1 alone.

    ``detail`` reads ``10: certificate has expired``: the number is OpenSSL's (X509_V_ERR_…).
    """
    try:
        context = ssl.create_default_context(cafile=target.trust or None)
        context.set_alpn_protocols(list(alpn))
        if not checks:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        line.stream.settimeout(max(0.01, deadline - time.monotonic()))
        stream = context.wrap_socket(line.stream, server_hostname=target.host)
        chosen, leaf = stream.selected_alpn_protocol(), stream.getpeercert(binary_form=True)
        return Connection(stream, line.address, stream.version() or "", chosen or "", leaf or b"")
    except ssl.SSLCertVerificationError as error:
        detail = f"{error.verify_code}: {error.verify_message}"
        failure: Failure = "certificate"
    except ssl.SSLError as error:
        failure, detail = "tls", _said(error)
    except TimeoutError:
        failure, detail = "tls", "no answer to the TLS greeting"
    except OSError as error:
        failure, detail = "tls", (error.strerror or "the connection was closed").lower()
    line.stream.close()
    raise DialError(failure, detail, line.address)


def _said(error: ssl.SSLError) -> str:
    """Return OpenSSL's reason, without where in Python it was met; not every one has a name."""
    bare = re.sub(r"^\[SSL\] | \(_ssl\.c:\d+\)$", "", str(error.args[-1]))
    return (error.reason or bare).lower().replace("_", " ")


def receive(line: Connection, deadline: float, size: int = 8192) -> bytes:
    """Wait for bytes until the deadline; empty when the server closed. Raises OSError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    line.stream.settimeout(left)
    return line.stream.recv(size)


def send(line: Connection, data: bytes, deadline: float) -> None:
    """Send all of it before the deadline. Raises OSError."""
    line.stream.settimeout(max(0.01, deadline - time.monotonic()))
    line.stream.sendall(data)


def send_some(line: Connection, data: memoryview, deadline: float) -> int:
    """Send what the other side takes at once, and say how much that was. Raises OSError."""
    line.stream.settimeout(max(0.01, deadline - time.monotonic()))
    return line.stream.send(data)


def ready(line: Connection, wait: float, *, to_send: bool = False) -> tuple[bool, bool]:
    """Wait until there is something to receive, or room to send; say which of both."""
    if isinstance(line.stream, ssl.SSLSocket) and line.stream.pending():
        return True, False
    poll = select.poll()
    poll.register(line.stream, select.POLLIN | (select.POLLOUT if to_send else 0))
    events = poll.poll(max(0.0, wait) * 1000)
    found = events[0][1] if events else 0
    return bool(found & ~select.POLLOUT), bool(found & select.POLLOUT)


def hang_up(line: Connection) -> None:
    """Close, whatever the state."""
    with contextlib.suppress(OSError):
        line.stream.close()
