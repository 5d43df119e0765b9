"""Says in one digest what a service's containers are made from, to see what changed. Reads only."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from stack.errors import ConfigError
from stack.topology import Container, Topology

_QUOTED = re.compile(r"""(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")(?:\s+#.*)?""")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}


def fingerprints(topology: Topology, folder: Path, secrets: Mapping[str, str]) -> dict[str, str]:
    """Map each service to a digest of its container, its env_file and its secrets.

    Secrets are long random values, so their share in a digest gives nothing away.
    """
    return {item.service: _fingerprint(item, folder, secrets) for item in topology.containers}


def environment(container: Container, folder: Path) -> dict[str, str]:
    """Give what the container gets as environment: ``env_file`` first, ``env`` wins."""
    values = parse_env_file(folder / container.env_file) if container.env_file else {}
    return {**values, **dict(container.environment)}


def parse_env_file(path: Path) -> dict[str, str]:
    """Read KEY=VALUE lines; ``#`` starts a comment, matching quotes around a value go.

    Raises ConfigError with the line that is neither.
    """
    values = {}
    for number, line in enumerate(_text(path).split("\n"), 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"{path.name}:{number}: expected KEY=VALUE")
        if "\0" in text:
            raise ConfigError(f"{path.name}:{number}: a value cannot hold U+0000")
        values[key.strip()] = _unquoted(value.strip())
    return values


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name}: not readable: not UTF-8") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigError(f"{path.name}: not readable: {why}") from None


def _unquoted(value: str) -> str:
    """Take away quotes, or a comment behind a value without them, as Compose does."""
    if value[:1] in {"'", '"'}:
        inner, end, _ = value[1:].partition(value[0])
        return inner if end else value
    return value.partition(" #")[0].rstrip()


def _fingerprint(container: Container, folder: Path, secrets: Mapping[str, str]) -> str:
    content = hashlib.sha256(container.digest.encode())
    if container.env_file:
        for pair in sorted(environment(container, folder).items()):
            content.update("=".join(pair).encode() + b"\0")
    for secret in container.secrets:
        content.update(secrets[secret.value].encode() + b"\0")
    return content.hexdigest()[:32]
