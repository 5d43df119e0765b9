"""Checks whether the parts of a Stack fit together: one rule, one function. Looks at no disk."""

import contextlib
import difflib
import ipaddress
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from stack.config import fallback, hosts, presets
from stack.config.document import Problem
from stack.config.model import SOURCES, Ready, Service, Stack

# Nginx compares with the decoded, normalized path: a path that it never sees cannot be a route.
_ROUTE = re.compile(r"/|(/(?!\.{1,2}(/|$))[^/\s?#%\\\x00-\x20\x7f]+)+/?")
_VOLUME = re.compile(r"(?P<source>[^:]+):(?P<target>/[^:]*)(?::(?P<mode>ro|rw))?")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
# What the engine itself mounts there is needed by every process.
_KERNELS = re.compile(r"/|/dev|/(?:proc|sys)(?:/.*)?", re.DOTALL)
# https://github.com/distribution/reference: what Docker accepts as the name of an image.
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
    r"(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
# An argument in Nginx has at most 4,096 bytes; a stripped path is a pattern with several per byte.
MOST_ROUTED, MOST_STRIPPED = 1000, 400
_ONLY_FOR = {
    "init": ("preset",),
    "namespaces": ("preset",),
    "env": ("preset", "image", "build"),
    "env_file": ("preset", "image", "build"),
    "volumes": ("preset", "image", "build"),
    "command": ("image", "build"),
    "replicas": ("preset", "image", "build"),
    "memory": ("preset", "image", "build"),
    "port": ("preset", "image", "build"),
    "needs": ("preset", "image", "build"),
    "ready": ("preset", "image", "build"),
}


Rule = Callable[[Stack], Iterable[Problem]]


def validate_sources(stack: Stack) -> Iterator[Problem]:
    """Each service is exactly one of preset, image, build, host and static."""
    for name, service in stack.services.items():
        given = [kind for kind in SOURCES if getattr(service, kind) is not None]
        if not given:
            text = f"does not say what it is; add one of {_either(SOURCES)}"
            yield Problem(("services", name), text)
        elif len(given) > 1:
            yield Problem(("services", name, given[1]), f"{_join(given, 'and')} exclude each other")


def validate_names(stack: Stack) -> Iterator[Problem]:
    """No service takes the name of the front."""
    if presets.NGINX in stack.services:
        yield Problem(
            ("services", presets.NGINX), "is the name of the front itself; choose another"
        )


def validate_hosts(stack: Stack) -> Iterator[Problem]:
    """Each further name of the front is a host name or an address, without a port."""
    for index, host in enumerate(stack.front.hosts):
        if text := hosts.problem(host):
            yield Problem(("front", "hosts", index), f"{host!r} {text}", "hosts: [shop.test]")


def validate_images(stack: Stack) -> Iterator[Problem]:
    """Docker takes the names of images, also of those that are built."""
    for name, service in stack.services.items():
        if service.image is not None and not _IMAGE.fullmatch(service.image):
            text = f"{service.image!r} is not the name of an image, like mongo:8"
            yield Problem(("services", name, "image"), text)
        built = f"{stack.name}-{name}"
        if service.build is not None and not _IMAGE.fullmatch(built):
            text = f"Docker refuses {built} as the name of its image"
            yield Problem(("services", name), text, "do not end a name with - or _")


def validate_mirror(stack: Stack) -> Iterator[Problem]:
    """A mirror of Debian's packages is named only if such packages can be needed."""
    if stack.images.mirror and stack.images.source == "registry":
        text = "has no effect: source: registry uses no Debian packages"
        yield Problem(("images", "mirror"), text)


def validate_keys(stack: Stack) -> Iterator[Problem]:
    """A key without effect is an error."""
    for name, service in _sourced(stack):
        for key, sources in _ONLY_FOR.items():
            if key in service.model_fields_set and service.source not in sources:
                yield Problem(
                    ("services", name, key), f"has no effect on a {service.source} service"
                )
        yield from _foreign_keys(name, service)
        preset = presets.of(service.preset)
        if preset is None or not preset.is_store:
            continue
        if "replicas" in service.model_fields_set:
            yield Problem(("services", name, "replicas"), f"{service.preset} runs only once")
        if "port" in service.model_fields_set:
            text = f"{service.preset} listens on {preset.port} only"
            yield Problem(("services", name, "port"), text)


def _foreign_keys(name: str, service: Service) -> Iterator[Problem]:
    """No key stands here that only another preset takes."""
    for other, preset in presets.PRESETS.items():
        for key in preset.keys if other != service.preset else ():
            if getattr(service, key):
                yield Problem(("services", name, key), f"is only for preset: {other}")


def validate_namespaces(stack: Stack) -> Iterator[Problem]:
    """Whatever needs a history or presence has it."""
    for name, service in stack.services.items():
        for prefix, options in service.namespaces.items():
            path = ("services", name, "namespaces", prefix)
            has_history = options.history_size > 0 and options.history_ttl is not None
            if options.force_recovery and not has_history:
                yield Problem((*path, "force_recovery"), "needs history_size and history_ttl")
            if options.join_leave and not options.presence:
                yield Problem((*path, "join_leave"), "needs presence: true")


