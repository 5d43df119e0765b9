"""Something outside: a network namespace that, for a container, is as far away as the internet."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path


def can_be_built() -> bool:
    """Whether this machine lets us make namespaces, and its containers run on it."""
    return os.geteuid() == 0 and bool(shutil.which("ip")) and Path("/run/docker.sock").exists()


@contextlib.contextmanager
def outside_with_a_server(folder: Path) -> Iterator[str]:
    """Give the address of a web server that is reached by routing through this machine."""
    name = f"it{uuid.uuid4().hex[:8]}"
    subnet = f"198.18.{random.randrange(256)}"  # RFC 2544: for tests, never routed elsewhere
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("address", "add", f"{subnet}.1/24", "dev", name)
        ip("link", "set", name, "up")
        ip("-n", name, "address", "add", f"{subnet}.2/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "route", "add", "default", "via", f"{subnet}.1")
        with serving(name, folder):
            yield f"{subnet}.2"
    finally:
        ip("netns", "delete", name)


@contextlib.contextmanager
def serving(namespace: str, folder: Path) -> Iterator[None]:
    """Serve an empty folder on port 80 of the namespace."""
    command = ["ip", "netns", "exec", namespace, sys.executable, "-m", "http.server", "80"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet) as server:
        try:
            yield
        finally:
            server.terminate()


def ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True, timeout=10)
