"""What a configuration has for one path that can cause Nginx's own 500 or 503. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from stack.diagnose.nginx.scope import Scope
from stack.diagnose.nginx.site import Site
from stack.diagnose.nginx.tree import Directive

_LOOPS = ("rewrite", "try_files", "error_page")
_WORKER = ("worker_connections", "worker_rlimit_nofile")


@dataclass(frozen=True)
class Written:
    """Directives that apply to a path, by name; ``is_whole`` if all of the file could be read."""

    directives: tuple[Directive, ...]
    is_whole: bool

    def has(self, *names: str) -> bool:
        """Whether one of these directives applies."""
        return any(directive.name in names for directive in self.directives)

    def lacks(self, *names: str) -> bool:
        """Whether none of these can apply, because everything was read."""
        return self.is_whole and not self.has(*names)

    def quote(self, *names: str) -> str:
        """Return these directives as they are in the file, with their places."""
        found = [d for d in self.directives if d.name in names]
        return ", ".join(f"{' '.join((d.name, *d.args))} ({d.place})" for d in found)


def written(site: Site) -> Written:
    """Read what applies to the routes that the user named."""
    scopes = [scope for _, scope in site.named]
    found = [directive for scope in scopes for directive in _of(scope)]
    found += [directive for directive in site.directives if directive.name in _WORKER]
    is_whole = bool(scopes) and site.http is not None and not site.config.missing
    return Written(tuple(dict.fromkeys(found)), is_whole)


def _of(scope: Scope) -> Iterator[Directive]:
    auth = scope.one("auth_request")
    if auth and auth.args != ("off",):
        yield auth
    for name in ("limit_conn", "limit_req"):
        yield from scope.effective(name)
    blocks = [scope, *scope.ancestors]
    blocks += [child for block in blocks[:2] for child in block.children if child.kind == "if"]
    for block in blocks:
        for name in ("return", *_LOOPS):
            yield from block.own(name)