def validate_user(stack: Stack) -> Iterator[Problem]:
    """The user of a store is the one that readiness and ``needs`` log in as."""
    for name, service in _sourced(stack):
        preset = presets.of(service.preset)
        variable, wanted = preset.fixed_user if preset else ("", "")
        if variable and service.env.get(variable) not in {None, "", wanted}:
            where = ("services", name, "env", variable)
            text = f"must be {wanted}: stack and what needs {name} log in as it"
            yield Problem(where, text, "create other roles by SQL, in the folder of init")


def validate_ports(stack: Stack) -> Iterator[Problem]:
    """No two services use one port of this machine."""
    taken = {stack.front.port: "front.port"}
    for name, service in stack.services.items():
        if service.host is None:
            continue
        if service.host in taken:
            yield Problem(
                ("services", name, "host"),
                f"port {service.host} is also {taken[service.host]}",
            )
        taken.setdefault(service.host, f"services.{name}.host")


def validate_routes(stack: Stack) -> Iterator[Problem]:
    """Each route has a usable path and leads to a service that can answer."""
    seen: dict[str, str] = {}
    for path, route in stack.routes.items():
        where = ("routes", path)
        if not _ROUTE.fullmatch(path):
            yield Problem(
                where, "must start with / and not contain a space, ?, #, %, \\, //, . or .."
            )
            continue
        if f"{path}/".startswith("/.stack/"):
            yield Problem(where, "is reserved for the state of the front")
        if (same := seen.setdefault(path.rstrip("/"), path)) != path:
            yield Problem(where, f"is the same path as {same}")
        service = stack.services.get(route.to)
        if service is None:
            yield Problem((*where, "to"), _unknown(route.to, stack.services))
        elif not any(getattr(service, kind) is not None for kind in SOURCES):
            continue
        elif _is_store(service):
            yield Problem((*where, "to"), f"{route.to} does not speak HTTP")
        elif service.source in {"image", "build"} and service.port is None:
            yield Problem(
                ("services", route.to), f"has a route ({path}), so it needs a port", "port: 8000"
            )


def validate_lengths(stack: Stack) -> Iterator[Problem]:
    """No path is longer than what Nginx can read."""
    for path, route in stack.routes.items():
        most = MOST_STRIPPED if route.strip_prefix else MOST_ROUTED
        if len(path.encode()) > most:
            key = " with strip_prefix" if route.strip_prefix else ""
            text = f"is longer than the {most} bytes that Nginx accepts{key}"
            yield Problem(("routes", path), text, "choose a shorter path")


def validate_static_routes(stack: Stack) -> Iterator[Problem]:
    """Options of the connection to a service do not apply where Nginx reads files."""
    for path, route in stack.routes.items():
        if route.to not in stack.services or not stack.services[route.to].static:
            continue
        for key in ("websocket", "fallback", "strip_prefix", "idle_timeout"):
            if getattr(route, key):
                yield Problem(("routes", path, key), f"{route.to} is a folder of files")


def validate_fallback(stack: Stack) -> Iterator[Problem]:
    """A fallback belongs to a WebSocket, and its paths lead to one service."""
    first = ""
    for path, route in stack.routes.items():
        if route.to not in stack.services or not fallback.bringing(stack, path):
            continue
        where = ("routes", path, "fallback")
        if not route.websocket:
            yield Problem(where, "is for a WebSocket", "add websocket: true, or remove fallback:")
        elif route.fallback and (taken := fallback.taken(stack, path)):
            names = ", ".join(taken)
            text = f"needs {names}, which another route leads to another service"
            yield Problem(where, text, "remove fallback:, or that route")
        elif first and stack.routes[first].to != route.to:
            text = f"{path} and {first} both bring {fallback.PATHS[-1]} along"
            yield Problem(("routes", path), text, "add fallback: false to one of them")
        first = first or path


def validate_needs(stack: Stack) -> Iterator[Problem]:
    """Needs names other services that stack runs, without a cycle."""
    for name, service in stack.services.items():
        for index, other in enumerate(service.needs):
            where = ("services", name, "needs", index)
            if other not in stack.services:
                yield Problem(where, _unknown(other, stack.services))
            elif stack.services[other].host or stack.services[other].static:
                yield Problem(where, f"{other} is not started by stack")
    circle = _circle(stack)
    if circle:
        yield Problem(
            ("services", circle[0], "needs"), f"is a dependency cycle: {' → '.join(circle)}"
        )


