"""Computes a digest of what a service's containers are made from, to detect changes. Reads only."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from stack.config.env_file import Variables, read_env_file
from stack.errors import ConfigError
from stack.layout.names import secret_file
from stack.layout.topology import Container, Topology
from stack.reading import read_text

MAX_BYTES = 1 << 20


def fingerprints(
    topology: Topology, folder: Path, environ: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """Map each service to a digest of its container, its env_file, its secrets and its folders.

    A container keeps the very folder or file that it mounted: one that was removed and recreated is
    a different one. A secret of ours is too long to be guessed; a short one of the user is
    protected by the rest of the digest's input.
    """
    return {
        item.service: _fingerprint(
            item,
            environment(item, folder, environ),
            [secrets[secret.value] for secret in item.secrets],
            [folder / source for source in _sources(item, topology.project)],
        )
        for item in topology.containers
    }


def environment(container: Container, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the container gets as environment: ``env_file`` first, ``env`` wins.

    ``environ`` fills in the variables of the env_file.
    """
    return {**told_in_file(container, folder, environ), **dict(container.environment)}


def told_in_file(container: Container, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the container's env_file says, if it has one.

    Raises ConfigError whose message has a line ``file:line: what`` for each problem.
    """
    if not container.env_file:
        return {}
    name = container.env_file.removeprefix("./")
    others = {
        "env of stack.yaml": dict(container.environment),
        "the file .env beside it": _beside(folder, environ),
    }
    values, problems = read_env_file(
        read_text(folder / name, MAX_BYTES, name), Variables(environ, others)
    )
    if problems:
        lines = [f"{name}:{item.mark.line}: {item.text}" for item in problems if item.mark]
        hints = dict.fromkeys(item.hint for item in problems if item.hint)
        raise ConfigError("\n".join(lines), "\n".join(hints))
    return values


def _beside(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the other variables that Compose knows when started with a file in the project's
    folder.
    """
    if not (folder / ".env").is_file():
        return {}
    try:
        text = read_text(folder / ".env", MAX_BYTES, ".env")
    except ConfigError:
        return {}
    return read_env_file(text, Variables(environ, {}))[0]


def _sources(container: Container, project: str) -> list[str]:
    """Return the folders and files of this machine that a container mounts."""
    sources = [mount.source for mount in container.mounts if not mount.is_volume]
    copies = (secret_file(project, container.service, secret.file) for secret in container.secrets)
    return [*sources, *copies]


def _inode(path: Path) -> bytes:
    try:
        return str(path.stat().st_ino).encode() + b"\0"
    except OSError:
        return b"none\0"


def _fingerprint(
    container: Container,
    environment: Mapping[str, str],
    secrets: Iterable[str],
    sources: Iterable[Path],
) -> str:
    content = hashlib.sha256(container.digest.encode())
    if container.env_file:
        for pair in sorted(environment.items()):
            content.update("=".join(pair).encode() + b"\0")
    for secret in secrets:
        content.update(secret.encode() + b"\0")
    for source in sources:
        content.update(_inode(source))
    return content.hexdigest()[:32]
