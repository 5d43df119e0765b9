"""The project's secrets: which exist, which are missing, and each service's own copies.

A value is in ``.stack/NAME/secrets/SECRET`` (mode 0600). A container gets copies of the ones it
needs, below ``secrets/SERVICE.d/``: owned by the user that reads them if we may set that, else
readable but only inside the folder, which is closed to all other users (0700).
"""

import os
import secrets
import stat
from collections.abc import Mapping

from stack.files import read
from stack.layout.topology import Container, Secret, Topology, secret_names
from stack.project.state import State

BYTES = 32


def known(state: State, topology: Topology) -> dict[str, str]:
    """Return every secret of the project by name; empty if it does not exist yet."""
    return {name: value(state, name) for name in secret_names(topology)}


def value(state: State, name: str) -> str:
    """Return one secret; empty if it does not exist yet."""
    return read(state.secrets / name) or ""


def keep(state: State, name: str, text: str = "") -> str:
    """Write one secret and return it: a new one, unless there is a ``text`` to keep."""
    text = text or secrets.token_urlsafe(BYTES)
    state.write(state.secrets / name, text, 0o600)
    return text


def has_copies(state: State, container: Container, values: Mapping[str, str]) -> bool:
    """Whether the container's copies exist, have ``values``, and are readable for it."""
    return all(
        values[secret.value] and _is_right(state, container, secret, values[secret.value])
        for secret in container.secrets
    )


def write_copies(state: State, container: Container, given: Mapping[str, str]) -> None:
    """Write the copies that a container mounts; a value from the user takes precedence.

    A correct one stays: a running container has mounted that very file. Raises StackError.
    """
    folder = state.secrets / f"{container.service}.d"
    state.make_folder(folder)
    mode, owner = _access(container)
    for secret in container.secrets:
        text = given.get(secret.value) or value(state, secret.value)
        if not _is_right(state, container, secret, text):
            state.write(folder / secret.file, text, mode, owner)


def _is_right(state: State, container: Container, secret: Secret, text: str) -> bool:
    """Whether a copy has that text, and only its service can read it."""
    path = state.secrets / f"{container.service}.d" / secret.file
    if read(path) != text:
        return False
    mode, owner = _access(container)
    seen = path.stat()
    return stat.S_IMODE(seen.st_mode) == mode and owner in {None, (seen.st_uid, seen.st_gid)}


def _access(container: Container) -> tuple[int, tuple[int, int] | None]:
    """Return the mode of a container's copies, and user and group if they change owner."""
    user, _, group = (container.user or "").partition(":")
    if user and os.geteuid() == 0:
        return 0o600, (int(user), int(group or user))
    return 0o444, None
