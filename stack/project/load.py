"""File and environment → Stack. Reports every problem at once, with its place; writes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from stack.config import document, presets
from stack.config.document import Document, Mark, Problem, dotted
from stack.config.model import Ready, Stack
from stack.config.shape import read_shape, shown
from stack.config.syntax import EXAMPLE
from stack.config.validate import RULES, validate_needs
from stack.errors import ConfigError
from stack.hint import one_line
from stack.layout.names import name_of
from stack.layout.routing import resolver_problems
from stack.project.folders import folder_problems
from stack.project.variables import variable_problems
from stack.reading import read_text

MAX_BYTES = 1 << 19  # of a stack file


def load(path: Path, environ: Mapping[str, str]) -> Stack:
    """Read, interpolate and check one stack.yaml.

    Its shape is checked first, then whether its parts fit together, then what follows from them:
    each stage reports all that it finds, and runs only if the previous one found nothing. Raises
    ConfigError whose message has a line ``file:line:column: what`` for each problem.
    """
    content = document.read(_read_text(path), environ, _is_verbatim)
    stack, folder = _shaped(path, content), path.parent
    _check(path, content, [*_unfit(stack), *folder_problems(stack, folder)])
    whole = _with_defaults(stack)
    # What realtime needs by default can close a cycle that did not exist before.
    _check(path, content, validate_needs(whole))
    _check(path, content, [*resolver_problems(whole), *variable_problems(whole, folder, environ)])
    return whole


def _shaped(path: Path, content: Document) -> Stack:
    """Return the model of what was read."""
    problems = content.problems
    if content.is_whole and isinstance(content.value, dict):
        content.value.setdefault("name", name_of(path.absolute().parent.resolve()))
        stack, found = read_shape(content)
        unread = [problem.path for problem in problems if problem.path]
        problems = [*problems, *(one for one in found if not _is_at(one.path, unread))]
        if stack and not problems:
            return stack
    elif not problems:
        raise _not_a_mapping(path, content.value)
    raise _error(path, problems)


def _is_at(path: document.Path, places: Iterable[document.Path]) -> bool:
    """Whether a value is at one of the places, or inside it."""
    return any(path[: len(place)] == place for place in places)


def _unfit(stack: Stack) -> Iterator[Problem]:
    for rule in RULES:
        yield from rule(stack)


def _check(path: Path, content: Document, problems: Iterable[Problem]) -> None:
    """Raise ConfigError with every problem at its place, if there is one."""
    located = [
        replace(
            problem,
            text=f"{dotted(problem.path)}: {problem.text}",
            mark=content.mark(problem.path),
        )
        for problem in dict.fromkeys(problems)
    ]
    if located:
        raise _error(path, located)


def _is_verbatim(path: document.Path) -> bool:
    """Whether this is an environment value or a build argument, which is always text."""
    return path[:1] == ("services",) and path[2:-1] in {("env",), ("build", "args")}


def _read_text(path: Path) -> str:
    try:
        path.lstat()
    except FileNotFoundError:
        raise ConfigError(
            one_line(f"{path.name}: not found in {path.parent.absolute()}"), "stack init"
        ) from None
    except (OSError, ValueError):  # reported better when the file is opened
        pass
    return read_text(path, MAX_BYTES, path.name)


def _not_a_mapping(path: Path, value: document.Value) -> ConfigError:
    if value is None:
        hint = "stack init --force writes a commented starter"
        return ConfigError(f"{path.name}: is empty", hint)
    return ConfigError(
        f"{path.name}:1:1: must be a mapping of keys, not {shown(value)}",
        f"it needs at least services: and routes:, as in: {EXAMPLE}",
    )


def _error(path: Path, problems: Iterable[Problem]) -> ConfigError:
    ordered = sorted(problems, key=lambda problem: _order(problem.mark))
    name = one_line(path.name)
    lines = [f"{name}{_place(problem.mark)}: {one_line(problem.text)}" for problem in ordered]
    hints = dict.fromkeys(problem.hint for problem in ordered if problem.hint)
    return ConfigError("\n".join(dict.fromkeys(lines)), "\n".join(hints))


def _order(mark: Mark | None) -> tuple[int, int]:
    return (mark.line, mark.column) if mark else (0, 0)


def _place(mark: Mark | None) -> str:
    return f":{mark.line}:{mark.column}" if mark else ""


def _with_defaults(stack: Stack) -> Stack:
    """Add what a preset implies: its port, and that realtime uses Redis and Postgres."""
    services = {}
    stores = [name for name, other in stack.services.items() if _is_store(other.preset)]
    for name, service in stack.services.items():
        changes: dict[str, object] = {}
        if service.preset and service.port is None:
            changes["port"] = presets.PRESETS[service.preset].port
        preset = presets.of(service.preset)
        if preset and preset.uses_stores and "needs" not in service.model_fields_set:
            changes["needs"] = stores
        if service.source in {"image", "build"} and service.ready is None and service.port:
            changes["ready"] = Ready(tcp=service.port)
        services[name] = service.model_copy(update=changes)
    routes = {
        path: route.model_copy(
            update={"idle_timeout": route.idle_timeout or (3600.0 if route.websocket else 60.0)}
        )
        for path, route in stack.routes.items()
    }
    return stack.model_copy(update={"services": services, "routes": routes})


def _is_store(preset: str | None) -> bool:
    return preset is not None and presets.PRESETS[preset].is_store
