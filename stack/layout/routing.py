"""Stack → what the Nginx templates loop over, every decision made. No text, no disk, no Jinja2."""

from __future__ import annotations

import ipaddress
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from stack.config import fallback
from stack.config.document import Problem
from stack.errors import ConfigError
from stack.layout.names import static_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.config.model import Deploy, Route, Service, Stack

Version = tuple[int, ...]
OLDEST: Version = (1, 25, 1)  # has `http2 on`
RESOLVES_GROUPS: Version = (1, 27, 3)  # has `server … resolve` in an upstream
HOST_GATEWAY = "host.docker.internal"
WEBSOCKET_IDLE = 3600.0
PLAIN_IDLE = 60.0
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")  # RFC 3986 §2.3
_PATH_SAFE = "/-._~!&'()*+,;=:@"  # RFC 3986 §3.3, without $, which Nginx would expand


@dataclass(frozen=True)
class Upstream:
    """A server group, ``name`` in ``proxy_pass``.

    One that ``moves`` is all that its name resolves to, looked up repeatedly; any other is resolved
    once, when Nginx starts.
    """

    name: str
    address: str
    moves: bool = False


@dataclass(frozen=True)
class Strip:
    """A map from the raw request target to the one that the service sees.

    ``pattern`` is a PCRE over ``$request_uri``; ``target`` and ``rest`` are variable names
    without ``$``. A target that the pattern does not know (``/%61pi``) maps to nothing.
    """

    pattern: str
    target: str
    rest: str


@dataclass(frozen=True)
class Proxy:
    """A path that a server answers.

    ``path`` has no trailing slash (``/api``; empty for the root) and ``prefix`` has one.
    ``connect_to`` is the text after ``http://``, ``address`` is the same place in words. ``target``
    is the request target as an Nginx variable, ``idle`` is Nginx time text. ``forwarded_prefix`` is
    percent-encoded and empty unless the prefix is stripped.
    """

    path: str
    prefix: str
    service: str
    connect_to: str
    address: str
    advice: str
    idle: str
    upgrades: bool
    target: str
    strip: Strip | None
    forwarded_prefix: str

    @property
    def label(self) -> str:
        """The path as users write it."""
        return self.path or "/"


@dataclass(frozen=True)
class Files:
    """A path that Nginx answers from a folder: ``/docs/a.css`` is ``a.css`` in it.

    ``folder`` ends with a slash; ``redirect`` is the percent-encoded prefix, for a Location header.
    """

    path: str
    prefix: str
    service: str
    folder: str
    redirect: str

    @property
    def label(self) -> str:
        """The path as users write it."""
        return self.path or "/"


@dataclass(frozen=True)
class Routing:
    """All paths of one configuration, longest first, and what they need around them.

    ``streams`` are the exact paths for clients whose upgrade is blocked. ``unrouted`` holds the
    paths to name in the answer to a path without a route, and is empty when a route for ``/``
    answers them all. ``resolvers`` is empty when no name is looked up.
    """

    upstreams: tuple[Upstream, ...]
    strips: tuple[Strip, ...]
    sockets: tuple[Proxy, ...]
    streams: tuple[Proxy, ...]
    proxies: tuple[Proxy, ...]
    files: tuple[Files, ...]
    unrouted: tuple[str, ...]
    resolvers: tuple[str, ...]

    @property
    def variables_hash(self) -> int:
        """The size of Nginx's table of variables, which has several of each stripped path."""
        return max(4096, 1 << (8 * len(self.strips)).bit_length())


@dataclass(frozen=True)
class Place:
    """Where a service is: ``address`` for people, ``group`` if a server group contains it.

    What ``moves`` is looked up while Nginx runs.
    """

    address: str
    group: str = ""
    advice: str = ""
    moves: bool = False

    @property
    def connect_to(self) -> str:
        """The text behind ``http://`` in ``proxy_pass``."""
        return self.group or self.address


def dev_routing(stack: Stack, nginx: Version = OLDEST) -> Routing:
    """Return the view of ``nginx-dev.conf``: this Nginx in a container beside the services.

    Hot-reload sockets live on any path of a dev server, so every route to one takes upgrades.
    """
    places = {
        name: _dev_place(name, service, has_groups=nginx >= RESOLVES_GROUPS)
        for name, service in stack.services.items()
    }
    return _routing(stack, places, resolver="127.0.0.11", open_hosts=True)


