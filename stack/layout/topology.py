"""Stack → what runs: containers, networks and volumes as frozen values. Pure.

The one source that both the rendered compose.yaml and the engine follow: they cannot disagree.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from stack.config import presets
from stack.config.preset.kind import PASSWORD, SECRETS_TARGET, Preset
from stack.config.presets import INIT_FOLDER, NGINX, PRESETS
from stack.layout import access, labels
from stack.layout.names import front_address, state_folder, static_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from stack.config.model import Build, Ready, Service, Stack

NEXTAUTH_SECRET = "nextauth-secret"  # noqa: S105 - the name of a file, not a secret
CONFIG_TARGET = "/etc/nginx/stack"  # where Nginx finds its configuration
FRONT_CERTIFICATE = "front.pem"
FRONT_KEY = "front.key"
# What an image that starts as root and then drops to its own user cannot do without.
USER_IMAGE_CAPABILITIES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETUID",
)


@dataclass(frozen=True)
class Mount:
    """A folder of this machine (``./…`` is relative to stack.yaml) or a volume, in a container."""

    source: str
    target: str
    read_only: bool = False

    @property
    def is_volume(self) -> bool:
        """Whether ``source`` names a volume of the project and not a folder."""
        return not self.source.startswith((".", "/"))


@dataclass(frozen=True)
class Secret:
    """A generated value: ``value`` names it, ``file`` is where this container finds it."""

    value: str
    file: str


@dataclass(frozen=True)
class BuildSpec:
    """An image that is built from the user's own Dockerfile."""

    context: str
    dockerfile: str
    args: tuple[tuple[str, str], ...]
    target: str | None


@dataclass(frozen=True)
class Container:
    """One service as containers: all that the engine is told, but for names and numbers.

    ``probe`` is a shell command for inside the container; ``ready`` is what the user asked for.
    ``healthcheck`` is the argument list that Docker runs every second, if there is one.
    """

    service: str
    image: str
    build: BuildSpec | None = None
    replicas: int = 1
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    env_file: str | None = None
    mounts: tuple[Mount, ...] = ()
    secrets: tuple[Secret, ...] = ()
    networks: tuple[str, ...] = ("default",)
    aliases: tuple[tuple[str, str], ...] = ()  # (network, a further name of this service there)
    published: tuple[tuple[str, int, int], ...] = ()  # address and port here, port of the container
    extra_hosts: tuple[str, ...] = ()
    user: str | None = None
    cap_add: tuple[str, ...] = ()
    read_only: bool = False
    tmpfs: tuple[str, ...] = ()  # "/path:size=16m"
    memory: str | None = None  # like 512m or 2g
    stop_signal: str | None = None
    init: bool = False  # whether a small process of Docker's own comes first, and adopts orphans
    healthcheck: tuple[str, ...] | None = None
    needs: tuple[str, ...] = ()
    waits: bool = False  # whether it may start only when its needs are ready
    port: int | None = None
    probe: str = ""
    ready_path: str = ""
    ready: Ready | None = None
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """Name this content: equal for equal containers, on every machine."""
        content = asdict(self)
        for key in ("replicas", "needs", "waits", "port", "probe", "ready_path", "ready"):
            del content[key]  # these change what stack does, not what the container is
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FrontRoute:
    """What the front must answer.

    ``source`` is what the service is made from; ``port`` the one of this machine if it is a host
    service. ``strip_prefix``: the service does not see the path's prefix. ``folder`` is the one of
    a static service, as the user may name it.
    """

    path: str
    service: str
    source: str
    websocket: bool
    port: int | None = None
    strip_prefix: bool = False
    folder: str = ""

    @property
    def inner_path(self) -> str:
        """The path as the service is asked for it."""
        return "/" if self.strip_prefix else self.path

    @property
    def is_container(self) -> bool:
        """Whether a container of the project answers."""
        return self.source in {"preset", "image", "build"}

    @property
    def log_of(self) -> str:
        """The service whose log tells of it: Nginx serves folders itself."""
        return NGINX if self.source == "static" else self.service


