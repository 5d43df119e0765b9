"""Which TCP ports of this machine have a listener, and which are free. Says nothing to any."""

import contextlib
import errno
import socket

from stack.probe.proc_net import Listener


def listening() -> tuple[Listener, ...]:
    """Return the listeners of this machine, by port; none where the system does not tell."""
    import psutil  # slow to load, and only a failing connection asks for it

    found: set[Listener] = set()
    with contextlib.suppress(psutil.Error, OSError, RuntimeError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr:
                ip, port = connection.laddr.ip, connection.laddr.port
                found.add(Listener(ip, port, _program(connection.pid)))
    return tuple(sorted(found, key=lambda row: (row.port, row.address)))


def is_listening(host: str, port: int) -> bool:
    """Whether something accepts a TCP connection there."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def loopbacks() -> tuple[str, ...]:
    """Return the loopback addresses that this machine has: IPv6 may be switched off."""
    return tuple(address for address in ("127.0.0.1", "::1") if _has(address))


def _has(address: str) -> bool:
    try:
        with socket.socket(_family(address), socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        return error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
    return True


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def is_free(host: str, port: int) -> bool:
    """Whether this machine lets us listen there; True as well if it has no such address family."""
    family = _family(host)
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((host, port))
    except PermissionError:  # a low port, which the engine may open though we may not
        return not is_listening(host, port)
    except OSError as error:
        return error.errno != errno.EADDRINUSE
    return True


def _program(pid: int | None) -> str:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        return psutil.Process(pid).name() if pid else ""
    return ""