def deploy_routing(stack: Stack, deploy: Deploy) -> Routing:
    """Return the view of the production ``nginx.conf``: only ``websocket: true`` takes upgrades.

    Raises ConfigError when a service has neither an upstream nor a port.
    """
    resolver = _bracketed(deploy.resolver)
    return _routing(stack, _deploy_places(stack, deploy), resolver=resolver, open_hosts=False)


def resolver_problems(stack: Stack) -> Iterator[Problem]:
    """A DNS server is named only if production looks up a name; the stack is valid otherwise."""
    deploy = stack.deploy
    if not deploy or "resolver" not in deploy.model_fields_set:
        return
    if not any(place.moves for place in _deploy_places(stack, deploy).values()):
        yield Problem(("deploy", "resolver"), "has no effect: no service is reached by a name")


def _deploy_places(stack: Stack, deploy: Deploy) -> dict[str, Place]:
    routed = {route.to for route in stack.routes.values()}
    nginx = tuple(int(part) for part in deploy.nginx.split("."))
    return {
        name: _deploy_place(name, service, deploy, has_groups=nginx >= RESOLVES_GROUPS)
        for name, service in stack.services.items()
        if name in routed and service.source != "static"
    }


def _dev_place(name: str, service: Service, *, has_groups: bool) -> Place:
    if service.host is not None:
        advice = (
            f"It has to run on this machine, on port {service.host}, and to listen on all "
            "addresses (0.0.0.0): Nginx asks from a container. See what is wrong: stack doctor"
        )
        return Place(f"{HOST_GATEWAY}:{service.host}", f"host_{name}", advice)
    advice = f"See why with: stack logs {name}"
    group = f"to_{name}" if has_groups else ""
    return Place(f"{name}:{service.port}", group, advice, moves=True)


def _deploy_place(name: str, service: Service, deploy: Deploy, *, has_groups: bool) -> Place:
    if name in deploy.upstreams:
        address = deploy.upstreams[name]
    elif service.host is not None:
        address = f"127.0.0.1:{service.host}"
    elif service.port is not None:
        address = f"{name}:{service.port}"
    else:
        raise ConfigError(
            f"stack.yaml: services.{name}.port: missing, so production cannot reach it",
            f"add port: to services.{name}, or its address to deploy.upstreams",
        )
    is_fixed = _is_fixed(address)
    return Place(address, f"to_{name}" if is_fixed or has_groups else "", moves=not is_fixed)


def _is_fixed(address: str) -> bool:
    """Whether ``host:port`` needs no DNS server, so that a server group may hold it."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _bracketed(address: str) -> str:
    """Write an IPv6 address as Nginx reads it, ``[2001:db8::1]``."""
    return f"[{address}]" if address.count(":") > 1 and "[" not in address else address


def _routing(stack: Stack, places: dict[str, Place], *, resolver: str, open_hosts: bool) -> Routing:
    names = _variable_names([path for path, route in stack.routes.items() if route.strip_prefix])
    proxies: list[Proxy] = []
    files: list[Files] = []
    for path in sorted(stack.routes, key=lambda path: (-len(path), path)):
        route = stack.routes[path]
        service = stack.services[route.to]
        if service.source == "static":
            files.append(_files(path, route.to))
        else:
            opens = route.websocket or (open_hosts and service.host is not None)
            proxies.append(_proxy(path, route, places[route.to], opens, names.get(path, "")))
    streams = [
        _proxy(path, route, places[route.to], False, "")
        for path, route in fallback.brought(stack).items()
    ]
    return Routing(
        upstreams=_upstreams(proxies, places),
        strips=tuple(proxy.strip for proxy in proxies if proxy.strip),
        sockets=tuple(proxy for proxy in proxies if proxy.upgrades),
        streams=tuple(streams),
        proxies=tuple(proxy for proxy in proxies if not proxy.upgrades),
        files=tuple(files),
        unrouted=() if "/" in stack.routes else _first(sorted(stack.routes)),
        resolvers=(resolver,) if any(places[p.service].moves for p in proxies) else (),
    )


def _first(paths: list[str], most: int = 2000) -> tuple[str, ...]:
    """Return as many paths as an answer can hold (Nginx: 4,096 bytes), and how many follow."""
    count = length = 0
    for path in paths:
        length += len(path.encode()) + 1
        if length > most:
            break
        count += 1
    rest = len(paths) - count
    return (*paths[:count], *([f"and {rest} more"] if rest else []))


def _upstreams(proxies: list[Proxy], places: dict[str, Place]) -> tuple[Upstream, ...]:
    used = {proxy.service: places[proxy.service] for proxy in proxies}
    return tuple(
        Upstream(place.group, place.address, place.moves)
        for _, place in sorted(used.items())
        if place.group
    )


def _proxy(path: str, route: Route, place: Place, upgrades: bool, variable: str) -> Proxy:
    path, prefix = _split(path)
    strip = _strip(path, variable) if variable and path else None
    return Proxy(
        path=path,
        prefix=prefix,
        service=route.to,
        connect_to=place.connect_to,
        address=place.address,
        advice=place.advice,
        idle=nginx_time(route.idle_timeout or (WEBSOCKET_IDLE if upgrades else PLAIN_IDLE)),
        upgrades=upgrades,
        target=strip.target if strip else "request_uri",
        strip=strip,
        forwarded_prefix=quote(path, safe=_PATH_SAFE) if strip else "",
    )


def _files(path: str, service: str) -> Files:
    path, prefix = _split(path)
    return Files(
        path, prefix, service, f"{static_folder(service)}/", quote(prefix, safe=_PATH_SAFE)
    )


def _split(path: str) -> tuple[str, str]:
    """Return ``/api`` and ``/api/`` for either spelling, an empty path and ``/`` for the root."""
    if not path.startswith("/"):
        # Nginx would read "= /x", "~ x" or "@x" as another kind of location.
        raise ConfigError(f"stack.yaml: routes: {path!r} does not start with /", f"write /{path}")
    path = path.rstrip("/")
    return path, f"{path}/"


def _variable_names(paths: list[str]) -> dict[str, str]:
    """Return each path with a variable name of its own: ``/api/v2`` → ``api_v2``."""
    slugs = {path: _slug(path) for path in sorted(paths)}
    alike: dict[str, list[str]] = {}
    for path, slug in slugs.items():
        alike.setdefault(slug, []).append(path)
    # A double underscore is in no slug, so a numbered name cannot meet another one.
    return {
        path: slug if len(alike[slug]) == 1 else f"{slug}__{alike[slug].index(path) + 1}"
        for path, slug in slugs.items()
    }


def _slug(path: str) -> str:
    # PCRE allows 32 characters for a name, some of which are for a number and for a suffix.
    return re.sub(r"[^a-z0-9]+", "_", path.lower()).strip("_")[:20].rstrip("_") or "path"


def _strip(path: str, name: str) -> Strip:
    """Cut the prefix from the raw target: ``a%2Fb?x=1`` stays as the browser sent it.

    Many slashes count as one, as they do for Nginx's own matching: the service must never see
    ``//evil.example``, which browsers treat as another host in a redirect.
    """
    pattern = f"^{_raw_pattern(path)}(?:/+|(?=[?])|$)(?<rest_{name}>.*)$"
    return Strip(pattern, f"target_{name}", f"rest_{name}")


def _raw_pattern(path: str) -> str:
    """Return a PCRE for all usual spellings of a path: raw, and percent-encoded byte by byte."""
    return "".join(_raw_character(character) for character in path)


def _raw_character(character: str) -> str:
    if character == "/":
        return "/+"
    if character in _UNRESERVED:
        return "[.]" if character == "." else character
    encoded = "".join(f"%{_either_case(f'{byte:02X}')}" for byte in character.encode())
    escaped = f"\\{character}" if character in "^]\\" else f"[{character}]"
    raw = escaped if character.isascii() else character
    return f"(?:{raw}|{encoded})"


def _either_case(digits: str) -> str:
    return "".join(f"[{d}{d.lower()}]" if d.isalpha() else d for d in digits)


def nginx_time(seconds: float) -> str:
    """Write seconds as Nginx time, in the largest unit that fits: ``1h``, ``90s``, ``500ms``.

    https://nginx.org/en/docs/syntax.html
    """
    whole = round(seconds * 1000)
    for unit, size in _UNITS:
        if whole % (size * 1000) == 0:
            return f"{whole // (size * 1000)}{unit}"
    return f"{whole}ms"
