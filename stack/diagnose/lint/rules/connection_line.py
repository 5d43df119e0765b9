"""Chooses the value of Connection: the map's variable, the constant, or a map to be added.

The constant suits a location for sockets only; elsewhere it would break other requests.
"""

import re
from dataclasses import dataclass

from stack.diagnose.lint.rules.editing import insert_map
from stack.diagnose.nginx.site import Route, Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Edit

KEYWORDS = {"default", "hostnames", "include", "volatile"}


@dataclass(frozen=True)
class Connection:
    """The line to write and the edits that it needs elsewhere; ``line`` is empty if unknown."""

    line: str
    edits: tuple[Edit, ...] = ()


def connection(site: Site, route: Route, beside: Directive) -> Connection:
    """Choose the Connection header to write at a directive; a shared level is never for sockets."""
    for name, table in site.maps.items():
        if table.args[0] == "$http_upgrade" and looked_up(table, "websocket") == "upgrade":
            return Connection(f"proxy_set_header Connection ${name};")
    is_own = beside in route.scope.block
    if is_own and (route.is_dedicated or route.is_suspect):
        return Connection('proxy_set_header Connection "upgrade";')
    edits = insert_map(site) if "connection_upgrade" not in site.maps else ()
    return Connection("proxy_set_header Connection $connection_upgrade;" if edits else "", edits)


def looked_up(table: Directive, key: str) -> str | None:
    """Return what a map makes of a value, in lower case; None if this cannot be known."""
    entries = [d for d in table.block or () if d.name not in KEYWORDS]
    if any(d.name == "include" for d in table.block or ()):
        return None
    exact = [d for d in entries if not d.name.startswith("~") and d.name.lower() == key]
    patterns = [d for d in entries if d.name.startswith("~") and _fits(d.name, key)]
    default = [d for d in table.block or () if d.name == "default"]
    chosen = next(iter([*exact, *patterns, *default]), None)
    return (chosen.args[0] if chosen.args else "").lower() if chosen else ""


def _fits(pattern: str, key: str) -> bool:
    flags = re.IGNORECASE if pattern.startswith("~*") else 0
    try:
        return re.search(pattern.lstrip("~*"), key, flags) is not None
    except re.error:
        return False
