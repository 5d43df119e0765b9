"""Reads the kernel's tables of TCP sockets (proc(5), /proc/net/tcp), also a container's. Pure."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Listener:
    """A listening socket: its address, port, and the program behind it, where we may know it."""

    address: str
    port: int
    program: str = ""


TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
LISTEN = "0A"  # the state of a listening socket in these tables


def listeners(lines: Iterable[str]) -> tuple[Listener, ...]:
    """Return the listening sockets in the lines of ``TABLES``, by port."""
    rows = (line.split() for line in lines)
    found = {_listener(row[1]) for row in rows if len(row) > 3 and row[3] == LISTEN}
    return tuple(sorted(found, key=lambda item: (item.port, item.address)))


def is_loopback(listener: Listener) -> bool:
    """Whether only its own machine, or its own container, reaches it."""
    return ipaddress.ip_address(listener.address).is_loopback


def _listener(local: str) -> Listener:
    """Read an address as the kernel writes it: words of four bytes, each with its bytes reversed.

    That is the order of bytes of x86-64 and arm64, which is where containers run.
    """
    digits, _, port = local.partition(":")
    raw = bytes.fromhex(digits)
    address = ipaddress.ip_address(b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4)))
    mapped = getattr(address, "ipv4_mapped", None)
    return Listener(str(mapped or address), int(port, 16))
