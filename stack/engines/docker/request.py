"""Turns a Container into the requests of Docker's API. Sends nothing.

The same values make the rendered Compose file (stack/layout/compose.py), so both give one
container.
"""

from pathlib import Path
from typing import Any

from docker.types import EndpointConfig, Healthcheck, HostConfig, LogConfig, Mount

from stack.config.preset.kind import SECRETS_TARGET
from stack.layout.compose import (
    HEALTH_INTERVAL,
    HEALTH_RETRIES,
    HEALTH_START,
    HEALTH_TIMEOUT,
    LOG_DRIVER,
    LOG_OPTIONS,
    PIDS,
)
from stack.layout.labels import FINGERPRINT, Owner, labels_of
from stack.layout.names import secret_file
from stack.layout.topology import Container
from stack.project.state import State

SECOND = 1_000_000_000  # Docker counts in nanoseconds
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
FOLDER = "com.docker.compose.project.working_dir"
ONE_OFF = "com.docker.compose.oneoff"
NETWORK = "com.docker.compose.network"
VOLUME = "com.docker.compose.volume"


def container_labels(
    owner: Owner, container: Container, number: int, fingerprint: str
) -> dict[str, str]:
    """Return Compose's own labels, so that its commands see the stack, and ours."""
    place = State(Path(owner.folder), owner.project)
    return {
        PROJECT: owner.project,
        SERVICE: container.service,
        NUMBER: str(number),
        ONE_OFF: "False",
        FOLDER: owner.folder,
        "com.docker.compose.project.config_files": str(place.compose),
        "com.docker.compose.config-hash": fingerprint,
        "com.docker.compose.depends_on": ",".join(
            f"{name}:service_started:false" for name in container.needs
        ),
        **labels_of(owner),
        **dict(container.labels),
        FINGERPRINT: fingerprint,
    }


def container_request(
    api_version: str,
    project: str,
    folder: Path,
    container: Container,
    number: int,
    environment: dict[str, str],
) -> dict[str, Any]:
    """Return the keyword arguments of ``APIClient.create_container`` but for name and labels."""
    first = container.networks[0]
    endpoint = endpoint_config(api_version, project, container, number, first)
    return {
        "image": container.image,
        "entrypoint": list(container.entrypoint) if container.entrypoint else None,
        "command": list(container.command) if container.command else None,
        "environment": environment,
        "user": container.user,
        "stop_signal": container.stop_signal,
        "healthcheck": _healthcheck(container),
        "ports": sorted({inner for _, _, inner in container.published}),
        "host_config": _host_config(api_version, project, folder, container),
        "networking_config": {"EndpointsConfig": {f"{project}_{first}": endpoint}},
    }


def endpoint_config(
    api_version: str, project: str, container: Container, number: int, network: str
) -> EndpointConfig:
    """Return the names under which other containers of a network find this one."""
    aliases = [f"{project}-{container.service}-{number}", container.service]
    aliases += [alias for place, alias in container.aliases if place == network]
    return EndpointConfig(api_version, aliases=aliases)


def _host_config(api_version: str, project: str, folder: Path, container: Container) -> HostConfig:
    return HostConfig(
        api_version,
        network_mode=f"{project}_{container.networks[0]}",
        mounts=_mounts(project, folder, container),
        port_bindings=_bindings(container),
        extra_hosts=dict(host.split(":", 1) for host in container.extra_hosts) or None,
        cap_drop=["ALL"],
        cap_add=list(container.cap_add) or None,
        security_opt=["no-new-privileges:true"],
        read_only=container.read_only or None,
        init=container.init or None,
        tmpfs=dict(place.split(":") for place in container.tmpfs) or None,
        mem_limit=container.memory,
        pids_limit=PIDS,
        log_config=LogConfig(type=LOG_DRIVER, config=dict(LOG_OPTIONS)),
    )


def _bindings(container: Container) -> dict[int | str, list[tuple[str, int]]]:
    bindings: dict[int | str, list[tuple[str, int]]] = {}
    for address, outer, inner in container.published:
        bindings.setdefault(inner, []).append((address, outer))
    return bindings


def _mounts(project: str, folder: Path, container: Container) -> list[Mount]:
    mounts = [
        Mount(mount.target, f"{project}_{mount.source}", type="volume", read_only=mount.read_only)
        if mount.is_volume
        else _bind(folder, mount.source, mount.target, read_only=mount.read_only)
        for mount in container.mounts
    ]
    mounts += [
        _bind(
            folder,
            secret_file(project, container.service, secret.file),
            f"{SECRETS_TARGET}/{secret.file}",
            read_only=True,
        )
        for secret in container.secrets
    ]
    return mounts


def _bind(folder: Path, source: str, target: str, *, read_only: bool) -> Mount:
    return Mount(target, str((folder / source).resolve()), type="bind", read_only=read_only)


def _healthcheck(container: Container) -> Healthcheck | None:
    if not container.healthcheck:
        return None
    return Healthcheck(
        test=list(container.healthcheck),
        interval=HEALTH_INTERVAL * SECOND,
        timeout=HEALTH_TIMEOUT * SECOND,
        retries=HEALTH_RETRIES,
        start_period=HEALTH_START * SECOND,
    )
