"""Opens a port to listen on; accepts nobody."""

import socket


def listen(host: str, port: int, backlog: int = 100) -> socket.socket:
    """A listening socket. Raises OSError; its ``filename`` is the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from None
