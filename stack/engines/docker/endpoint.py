"""Finds the engine that the ``docker`` command would use. Reads only, connects to nothing."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.utils import parse_host

from stack.errors import ConfigError
from stack.hint import quoted
from stack.reading import read_bytes

LOCAL = "unix:///var/run/docker.sock"
DEFAULT = "default"
LOOPBACK = {"localhost", "::1"}
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Endpoint:
    """An engine's address, the origin of it, and how to return to the engine of this machine."""

    url: str
    named_by: str = ""
    undo: str = ""
    tls: TLSConfig | None = None

    @property
    def is_default(self) -> bool:
        """Whether this is the engine that stack may install and start."""
        return self.url == LOCAL

    @property
    def is_here(self) -> bool:
        """Whether its containers see this machine's files, and its ports are this machine's."""
        name = urlsplit(self.url).hostname or ""
        return self.url.startswith("unix:") or name in LOOPBACK or name.startswith("127.")

    @property
    def label(self) -> str:
        """How the engine is named in output; empty for the default one."""
        return "" if self.is_default else f"{self.url} ({self.named_by})"


def find(environ: Mapping[str, str]) -> Endpoint:
    """Return the engine that the ``docker`` command would use.

    ``DOCKER_HOST`` takes precedence over ``DOCKER_CONTEXT``, and that over ``docker context use``.
    Raises ConfigError for a context that does not exist, an invalid address, and an engine on
    another machine.
    """
    folder = config_folder(environ)
    if url := environ.get("DOCKER_HOST"):
        found = Endpoint(url, "DOCKER_HOST", "unset DOCKER_HOST", _tls_of_environ(environ, folder))
    elif (name := environ.get("DOCKER_CONTEXT", "")) and name != DEFAULT:
        by = "DOCKER_CONTEXT"
        found = _context(folder, name, by, "unset DOCKER_CONTEXT")
    elif not name and (name := _current_context(folder)) not in {"", DEFAULT}:
        found = _context(folder, name, "docker context use", "docker context use default")
    else:
        return Endpoint(LOCAL)
    return _checked(found)


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return where the ``docker`` command keeps its configuration."""
    if folder := environ.get("DOCKER_CONFIG"):
        return Path(folder)
    return Path(environ.get("HOME") or "/") / ".docker"


def context_names(folder: Path) -> list[str]:
    """Return the names of all contexts, the built-in one first."""
    names = []
    for path in folder.glob("contexts/meta/*/meta.json"):
        with contextlib.suppress(ConfigError):  # a fault of another one
            names.append(str(_read(path).get("Name")))
    return [DEFAULT, *sorted(names)]


def _current_context(folder: Path) -> str:
    path = folder / "config.json"
    return str(_read(path).get("currentContext") or "") if path.exists() else ""


def _context(folder: Path, name: str, by: str, undo: str) -> Endpoint:
    identity = hashlib.sha256(name.encode()).hexdigest()
    path = folder / "contexts" / "meta" / identity / "meta.json"
    if not path.exists():
        raise ConfigError(
            f"{by}: there is no context {name} in {folder}",
            f"contexts are: {', '.join(context_names(folder))}; {undo}",
        )
    endpoints = _read(path).get("Endpoints")
    meta = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(meta, dict) or not meta.get("Host"):
        raise ConfigError(
            f"{path}: names no engine", f"docker context inspect {quoted(name)}; {undo}"
        )
    url = str(meta["Host"])
    files = folder / "contexts" / "tls" / identity / "docker"
    tls = _tls(files, verify=not meta.get("SkipTLSVerify")) if files.is_dir() else None
    return Endpoint(url, f"context {name}, by {by}", undo, tls)


def _tls_of_environ(environ: Mapping[str, str], folder: Path) -> TLSConfig | None:
    """``DOCKER_CERT_PATH`` alone has no meaning for the ``docker`` command."""
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not (verify or environ.get("DOCKER_TLS")):
        return None
    return _tls(Path(environ.get("DOCKER_CERT_PATH") or folder), verify=verify)


def _tls(folder: Path, *, verify: bool) -> TLSConfig:
    authority, pair = folder / "ca.pem", (folder / "cert.pem", folder / "key.pem")
    has_pair = all(path.is_file() for path in pair)
    return TLSConfig(
        client_cert=(str(pair[0]), str(pair[1])) if has_pair else None,
        ca_cert=str(authority) if authority.is_file() else None,
        verify=verify,
    )


def _checked(endpoint: Endpoint) -> Endpoint:
    where = endpoint.named_by
    if endpoint.url.startswith("ssh:"):
        raise _elsewhere(endpoint)
    try:
        whole = replace(endpoint, url=_written_out(endpoint))
        parse_host(whole.url)
        is_address = whole.url.startswith(("unix://", "tcp://"))
    except (DockerException, ValueError):
        is_address = False
    if not is_address:
        raise ConfigError(
            f"{where}: {endpoint.url}: is not an address of an engine",
            f"unix:///PATH or tcp://HOST:PORT; or the default engine: {endpoint.undo}",
        )
    if not whole.is_here:
        raise _elsewhere(whole)
    return whole


def _elsewhere(endpoint: Endpoint) -> ConfigError:
    """Refuse an engine whose containers see neither the files nor the ports of this machine."""
    place = urlsplit(endpoint.url).netloc
    there = f"ssh {quoted(place)}" if endpoint.url.startswith("ssh:") else ""
    return ConfigError(
        f"{endpoint.named_by}: {endpoint.url}: is an engine of another machine: the folders that "
        "stack mounts are not there, and the front would not be at localhost here",
        f"run stack on that machine{there and f': {there}'}\nor use the engine of this one: "
        f"{endpoint.undo}",
    )


def _written_out(endpoint: Endpoint) -> str:
    """Return the address with what the ``docker`` command adds to a short one."""
    url = endpoint.url if "://" in endpoint.url else f"tcp://{endpoint.url}"
    if url == "unix://":
        return LOCAL
    if url.startswith("tcp://") and urlsplit(url).port is None:
        return f"{url.rstrip('/')}:{2376 if endpoint.tls else 2375}"
    return url


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(read_bytes(path, MAX_BYTES))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: is not JSON of the docker command", f"correct or remove {path}")
    return value
