"""An Nginx configuration as a tree of directives, includes already in place. Pure values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stack.finding import Place


@dataclass(frozen=True)
class Directive:
    """One directive; ``block`` is None if it ends with a semicolon.

    ``args`` are without their quotes, and an ``if`` is without its parentheses. ``context`` names
    the blocks around it from the outside in: ``("http", "server")``.
    """

    name: str
    args: tuple[str, ...]
    place: Place
    block: tuple["Directive", ...] | None = None
    context: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """A file with all that it includes.

    ``sources`` holds the lines of each file read. ``missing`` are the ``include`` directives whose
    files were not found here; they stay in the tree, because their content is unknown.
    """

    file: str
    directives: tuple[Directive, ...]
    sources: Mapping[str, tuple[str, ...]]
    missing: tuple[Directive, ...] = ()


def walk(directives: tuple[Directive, ...]) -> Iterator[Directive]:
    """Return every directive, a block before what it holds."""
    for directive in directives:
        yield directive
        yield from walk(directive.block or ())
