"""Which project a command is about: by its stack file, or by what runs where that cannot be read.

Whatever became of a stack.yaml, what was started from it can be seen and stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stack.engines.docker.opening import open_engine, stacks
from stack.engines.running import Running, Standing
from stack.errors import ConfigError, EngineError, StackError
from stack.hint import quoted
from stack.layout.labels import Owner
from stack.layout.names import plain_name
from stack.lifecycle.adopt import adopted
from stack.lifecycle.ownership import stop_command
from stack.project.state import State, folder_of
from stack.reading import read_text

if TYPE_CHECKING:
    from stack.engines.base import Say
    from stack.engines.docker.engine import DockerEngine
    from stack.project.project import Project

MAX_BYTES = 1 << 19  # of a stack file
Stacks = Callable[[], Sequence[Standing]]


@dataclass(frozen=True)
class Located:
    """The project that is meant. Without a ``project``, ``problem`` says why it cannot be read.

    ``unread`` is the stack file where nothing but its name was looked at, and the variables for it.
    """

    owner: Owner
    project: Project | None = None
    problem: StackError | None = None
    unread: tuple[Path, Mapping[str, str]] | None = None


def locate(file: Path, environ: Mapping[str, str], name: str, stacks: Stacks) -> Located:
    """Find the project of a stack file, or the one called ``name``, whatever folder it is of.

    ``stacks`` lists what this machine's engine has. Raises the problem of the stack file where
    nothing runs that was made from it, ConfigError for a name that no stack has.
    """
    if name:
        return Located(_only([one for one in stacks() if one.owner.project == name], name))
    from stack.project.project import open_project  # with all of pydantic

    try:
        project = open_project(file, environ)
    except StackError as problem:
        made = _made_anyway(file, stacks)
        if not made:
            raise
        return Located(_only(made, file.name), problem=problem)
    return Located(project.owner, project)


def made_from(file: Path, stacks: Sequence[Standing]) -> list[Standing]:
    """Return the stacks that were made from a stack file, under whichever names."""
    place = str(folder_of(file)), file.name
    return [one for one in stacks if (one.owner.folder, one.owner.file) == place]


def _made_anyway(file: Path, stacks: Stacks) -> list[Standing]:
    """Return what was made from a file that cannot be read; nothing where no engine answers."""
    try:
        return made_from(file, stacks())
    except EngineError:
        return []


def _only(found: Sequence[Standing], what: str) -> Owner:
    if not found:
        raise ConfigError(f"{what}: this machine has no stack of that name", "stack list")
    if len(found) > 1:
        names = sorted(one.owner.project for one in found)
        if len(set(names)) == 1:
            folders = ", ".join(one.owner.folder for one in found)
            step = stop_command(found[0].owner)
            raise ConfigError(f"{what}: stacks of several folders have that name: {folders}", step)
        raise ConfigError(
            f"{what}: several stacks were made from it: {', '.join(names)}",
            f"say which: --project {quoted(names[0])}",
        )
    return found[0].owner


def find(file: Path, environ: Mapping[str, str], name: str = "") -> Located:
    """Find the project of a stack file, or the one called ``name``."""
    return locate(file, environ, name, stacks)


def find_running(file: Path, environ: Mapping[str, str], name: str = "") -> Located:
    """Find the project as ``find`` does, for a command about what runs.

    The stack file is not read if its text plainly states a name under which containers exist.
    """
    stated = None if name else _stated(file, environ)
    if stated and any(one.owner == stated.owner and one.containers for one in stacks()):
        return stated
    return find(file, environ, name)


def candidates(file: Path, environ: Mapping[str, str], name: str = "") -> Iterator[Located]:
    """Yield the project whose name the stack file plainly states, then the one that ``find`` finds.

    For a command that has to lock a project before it asks the engine: it takes the second one
    only if nothing of the first one exists. The stack file is read for the second one.
    """
    if not name and (stated := _stated(file, environ)):
        yield stated
    yield find(file, environ, name)


def read_if_missing(located: Located, running: Running, services: Collection[str]) -> Located:
    """Read a stack file that was not read, if what runs does not have all these services."""
    if located.unread and not all(running.of(name) for name in services):
        return find(*located.unread)
    return located


def _stated(file: Path, environ: Mapping[str, str]) -> Located | None:
    try:
        name = plain_name(read_text(file, MAX_BYTES, file.name), folder_of(file))
    except StackError:
        return None
    owner = Owner(name, str(folder_of(file)), file.name)
    return Located(owner, unread=(file, environ)) if name else None


def former_of(located: Located) -> list[Standing]:
    """Return what still runs of the stack file under names that it no longer has."""
    owner = located.owner
    if not (located.project or located.unread) or not owner.file:
        return []
    made = made_from(Path(owner.folder) / owner.file, stacks())
    return [one for one in made if one.owner.project != owner.project and one.containers]


def connect(owner: Owner, say: Say, *, mirror: str | None = None) -> DockerEngine:
    """Open the engine for a project; ``mirror`` is as in its stack.yaml."""
    state = State(Path(owner.folder), owner.project)
    return open_engine(owner, lambda: adopted(state), say, mirror=mirror)


def connect_if_any(owner: Owner) -> DockerEngine | None:
    """Open the engine for a project, for what can do without one."""
    try:
        return connect(owner, lambda _: None)
    except EngineError:
        return None
