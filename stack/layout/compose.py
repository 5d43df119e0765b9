"""Topology → the Compose document as plain values (Compose specification). Writes no text."""

import posixpath
from collections.abc import Mapping
from typing import Any

from stack.layout.names import secret_file
from stack.layout.topology import Container, Mount, Topology

Document = dict[str, Any]
Labels = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Labels by section (``services``, ``networks``, ``volumes``), name and key."""

NONE: Labels = {}
HEALTH_INTERVAL = 1  # seconds; the shortest that Compose can use
HEALTH_TIMEOUT = 5  # seconds
HEALTH_RETRIES = 3  # a hanging container is detected within 18 s
HEALTH_START = 60  # seconds in which a failure does not count: the first start of a store is slow
# Explicit, because the engine's default may be a driver without such options, or without readable
# logs.
LOG_DRIVER = "json-file"
LOG_OPTIONS = {"max-size": "10m", "max-file": "3"}
PIDS = 4096  # processes and threads of one container: this stops a fork bomb


def compose_services(topology: Topology, base: str = ".", labels: Labels = NONE) -> Document:
    """Return the ``services`` of a Compose file, by name, with every ``$`` already doubled.

    ``base`` is the project's folder, seen from the one in which the file will lie: Compose takes
    relative paths from there.
    """
    checked = {item.service for item in topology.containers if item.healthcheck}
    own = labels.get("services", {})
    return {
        item.service: _escape(_service(item, checked, base, own.get(item.service, {})))
        for item in topology.containers
    }


def compose_rest(topology: Topology, base: str = ".", labels: Labels = NONE) -> Document:
    """Return the ``networks``, ``volumes`` and ``secrets`` of a Compose file."""
    networks, volumes = labels.get("networks", {}), labels.get("volumes", {})
    rest: Document = {
        "networks": {
            name: {**({"internal": True} if inner else {}), **_labels(networks.get(name, {}))}
            for name, inner in topology.networks
        }
    }
    if topology.volumes:
        rest["volumes"] = {name: _labels(volumes.get(name, {})) for name in topology.volumes}
    secrets = {
        f"{item.service}.{secret.file}": {
            "file": _path(secret_file(topology.project, item.service, secret.file), base)
        }
        for item in topology.containers
        for secret in item.secrets
    }
    if secrets:
        rest["secrets"] = secrets
    escaped: Document = _escape(rest)
    return escaped


def _labels(labels: Mapping[str, str]) -> Document:
    return {"labels": dict(labels)} if labels else {}


def _path(path: str, base: str) -> str:
    """Return a path of the project as the Compose file has to write it."""
    if base == "." or path.startswith("/"):
        return path
    return posixpath.normpath(f"{base}/{path}")


def _service(item: Container, checked: set[str], base: str, labels: Mapping[str, str]) -> Document:
    document: Document = {"image": item.image}
    if item.build:
        build = {"context": _path(item.build.context, base), "dockerfile": item.build.dockerfile}
        document["build"] = {
            **build,
            **({"args": dict(item.build.args)} if item.build.args else {}),
            **({"target": item.build.target} if item.build.target else {}),
        }
    optional: Mapping[str, object] = {
        "entrypoint": list(item.entrypoint or ()),
        "command": list(item.command or ()),
        "env_file": _path(item.env_file, base) if item.env_file else None,
        "environment": dict(item.environment),
        "volumes": [_volume(mount, base) for mount in item.mounts],
        "secrets": [
            {"source": f"{item.service}.{secret.file}", "target": secret.file}
            for secret in item.secrets
        ],
        "networks": _networks(item),
        "ports": [_port(*published) for published in item.published],
        "extra_hosts": list(item.extra_hosts),
        "depends_on": _depends_on(item, checked),
        "healthcheck": _healthcheck(item),
        "user": item.user,
        "read_only": item.read_only,
        "tmpfs": list(item.tmpfs),
        "labels": {**dict(item.labels), **labels},
        "stop_signal": item.stop_signal,
        "init": item.init,
        "mem_limit": item.memory,
        "deploy": {"replicas": item.replicas} if item.replicas > 1 else None,
    }
    document.update({key: value for key, value in optional.items() if value})
    document["security_opt"] = ["no-new-privileges:true"]
    document["cap_drop"] = ["ALL"]
    if item.cap_add:
        document["cap_add"] = list(item.cap_add)
    document["pids_limit"] = PIDS
    document["logging"] = {"driver": LOG_DRIVER, "options": dict(LOG_OPTIONS)}
    return document


def _port(address: str, outer: int, inner: int) -> str:
    return f"{f'[{address}]' if ':' in address else address}:{outer}:{inner}"


def _networks(item: Container) -> list[str] | Document:
    if not item.aliases:
        return list(item.networks)
    names = {
        network: [alias for place, alias in item.aliases if place == network]
        for network in item.networks
    }
    return {network: {"aliases": more} if more else {} for network, more in names.items()}


def _volume(mount: Mount, base: str) -> Document:
    document: Document = {
        "type": "volume" if mount.is_volume else "bind",
        "source": mount.source if mount.is_volume else _path(mount.source, base),
        "target": mount.target,
    }
    if mount.read_only:
        document["read_only"] = True
    return document


def _depends_on(item: Container, checked: set[str]) -> Document:
    return {
        name: {
            "condition": "service_healthy" if item.waits and name in checked else "service_started"
        }
        for name in item.needs
    }


def _healthcheck(item: Container) -> Document | None:
    if not item.healthcheck:
        return None
    return {
        "test": list(item.healthcheck),
        "interval": f"{HEALTH_INTERVAL}s",
        "timeout": f"{HEALTH_TIMEOUT}s",
        "retries": HEALTH_RETRIES,
        "start_period": f"{HEALTH_START}s",
    }


def _escape(value: Any) -> Any:
    """Double every ``$``: Compose fills in variables in all strings."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [_escape(item) for item in value]
    if isinstance(value, dict):
        return {key: _escape(item) for key, item in value.items()}
    return value
