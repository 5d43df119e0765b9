"""File and environment → Stack. Reports every problem at once, with its place; writes nothing."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stack.config import document, presets
from stack.config.document import Document, Mark, Problem, dotted
from stack.config.model import Ready, Stack
from stack.config.shape import shape_problems, shown
from stack.config.syntax import EXAMPLE
from stack.config.validate import RULES, Complaint, validate_needs
from stack.errors import ConfigError
from stack.hint import one_line
from stack.layout.routing import resolver_complaints
from stack.project.folders import folder_complaints
from stack.project.variables import variable_complaints
from stack.reading import read_text

MAX_BYTES = 1 << 19
MAX_NAME = 63  # characters


def load(path: Path, environ: Mapping[str, str]) -> Stack:
    """Read, interpolate and check one stack.yaml.

    Raises ConfigError whose message has a line ``file:line:column: what`` for each problem.
    """
    content = document.read(_read_text(path), environ, _is_verbatim)
    problems = content.problems
    if content.is_whole and isinstance(content.value, dict):
        content.value.setdefault("name", name_of(path.absolute().parent.resolve()))
        problems += _without_echoes(shape_problems(content), problems)
        stack = _parsed(content.value, problems)
        if stack:
            found = (_located(content, complaint) for complaint in _complaints(stack, path))
            problems += _without_echoes(found, problems)
    elif not problems:
        raise _not_a_mapping(path, content.value)
    if problems or stack is None:
        raise _error(path, problems)
    whole = _with_defaults(stack)
    # What realtime needs by default can close a circle that was none before.
    if circles := [_located(content, found) for found in validate_needs(whole)]:
        raise _error(path, circles)
    late = (*resolver_complaints(whole), *variable_complaints(whole, path.parent, environ))
    if refused := [_located(content, found) for found in late]:
        raise _error(path, refused)
    return whole


def _is_verbatim(path: document.Path) -> bool:
    """Whether this is an environment value or a build argument, which is text whatever it holds."""
    return path[:1] == ("services",) and path[2:-1] in {("env",), ("build", "args")}


def _read_text(path: Path) -> str:
    try:
        path.lstat()
    except FileNotFoundError:
        raise ConfigError(
            one_line(f"{path.name}: not found in {path.parent.absolute()}"), "stack init"
        ) from None
    except (OSError, ValueError):  # said better by whoever opens it
        pass
    return read_text(path, MAX_BYTES, path.name)


def name_of(folder: Path) -> str:
    """Give the default name of a project: its folder's name, as Docker takes names.

    Where letters had to be changed, two folders could get one name, so a digest of the whole path
    is appended.
    """
    plain = re.sub(r"[^a-z0-9_]+", "-", folder.name.lower())
    plain = re.sub(r"[_-]{2,}", "-", plain).strip("-_")[:MAX_NAME].rstrip("-_")
    if plain == folder.name:
        return plain
    digest = hashlib.sha256(str(folder).encode(errors="surrogateescape")).hexdigest()[:6]
    return f"{plain[: MAX_NAME - 7].rstrip('-_') or 'stack'}-{digest}"


def _not_a_mapping(path: Path, value: document.Value) -> ConfigError:
    if value is None:
        hint = "stack init --force writes a commented starter"
        return ConfigError(f"{path.name}: is empty", hint)
    return ConfigError(
        f"{path.name}:1:1: must be a mapping of keys, not {shown(value)}",
        f"it needs at least services: and routes:, as in: {EXAMPLE}",
    )


def _parsed(value: dict[str, Any], problems: list[Problem]) -> Stack | None:
    """Read the value without its faulty parts, so that the rules are told in the same go."""
    paths = [problem.path for problem in problems]
    try:
        return Stack.model_validate({"name": "stack", **_without(value, paths)})
    except ValidationError:
        return None


def _without(value: Any, paths: Collection[document.Path]) -> Any:
    """Copy a value without what stands at ``paths``."""
    below = {
        path[0]: [rest[1:] for rest in paths if rest[:1] == path[:1]] for path in paths if path
    }
    items = value.items() if isinstance(value, dict) else enumerate(value)
    kept = {
        key: _without(item, below[key]) if isinstance(item, dict | list) and key in below else item
        for key, item in items
        if () not in below.get(key, ())
    }
    return kept if isinstance(value, dict) else list(kept.values())


def _without_echoes(found: Iterable[Problem], known: list[Problem]) -> list[Problem]:
    """Leave out what only follows from a problem that is known, and what is said twice."""
    causes = [problem.path for problem in known if problem.path]
    return [
        problem
        for problem in dict.fromkeys(found)
        if not any(_is_near(problem.path, cause) for cause in causes)
    ]


def _is_near(path: document.Path, cause: document.Path) -> bool:
    """Whether ``path`` is about the same service or route as ``cause``, or about its inside."""
    around = cause[:2] if cause[0] in {"services", "routes"} else cause[:1]
    return path[: len(around)] == around


def _complaints(stack: Stack, path: Path) -> Iterator[Complaint]:
    for rule in RULES:
        yield from rule(stack)
    yield from folder_complaints(stack, path.parent)


def _located(content: Document, complaint: Complaint) -> Problem:
    text = f"{dotted(complaint.path)}: {complaint.text}"
    return Problem(text, content.mark(complaint.path), complaint.hint, complaint.path)


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
    """Write out what a preset implies: its port, and that realtime uses Redis and Postgres."""
    services = {}
    stores = [name for name, other in stack.services.items() if _is_store(other.preset)]
    for name, service in stack.services.items():
        changes: dict[str, object] = {}
        if service.preset and service.port is None:
            changes["port"] = presets.PRESETS[service.preset].port
        if service.preset == "realtime" and "needs" not in service.model_fields_set:
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
    return preset is not None and presets.PRESETS[preset].is_internal
