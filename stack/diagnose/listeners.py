"""Which TCP ports of this machine have a listener. Connects to none of them."""

import contextlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Listener:
    """A listening socket: its address, port, and the program behind it, where we may know it."""

    address: str
    port: int
    program: str = ""


def listening() -> tuple[Listener, ...]:
    """Give the listeners of this machine, by port; none where the system does not tell."""
    import psutil  # slow to load, and only a failing connection asks for it

    found: set[Listener] = set()
    with contextlib.suppress(psutil.Error, OSError, RuntimeError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr:
                ip, port = connection.laddr.ip, connection.laddr.port
                found.add(Listener(ip, port, _program(connection.pid)))
    return tuple(sorted(found, key=lambda row: (row.port, row.address)))


def _program(pid: int | None) -> str:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        return psutil.Process(pid).name() if pid else ""
    return ""