@dataclass(frozen=True)
class Topology:
    """The whole project. ``networks`` pairs a name with whether it is internal."""

    project: str
    front_port: int
    containers: tuple[Container, ...]
    networks: tuple[tuple[str, bool], ...]
    volumes: tuple[str, ...]
    routes: tuple[FrontRoute, ...]

    def limited(self, services: Collection[str]) -> Topology:
        """Give the part that ``services`` need, with the front; all of it if none is named."""
        if not services:
            return self
        wanted, following = {NGINX}, list(services)
        while following:
            name = following.pop()
            if name not in wanted and any(item.service == name for item in self.containers):
                wanted.add(name)
                following += self.container(name).needs
        return replace(
            self,
            containers=tuple(item for item in self.containers if item.service in wanted),
            routes=tuple(route for route in self.routes if route.service in {*wanted, *services}),
        )

    def container(self, service: str) -> Container:
        """Give the container of ``service``; KeyError if stack runs none."""
        for container in self.containers:
            if container.service == service:
                return container
        raise KeyError(service)


def lay_out(stack: Stack, images: Mapping[str, str]) -> Topology:
    """Derive what runs. ``images`` maps nginx, redis, postgres, realtime to references."""
    containers = [_nginx(stack, images[NGINX])]
    for name, service in stack.services.items():
        if service.preset:
            preset = PRESETS[service.preset]
            containers.append(_preset(stack, name, service, preset, images[preset.image]))
        elif service.is_container:
            containers.append(_own(stack, name, service))
    names = {name for container in containers for name in container.networks}
    mounts = [mount for container in containers for mount in container.mounts]
    return Topology(
        project=stack.name,
        front_port=stack.front.port,
        containers=tuple(containers),
        networks=tuple((name, name != access.NETWORK) for name in sorted(names)),
        volumes=tuple(sorted({mount.source for mount in mounts if mount.is_volume})),
        routes=tuple(_front_route(stack, path) for path in sorted(stack.routes)),
    )


def _front_route(stack: Stack, path: str) -> FrontRoute:
    route = stack.routes[path]
    service = stack.services[route.to]
    return FrontRoute(
        path,
        route.to,
        service.source,
        route.websocket,
        service.host,
        bool(route.strip_prefix),
        _relative(service.static) if service.static else "",
    )


def secret_names(topology: Topology) -> tuple[str, ...]:
    """Name every generated value that the project needs."""
    everywhere = (secret.value for item in topology.containers for secret in item.secrets)
    return tuple(sorted({NEXTAUTH_SECRET, *everywhere}))


def _nginx(stack: Stack, image: str) -> Container:
    preset = PRESETS[NGINX]
    static = (
        Mount(_relative(service.static), static_folder(name), read_only=True)
        for name, service in stack.services.items()
        if service.static
    )
    has_host = any(service.host for service in stack.services.values())
    return Container(
        service=NGINX,
        image=image,
        entrypoint=preset.entrypoint,
        mounts=(Mount(f"{state_folder(stack.name)}/nginx", CONFIG_TARGET, read_only=True), *static),
        secrets=tuple(Secret(file, file) for file in _front_files(stack)),
        published=tuple((address, stack.front.port, preset.port) for address in presets.LOOPBACK),
        extra_hosts=("host.docker.internal:host-gateway",) if has_host else (),
        user=preset.user,
        read_only=True,
        tmpfs=preset.tmpfs,
        memory=stack.front.memory,
        stop_signal=preset.stop_signal,
        healthcheck=("CMD", "bash", "-c", preset.probe),
        port=preset.port,
        labels=((labels.FRONT, front_address(stack.front.port, tls=stack.front.tls)),),
    )


def _front_files(stack: Stack) -> tuple[str, ...]:
    return (FRONT_CERTIFICATE, FRONT_KEY) if stack.front.tls else ()


