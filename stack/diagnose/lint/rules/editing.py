"""Edits of an Nginx file: whole lines, and none where a line cannot be understood. Pure."""

import re

from stack.diagnose.nginx.site import Site
from stack.diagnose.nginx.tree import Config, Directive
from stack.finding import Edit

MAP = ("map $http_upgrade $connection_upgrade {", "    default upgrade;", "    ''      close;", "}")

LONGEST = 2000  # characters; each edit contains its whole new line


def replace(config: Config, old: Directive, new: str, *, is_safe: bool = False) -> tuple[Edit, ...]:
    """Put ``new`` (with its semicolon) where a simple directive stands on one line."""
    line = _line(config, old)
    pattern = re.compile(rf"(?<![^\s{{;]){re.escape(old.name)}\s[^;#]*;")
    found = list(pattern.finditer(line))
    if len(found) != 1 or "#" in line[: found[0].start()]:
        return ()
    changed = line[: found[0].start()] + new + line[found[0].end() :]
    return (Edit(old.place.file, old.place.line, old.place.line, (changed,), is_safe),)


def insert(config: Config, before: Directive, *new: str, is_safe: bool = False) -> tuple[Edit, ...]:
    """Put directives before another one, with its indentation."""
    line, place = _line(config, before), before.place
    indent = line[: len(line) - len(line.lstrip())]
    if line.lstrip().startswith(before.name):
        lines = tuple(indent + text for text in new)
        return (Edit(place.file, place.line, place.line - 1, lines, is_safe),)
    found = list(re.finditer(rf"(?<=[\s{{;]){re.escape(before.name)}\s", line))
    if len(found) != 1 or "#" in line[: found[0].start()]:
        return ()
    start = found[0].start()
    changed = line[:start] + "".join(f"{text} " for text in new) + line[start:]
    return (Edit(place.file, place.line, place.line, (changed,), is_safe),)


def remove(config: Config, old: Directive, *, is_safe: bool = False) -> tuple[Edit, ...]:
    """Remove a simple directive; its line is removed only if nothing else is on it."""
    edits = replace(config, old, "", is_safe=is_safe)
    if edits and not edits[0].lines[0].partition("#")[0].strip():
        return (Edit(edits[0].file, edits[0].first, edits[0].last, (), is_safe),)
    return edits


def insert_map(site: Site) -> tuple[Edit, ...]:
    """Add the map that Nginx's documentation gives, before the first virtual host."""
    first = site.http and next((d for d in site.http.block if d.name == "server"), None)
    return insert(site.config, first, *MAP, "", is_safe=True) if first else ()


def _line(config: Config, directive: Directive) -> str:
    """Return the line of a directive; nothing for a generated one, such as a file in one line."""
    lines = config.sources.get(directive.place.file, ())
    line = lines[directive.place.line - 1] if directive.place.line <= len(lines) else ""
    return line if len(line) <= LONGEST else ""
