"""What Nginx makes of a tree: what is inherited, which location wins, which routes are sockets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from stack.diagnose.nginx_tree import Config, Directive

# Blocks whose directives hold for a request; all others hold data or stand alone.
LEVELS = {"http", "server", "location", "if", "limit_except"}


@dataclass(frozen=True, eq=False)
class Scope:
    """A block (or the file itself, without a directive) and the blocks around it."""

    directive: Directive | None
    block: tuple[Directive, ...]
    parent: "Scope | None" = None

    @property
    def kind(self) -> str:
        """The block's name; ``main`` for the file itself."""
        return self.directive.name if self.directive else "main"

    @property
    def args(self) -> tuple[str, ...]:
        """What stands between the block's name and its brace."""
        return self.directive.args if self.directive else ()

    @cached_property
    def children(self) -> tuple["Scope", ...]:
        """The blocks inside that hold for requests."""
        return tuple(
            Scope(found, found.block or (), self)
            for found in self.block
            if found.block is not None and found.name in LEVELS
        )

    @cached_property
    def ancestors(self) -> tuple["Scope", ...]:
        """The blocks around, from the inside out; the last is the file itself."""
        return (self.parent, *self.parent.ancestors) if self.parent else ()

    def walk(self) -> Iterator["Scope"]:
        """Give this block and all inside it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def own(self, name: str) -> tuple[Directive, ...]:
        """Give the directives of that name that stand in this very block."""
        return tuple(found for found in self.block if found.name == name)

    def source(self, name: str) -> "Scope | None":
        """Give the innermost block that has the directive: all outer ones are replaced by it."""
        return next((scope for scope in (self, *self.ancestors) if scope.own(name)), None)

    def effective(self, name: str) -> tuple[Directive, ...]:
        """Give what holds here; an array directive is replaced as a whole by a lower level."""
        source = self.source(name)
        return source.own(name) if source else ()

    def one(self, name: str) -> Directive | None:
        """Give the directive that holds here, of those that can stand only once."""
        found = self.effective(name)
        return found[-1] if found else None

    def header(self, name: str) -> Directive | None:
        """Give the ``proxy_set_header`` for a field; names compare without case."""
        found = [d for d in self.effective("proxy_set_header") if is_field(d, name)]
        return found[-1] if found else None

    @cached_property
    def server(self) -> "Scope | None":
        """The ``server`` around, or None in a snippet."""
        return next((s for s in (self, *self.ancestors) if s.kind == "server"), None)

    @cached_property
    def location(self) -> "Scope | None":
        """The innermost ``location`` around: an ``if`` answers for its location's path."""
        return next((s for s in (self, *self.ancestors) if s.kind == "location"), None)

    @property
    def path(self) -> str:
        """The location's path or pattern; empty outside of one and for a named location."""
        if self.location is None or not self.location.args:
            return ""
        last = self.location.args[-1]
        return "" if last.startswith("@") else re.sub(r"^(?:=|\^~|~\*?)(?=.)", "", last)

    @property
    def modifier(self) -> str:
        """``=``, ``^~``, ``~``, ``~*`` or nothing."""
        args = self.location.args if self.location else ()
        if len(args) > 1:
            return args[0]
        glued = re.match(r"(?:=|\^~|~\*?)(?=.)", args[0]) if args else None
        return glued[0] if glued else ""

    @property
    def has_unknown(self) -> bool:
        """Whether this block or one around includes a file that is not here to be read."""
        return any(scope.own("include") for scope in (self, *self.ancestors))


def is_field(directive: Directive, name: str) -> bool:
    """Tell whether a ``proxy_set_header`` (or the like) is about that header field."""
    return bool(directive.args) and directive.args[0].lower() == name.lower()


def value(directive: Directive | None) -> str:
    """Give the last argument: the value of ``name value`` and of ``name field value``."""
    return directive.args[-1] if directive and directive.args else ""


def root(config: Config) -> Scope:
    """Give the file itself as a scope."""
    return Scope(None, config.directives)


def matches(location: Scope, path: str) -> bool:
    """Tell whether a location's own pattern matches a path; a bad regex matches nothing."""
    if not location.path:
        return False
    if location.modifier == "=":
        return location.path == path
    if location.modifier.startswith("~"):
        flags = re.IGNORECASE if location.modifier == "~*" else 0
        try:
            # PCRE and Python agree on what locations use, but for \z and possessive groups.
            return re.search(location.path.replace("(?<", "(?P<"), path, flags) is not None
        except re.error:
            return False
    return path.startswith(location.path)


def winner(server: Scope, path: str) -> Scope | None:
    """Give the location that answers a path: exact, then ``^~``, regex in order, longest prefix."""
    inside = [child for child in server.children if child.kind == "location"]
    found = [child for child in inside if matches(child, path)]
    exact = next((child for child in found if child.modifier == "="), None)
    if exact:
        return exact
    prefixes = [child for child in found if child.modifier in ("", "^~")]
    longest = max(prefixes, key=lambda child: len(child.path), default=None)
    nested = winner(longest, path) if longest else None
    if nested and nested.modifier.startswith("~"):
        return nested
    if longest is None or longest.modifier != "^~":
        regex = next((child for child in found if child.modifier.startswith("~")), None)
        if regex:
            return winner(regex, path) or regex
    return nested or longest
