"""Opens a port to listen on; accepts nothing."""

import errno
import socket
from contextlib import suppress
from typing import Any


def listen(host: str, port: int, backlog: int = 100) -> socket.socket:
    """Return a listening socket; if a name has several addresses, on the first local one.

    Raises OSError; its ``filename`` is the address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, *_, address in found[:-1]:
            with suppress(_ElsewhereError):
                return _listen(family, address, backlog)
        return _listen(found[-1][0], found[-1][-1], backlog)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from None


class _ElsewhereError(OSError):
    """The address belongs to another machine: a service name resolves to all replicas."""


def _listen(family: int, address: tuple[Any, ...], backlog: int) -> socket.socket:
    try:
        return socket.create_server(address, family=family, backlog=backlog)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise _ElsewhereError(error.errno, error.strerror) from None
        raise
