"""What Nginx makes of a tree: what is inherited, which location wins, which routes are sockets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from stack.diagnose.nginx.tree import Config, Directive

# Blocks whose directives apply to a request; all others hold data or stand alone.
LEVELS = {"http", "server", "location", "if", "limit_except"}


@dataclass(frozen=True, eq=False)
class Scope:
    """A block (or the file itself, without a directive) and the blocks around it."""

    directive: Directive | None
    block: tuple[Directive, ...]
    parent: "Scope | None" = None

    @cached_property
    def _by_name(self) -> dict[str, tuple[Directive, ...]]:
        found: dict[str, tuple[Directive, ...]] = {}
        for directive in self.block:
            if (
                directive.block is not None
            ):  # thousands of servers or locations are not in such a list
                continue
            found[directive.name] = (*found.get(directive.name, ()), directive)
        return found

    @cached_property
    def _fixed(self) -> dict[tuple[bool, str], "Scope"]:
        """The locations without a pattern, by whether they are exact and by their path."""
        found: dict[tuple[bool, str], Scope] = {}
        for child in self.children:
            if child.kind == "location" and child.path and not child.modifier.startswith("~"):
                found.setdefault((child.modifier == "=", child.path), child)
        return found

    @cached_property
    def conditions(self) -> tuple["Scope", ...]:
        """Each ``if`` inside."""
        return tuple(child for child in self.children if child.kind == "if")

    @cached_property
    def patterns(self) -> tuple["Scope", ...]:
        """The locations with a regular expression, in their order."""
        inside = (child for child in self.children if child.kind == "location")
        return tuple(child for child in inside if child.modifier.startswith("~"))

    def exact(self, path: str) -> "Scope | None":
        """Return the location with exactly this path (``=``)."""
        return self._fixed.get((True, path))

    def longest(self, path: str) -> "Scope | None":
        """Return the location with the longest prefix of this path."""
        lengths = range(len(path), 0, -1)
        fitting = (self._fixed.get((False, path[:length])) for length in lengths)
        return next((found for found in fitting if found), None)

    @property
    def kind(self) -> str:
        """The block's name; ``main`` for the file itself."""
        return self.directive.name if self.directive else "main"

    @property
    def args(self) -> tuple[str, ...]:
        """The arguments between the block's name and its brace."""
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
        """The blocks around it, from the inside out; the last is the file itself."""
        return (self.parent, *self.parent.ancestors) if self.parent else ()

    def walk(self) -> Iterator["Scope"]:
        """Return this block and all inside it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def own(self, name: str) -> tuple[Directive, ...]:
        """Return the simple directives of that name that are directly in this block."""
        return self._by_name.get(name, ())

    def source(self, name: str) -> "Scope | None":
        """Return the innermost block that has the directive: it replaces all outer ones."""
        if name not in self._sources:
            around = (self, *self.ancestors)
            self._sources[name] = next((scope for scope in around if scope.own(name)), None)
        return self._sources[name]

    @cached_property
    def _sources(self) -> dict[str, "Scope | None"]:
        """What ``source`` found: every rule asks each location for the same few."""
        return {}

    def effective(self, name: str) -> tuple[Directive, ...]:
        """Return what applies here; a lower level replaces an array directive as a whole."""
        source = self.source(name)
        return source.own(name) if source else ()

    def one(self, name: str) -> Directive | None:
        """Return the directive that applies here, of those that can occur only once."""
        found = self.effective(name)
        return found[-1] if found else None

    def header(self, name: str) -> Directive | None:
        """Return the ``proxy_set_header`` for a field; names compare without case."""
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

    @cached_property
    def path(self) -> str:
        """The location's path or pattern; empty outside of one and for a named location."""
        if self.location is None or not self.location.args:
            return ""
        last = self.location.args[-1]
        return "" if last.startswith("@") else re.sub(r"^(?:=|\^~|~\*?)(?=.)", "", last)

    @cached_property
    def modifier(self) -> str:
        """``=``, ``^~``, ``~``, ``~*`` or nothing."""
        args = self.location.args if self.location else ()
        if len(args) > 1:
            return args[0]
        glued = re.match(r"(?:=|\^~|~\*?)(?=.)", args[0]) if args else None
        return glued[0] if glued else ""

    @cached_property
    def has_unknown(self) -> bool:
        """Whether this block or one around it includes a file that is not here."""
        return any(scope.own("include") for scope in (self, *self.ancestors))


def is_field(directive: Directive, name: str) -> bool:
    """Whether a ``proxy_set_header`` (or the like) is about that header field."""
    return bool(directive.args) and directive.args[0].lower() == name.lower()


def value(directive: Directive | None) -> str:
    """Return the last argument: the value of ``name value`` and of ``name field value``."""
    return directive.args[-1] if directive and directive.args else ""


def port(listen: Directive) -> str:
    """Return the port of a ``listen`` that names one, else ""."""
    found = re.search(r"(?:^|:)(\d+)$", listen.args[0]) if listen.args else None
    return found[1] if found else ""


def root(config: Config) -> Scope:
    """Return the file itself as a scope."""
    return Scope(None, config.directives)


def matches(pattern: Scope, path: str) -> bool:
    """Whether a location's regular expression matches a path; an invalid one matches nothing."""
    flags = re.IGNORECASE if pattern.modifier == "~*" else 0
    return fits(pattern.path, path, flags)


def fits(pattern: str, text: str, flags: int = 0) -> bool:
    """Search like PCRE; Python agrees on what locations use, but names groups differently."""
    try:
        return re.search(re.sub(r"\(\?<(?![=!])", "(?P<", pattern), text, flags) is not None
    except re.error:
        return False


def winner(server: Scope, path: str) -> Scope | None:
    """Return the location for a path: exact, then ``^~``, regex in order, longest prefix."""
    exact = server.exact(path)
    if exact:
        return exact
    longest = server.longest(path)
    nested = winner(longest, path) if longest else None
    if nested and nested.modifier.startswith("~"):
        return nested
    if longest is None or longest.modifier != "^~":
        regex = next((found for found in server.patterns if matches(found, path)), None)
        if regex:
            return winner(regex, path) or regex
    return nested or longest