def validate_ready(stack: Stack) -> Iterator[Problem]:
    """Each ready has exactly one way, and HTTP ways have a port to ask."""
    for name, service in _sourced(stack):
        if service.ready is None or not service.is_container:
            continue
        ways = [way for way in Ready.model_fields if getattr(service.ready, way) is not None]
        where = ("services", name, "ready")
        if len(ways) != 1:
            yield Problem(where, f"needs exactly one of {_either(Ready.model_fields)}")
        elif ways[0] in {"http", "websocket"} and not _port(service):
            yield Problem(where, f"{ways[0]} needs the service's port", "port: 8000")
        elif _is_store(service) and ways[0] not in {"command", "log"}:
            text = (
                f"{ways[0]} cannot be checked: Nginx, which sends the request, cannot reach a store"
            )
            yield Problem(where, text, "remove ready: a store is checked by its own protocol")
        elif ways[0] == "log" and not _compiles(service.ready.log or ""):
            yield Problem((*where, "log"), "is not a valid regular expression")


def validate_volumes(stack: Stack) -> Iterator[Problem]:
    """Each volume has the form ``name:/path`` or ``./folder:/path``, with an optional ``:ro``."""
    for name, service in stack.services.items():
        targets = set[str]()
        for index, volume in enumerate(service.volumes):
            where = ("services", name, "volumes", index)
            found = _VOLUME.fullmatch(volume)
            if not found:
                yield Problem(where, f"{volume!r} is not of the form name:/path or ./folder:/path")
                continue
            source = found["source"]
            if not source.startswith(("./", "../", "/")) and not _VOLUME_NAME.fullmatch(source):
                yield Problem(where, f"{source!r} is neither a volume name nor a ./folder")
            target = posixpath.normpath(f"/{found['target'].lstrip('/')}")
            if _KERNELS.fullmatch(target):
                hint = f"choose a separate folder: {source}:/data"
                yield Problem(where, f"nothing can be mounted at {target}", hint)
            if target in targets:
                yield Problem(where, f"{target} is mounted twice")
            targets.add(target)


def validate_deploy(stack: Stack) -> Iterator[Problem]:
    """The production configuration names services of this file, full paths and a real resolver."""
    if stack.deploy is None:
        return
    routed = {route.to for route in stack.routes.values()}
    proxied = {name for name in routed & stack.services.keys() if not stack.services[name].static}
    for name in stack.deploy.upstreams:
        if name not in stack.services:
            yield Problem(("deploy", "upstreams", name), _unknown(name, stack.services))
        elif name not in proxied:
            text = f"has no effect: no route connects to {name} by HTTP"
            yield Problem(("deploy", "upstreams", name), text)
    for key, path in stack.deploy.tls.model_dump().items():
        # Nginx reads "data:", "engine:" and variables in these two as something other than a path.
        if not path.startswith("/") or "$" in path:
            yield Problem(("deploy", "tls", key), f"{path!r} is not an absolute path without $")
    if not _is_address(stack.deploy.resolver):
        yield Problem(("deploy", "resolver"), f"{stack.deploy.resolver!r} is not an IP address")


RULES: tuple[Rule, ...] = (
    validate_sources,
    validate_names,
    validate_hosts,
    validate_images,
    validate_mirror,
    validate_keys,
    validate_namespaces,
    validate_user,
    validate_ports,
    validate_routes,
    validate_lengths,
    validate_static_routes,
    validate_fallback,
    validate_needs,
    validate_ready,
    validate_volumes,
    validate_deploy,
)


def _is_store(service: Service) -> bool:
    preset = presets.of(service.preset)
    return preset is not None and preset.is_store


def bound_folder(volume: str) -> str | None:
    """Return the folder of this machine that a volume names; None for a volume of the engine."""
    found = _VOLUME.fullmatch(volume)
    is_folder = found is not None and found["source"].startswith(("./", "../", "/"))
    return found["source"] if found and is_folder else None


def _sourced(stack: Stack) -> Iterator[tuple[str, Service]]:
    """The services whose kind is clear; the others already have a problem."""
    for name, service in stack.services.items():
        if sum(getattr(service, kind) is not None for kind in SOURCES) == 1:
            yield name, service


def _port(service: Service) -> int | None:
    return service.port or (presets.PRESETS[service.preset].port if service.preset else None)


def _either(words: Iterable[str]) -> str:
    return _join(words, "or")


def _join(words: Iterable[str], link: str) -> str:
    *most, last = words
    return f"{', '.join(most)} {link} {last}"


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"there is no service {name}" + (f"; did you mean {near[0]}?" if near else "")


def _is_address(text: str) -> bool:
    """Whether this is an IP address, with or without a port: ``1.1.1.1:53``, ``[::1]:53``."""
    host = text.removeprefix("[").partition("]")[0] if "[" in text else text
    for candidate in (host, host.rpartition(":")[0]):
        with contextlib.suppress(ValueError):
            return bool(ipaddress.ip_address(candidate))
    return False


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _circle(stack: Stack) -> list[str]:
    """The first cycle in ``needs``, its first name repeated at the end; empty without one."""
    graph = {name: service.needs for name, service in stack.services.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []
