"""What an Nginx configuration serves: virtual hosts, upstreams, maps and WebSocket routes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from stack.diagnose.nginx.scope import Scope, root, value, winner
from stack.diagnose.nginx.tree import Config, Directive, walk

# Socket paths of well-known libraries and frameworks; enough for an `info` only.
SUSPECT = re.compile(
    r"(?:^|/)(?:wss?|websockets?|sockets?|socket\.io|sockjs(?:-node)?|cable|hubs?|signalr"
    r"|(?:webpack-)?hmr)(?:/|\$|$)",
    re.IGNORECASE,
)
# Words that name a location, a host or an upstream for sockets alone, once it forwards Upgrade.
DEDICATED = re.compile(
    r"(?:^|[/._@?)-])(?:wss?|web-?sockets?|sockets?(?:\.io|io)?|sockjs|cable|hubs?|signalr|hmr|chat"
    r"|live|real-?time|push|notifications?|subscriptions?|streaming|mqtt|terminal|console|attach"
    r")(?:$|[/._$-]|\d)",
    re.IGNORECASE,
)
SCHEME = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>\[[^\]]*\]|[^/:]*)(?P<port>:[^/]*)?(?P<uri>/.*)?"
)


@dataclass(frozen=True)
class Options:
    """What the user adds to the file.

    ``nginx_version`` is None if it is not known; ``routes`` are paths that are WebSocket routes
    although the file does not say so.
    """

    nginx_version: tuple[int, int, int] | None = None
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Route:
    """A block that answers a request; ``proxy_pass`` is None if a named route has none.

    ``is_socket``: the file or the user says that it is a WebSocket route. ``is_suspect``: only its
    path says so. ``is_named``: the user named it.
    """

    scope: Scope
    proxy_pass: Directive | None
    is_socket: bool
    is_suspect: bool = False
    is_named: bool = False

    @property
    def target(self) -> str:
        """The argument of ``proxy_pass``, or nothing."""
        return value(self.proxy_pass)

    @property
    def host(self) -> str:
        """The target's host without its port: an upstream's name, a host name or an address."""
        match = SCHEME.match(self.target)
        return match["host"] if match else ""

    @property
    def uri(self) -> str:
        """The target's path; empty if the request's own path is passed on."""
        match = SCHEME.match(self.target)
        return (match["uri"] or "") if match else ""

    @property
    def is_dedicated(self) -> bool:
        """Whether probably only sockets are here, by a name of the path, target or host."""
        scope = self.scope
        if scope.kind == "if" or (self.is_named and scope.path != "/") or is_guarded(scope):
            return True
        hosts = scope.server.own("server_name") if scope.server else ()
        names = [
            arg for host in hosts for arg in host.args if re.match(r"ws|io\.|socket|realtime", arg)
        ]
        path = scope.location.args[-1] if scope.location and scope.location.args else ""
        return bool(names) or any(DEDICATED.search(text) for text in (path, self.host))


@dataclass(frozen=True, eq=False)
class Site:
    """One configuration as Nginx sees it."""

    config: Config
    options: Options

    @cached_property
    def root(self) -> Scope:
        """The file itself."""
        return root(self.config)

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """Every block that applies to requests, the file itself first."""
        return tuple(self.root.walk())

    @cached_property
    def http(self) -> Scope | None:
        """The ``http`` block; None in a snippet, whose surroundings are unknown."""
        return next((scope for scope in self.scopes if scope.kind == "http"), None)

    @cached_property
    def servers(self) -> tuple[Scope, ...]:
        """The virtual hosts; a file with only locations counts as one."""
        servers = tuple(scope for scope in self.scopes if scope.kind == "server")
        return servers or (self.root,)

    @cached_property
    def directives(self) -> tuple[Directive, ...]:
        """Every directive in reading order."""
        return tuple(walk(self.config.directives))

    @cached_property
    def version(self) -> tuple[int, int, int] | None:
        """The Nginx version that is judged: given by the user, or implied by the file."""
        if self.options.nginx_version:
            return self.options.nginx_version
        if any(d.name == "ssl" and d.args == ("on",) for d in self.directives):
            return (1, 25, 0)  # 1.25.1 refuses it
        if any(d.name == "keepalive" and "local" in d.args for d in self.directives):
            return (1, 29, 7)
        return None

    @cached_property
    def maps(self) -> dict[str, Directive]:
        """Maps by the variable that they define, without its dollar sign."""
        return {
            d.args[-1].lstrip("$"): d
            for d in self.directives
            if d.name == "map" and len(d.args) == 2 and d.block is not None
        }

    @cached_property
    def upstreams(self) -> dict[str, Directive]:
        """``upstream`` blocks by name."""
        return {
            d.args[0]: d for d in self.directives if d.name == "upstream" and d.args and d.block
        }

    @cached_property
    def formats(self) -> dict[str, str]:
        """The texts of ``log_format`` by name."""
        made = [d for d in self.directives if d.name == "log_format" and d.args]
        return {d.args[0]: " ".join(d.args[1:]) for d in made}

    @cached_property
    def listens(self) -> dict[str, set[str]]:
        """What is known of each address: servers that share one share its options."""
        said: dict[str, set[str]] = {}
        for listen in (d for server in self.servers for d in server.own("listen") if d.args):
            said.setdefault(listen.args[0], set()).update(listen.args[1:])
        return said

    @cached_property
    def homes(self) -> tuple[Scope, ...]:
        """The virtual hosts that have a WebSocket route."""
        return tuple(dict.fromkeys(r.scope.server for r in self.sockets if r.scope.server))

    @cached_property
    def known(self) -> frozenset[str]:
        """Names whose addresses Nginx has from its start: upstreams, and literal targets."""
        literal = {r.host for r in self.routes if "$" not in r.target}
        return frozenset(self.upstreams) | literal

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every block with a ``proxy_pass``, and those that a named route leads to."""
        return tuple(self._routes())

    @cached_property
    def sockets(self) -> tuple[Route, ...]:
        """The WebSocket routes that are proxied."""
        return tuple(r for r in self.routes if r.is_socket and r.proxy_pass)

    @cached_property
    def named(self) -> tuple[tuple[str, Scope], ...]:
        """The user's own routes with the location that wins in each virtual host."""
        found = ((path, winner(s, path)) for path in self.options.routes for s in self.servers)
        return tuple((path, scope) for path, scope in found if scope)

    def _routes(self) -> Iterator[Route]:
        named = {id(scope) for _, scope in self.named}
        for scope in self.scopes:
            passes = scope.own("proxy_pass")
            is_named = id(scope) in named
            if passes:
                says = is_named or (forwards(scope) and not self._is_subrequest(scope))
                suspect = not says and SUSPECT.search(scope.path) is not None
                yield Route(scope, passes[-1], says, suspect, is_named)
            elif is_named:
                yield Route(scope, None, is_socket=True, is_named=True)

    @cached_property
    def _led_to(self) -> tuple[str, ...]:
        """Where requests are led to inside of Nginx."""
        names = {"error_page", "rewrite", "try_files"}
        return tuple(arg for d in self.directives if d.name in names for arg in d.args[1:])

    def _is_subrequest(self, scope: Scope) -> bool:
        """Whether only `auth_request` and the like ask here: browsers do not."""
        location = scope.location
        if location is None or not location.own("internal"):
            return False
        return not any(target.startswith(location.args[-1]) for target in self._led_to)


def is_guarded(scope: Scope) -> bool:
    """Whether requests without Upgrade are refused: ``if ($http_upgrade != websocket)``."""
    return any(
        child.args[:1] == ("$http_upgrade",)
        and child.own("return")
        and child.args[1:2]
        and child.args[1].startswith("!")
        for level in (scope, *scope.ancestors)
        for child in level.conditions
    )


def forwards(scope: Scope) -> bool:
    """Whether a block's headers (or its condition) show that it is for WebSockets."""
    upgrade, connection = scope.header("Upgrade"), scope.header("Connection")
    if upgrade is not None:
        return value(upgrade) != ""
    if connection is not None and "upgrade" in value(connection).lower():
        return True
    around = (scope, *scope.ancestors)
    return any(s.kind == "if" and "$http_upgrade" in s.args for s in around)
