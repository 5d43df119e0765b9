"""Topology → the Compose document as plain values (Compose specification). Writes no text."""

from collections.abc import Mapping
from typing import Any

from stack.topology import Container, Mount, Topology, secret_file

Document = dict[str, Any]

HEALTH_INTERVAL = 1  # seconds; the shortest that Compose can make use of
HEALTH_TIMEOUT = 5  # seconds
HEALTH_RETRIES = 60
# Named, because the engine's own default may be a driver that has no such options, or whose logs
# cannot be read back.
LOG_DRIVER = "json-file"
LOG_OPTIONS = {"max-size": "10m", "max-file": "3"}
PIDS = 4096  # processes and threads of one container: a fork bomb ends there


def compose_services(topology: Topology) -> dict[str, Document]:
    """Give the ``services`` of a Compose file, by name, with every ``$`` already doubled."""
    checked = {item.service for item in topology.containers if item.healthcheck}
    return {item.service: _escape(_service(item, checked)) for item in topology.containers}


def compose_rest(topology: Topology) -> Document:
    """Give the ``networks``, ``volumes`` and ``secrets`` of a Compose file."""
    rest: Document = {
        "networks": {name: {"internal": True} if inner else {} for name, inner in topology.networks}
    }
    if topology.volumes:
        rest["volumes"] = {name: {} for name in topology.volumes}
    secrets = {
        f"{item.service}.{secret.file}": {"file": secret_file(item.service, secret)}
        for item in topology.containers
        for secret in item.secrets
    }
    if secrets:
        rest["secrets"] = secrets
    return rest


def _service(item: Container, checked: set[str]) -> Document:
    document: Document = {"image": item.image}
    if item.build:
        build = {"context": item.build.context, "dockerfile": item.build.dockerfile}
        document["build"] = {
            **build,
            **({"args": dict(item.build.args)} if item.build.args else {}),
            **({"target": item.build.target} if item.build.target else {}),
        }
    optional: Mapping[str, object] = {
        "entrypoint": list(item.entrypoint or ()),
        "command": list(item.command or ()),
        "env_file": item.env_file,
        "environment": dict(item.environment),
        "volumes": [_volume(mount) for mount in item.mounts],
        "secrets": [
            {"source": f"{item.service}.{secret.file}", "target": secret.file}
            for secret in item.secrets
        ],
        "networks": list(item.networks),
        "ports": [_port(*published) for published in item.published],
        "extra_hosts": list(item.extra_hosts),
        "depends_on": _depends_on(item, checked),
        "healthcheck": _healthcheck(item),
        "user": item.user,
        "read_only": item.read_only,
        "tmpfs": list(item.tmpfs),
        "stop_signal": item.stop_signal,
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


def _volume(mount: Mount) -> Document:
    document: Document = {
        "type": "volume" if mount.is_volume else "bind",
        "source": mount.source,
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