def _preset(stack: Stack, name: str, service: Service, preset: Preset, image: str) -> Container:
    environment = {**preset.environment, **access.environment(stack, service)}
    mounts = [_mount(volume) for volume in service.volumes]
    secrets = [Secret(value, value) for value in access.secrets(stack, service)]
    networks, aliases = access.networks(stack, service), tuple[tuple[str, str], ...]()
    health = preset.health or ("CMD-SHELL", preset.probe)
    if preset.is_store:
        networks = (access.STORES_NETWORK,)
        secrets.append(Secret(access.password_name(name), PASSWORD.rpartition("/")[2]))
    if preset.data and not any(mount.target == preset.data for mount in mounts):
        mounts.append(Mount(name, preset.data))
    if preset.database_variable:
        environment[preset.database_variable] = access.database_name(stack, name)
    if service.init:
        mounts.append(Mount(_relative(service.init), INIT_FOLDER, read_only=True))
    if preset.has_api:
        api = access.api(stack, name)
        environment |= _realtime(service, api)
        secrets += [Secret(NEXTAUTH_SECRET, NEXTAUTH_SECRET), Secret(api.key, api.key)]
        if api.network:
            networks, aliases = (*networks, api.network), ((api.network, api.host),)
    return Container(
        service=name,
        image=image,
        replicas=service.replicas,
        entrypoint=preset.entrypoint,
        command=preset.command,
        environment=tuple(sorted({**environment, **_own_variables(service, preset)}.items())),
        env_file=_relative(service.env_file) if service.env_file else None,
        mounts=tuple(mounts),
        secrets=tuple(secrets),
        networks=networks,
        aliases=aliases,
        user=preset.user,
        read_only=True,
        tmpfs=preset.tmpfs,
        memory=service.memory or preset.memory,
        init=preset.init,
        healthcheck=health,
        needs=tuple(service.needs),
        port=service.port,
        probe=preset.probe,
        ready_path=preset.ready_path,
        ready=service.ready,
    )


def _own_variables(service: Service, preset: Preset) -> dict[str, str]:
    """What the user says, but for secrets: those are handed over as files.

    An image takes no secret twice, so what an env_file says of it is emptied here.
    """
    own = {key: value for key, value in service.env.items() if key not in preset.secret_variables}
    return own | (dict.fromkeys(preset.secret_variables, "") if service.env_file else {})


def _realtime(service: Service, api: access.Api) -> dict[str, str]:
    """What the realtime server is told, beside the stores."""
    values = {
        "NEXTAUTH_SECRET_FILE": f"{SECRETS_TARGET}/{NEXTAUTH_SECRET}",
        "WS_PORT": str(service.port),
        "WS_API_KEY_FILE": f"{SECRETS_TARGET}/{api.key}",
        "WS_API_HOST": api.host,
        "WS_API_PORT": str(api.port),
    }
    return values | ({"WS_NAMESPACES": _namespaces(service)} if service.namespaces else {})


def _namespaces(service: Service) -> str:
    """What the realtime server reads: JSON, with only what was written."""
    written = {
        name: options.model_dump(exclude_unset=True) for name, options in service.namespaces.items()
    }
    return json.dumps(written, sort_keys=True)


def _own(stack: Stack, name: str, service: Service) -> Container:
    environment = {**access.environment(stack, service), **service.env}
    ready = service.ready
    return Container(
        service=name,
        image=service.image or f"{stack.name}-{name}",
        build=_build(service.build) if service.build else None,
        replicas=service.replicas,
        command=tuple(service.command) if service.command else None,
        environment=tuple(sorted(environment.items())),
        env_file=_relative(service.env_file) if service.env_file else None,
        mounts=tuple(_mount(volume) for volume in service.volumes),
        secrets=tuple(Secret(value, value) for value in access.secrets(stack, service)),
        networks=access.networks(stack, service),
        cap_add=USER_IMAGE_CAPABILITIES,
        memory=service.memory,
        healthcheck=("CMD", *ready.command) if ready and ready.command else None,
        needs=tuple(service.needs),
        waits=True,
        port=service.port,
        ready=ready,
    )


def _build(build: Build) -> BuildSpec:
    args = tuple(sorted(build.args.items()))
    return BuildSpec(_relative(build.context), build.dockerfile, args, build.target)


def _mount(volume: str) -> Mount:
    source, target, *mode = volume.split(":")
    return Mount(source, target, read_only=mode == ["ro"])


def _relative(folder: str) -> str:
    return folder if folder.startswith((".", "/")) else f"./{folder}"
