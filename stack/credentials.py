"""Makes the project's secrets on first use and hands each service its own copies. Prints nothing.

A value lies in ``.stack/secrets/NAME`` (mode 0600). A container gets copies of the ones it needs,
below ``.stack/secrets/SERVICE.d/``: owned by the user that reads them where we may say so, else
readable but only inside the folder, which is closed to all other users (0700).
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from stack.state import State, read, write
from stack.topology import Container, Topology, secret_values

BYTES = 32


def ensure(state: State, topology: Topology) -> dict[str, str]:
    """Give every secret of the project by name, making those that do not exist yet."""
    return {name: ensure_value(state, name) for name in secret_values(topology)}


def ensure_value(state: State, name: str) -> str:
    """Give one secret, making it if it does not exist yet."""
    path = state.secrets / name
    value = read(path)
    if not value:
        value = secrets.token_urlsafe(BYTES)
        write(path, value, 0o600)
    return value


def hand_over(state: State, topology: Topology, values: Mapping[str, str]) -> None:
    """Write the copies that the containers mount."""
    for container in topology.containers:
        folder = state.secrets / f"{container.service}.d"
        if container.secrets:
            folder.mkdir(mode=0o700, exist_ok=True)
        for secret in container.secrets:
            path = folder / secret.file
            if read(path) != values[secret.value]:
                _give(path, values[secret.value], container)


def _give(path: Path, value: str, container: Container) -> None:
    user, _, group = (container.user or "").partition(":")
    if user and os.geteuid() == 0:
        write(path, value, 0o600, owner=(int(user), int(group or user)))
    else:
        write(path, value, 0o444)
