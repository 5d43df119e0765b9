"""Exits with 0 if /readyz answers 200, else with 1; imports little, because it runs every second.

Run it by its path, so that the interpreter can skip site: ``python -I -S …/healthcheck.py``.
"""

import os
import sys
from _socket import AF_INET, AF_INET6, socket  # its wrapper imports ten times as much

TIMEOUT = 2.0


def main() -> int:
    """Ask the server of this container; return 1 for any failure."""
    host = os.environ.get("WS_HOST") or "0.0.0.0"  # noqa: S104 - for a client: this machine
    probe = socket(AF_INET6 if ":" in host else AF_INET)
    probe.settimeout(TIMEOUT)
    try:
        probe.connect((host, int(os.environ.get("WS_PORT") or 3002)))
        probe.send(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = probe.recv(64)
    except (OSError, ValueError):
        return 1
    return 0 if answer.startswith(b"HTTP/1.1 200 ") else 1


if __name__ == "__main__":
    sys.exit(main())
