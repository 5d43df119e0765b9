"""Remembers the anonymous volumes that containers leave, for the next containers.

An engine has no other way to tell whose such a volume was. An entry that was written by hand does
not cause the removal of a named volume.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, replace

from stack.engines.docker.engine import DockerEngine
from stack.engines.running import ANONYMOUS, AnonymousVolume, Running
from stack.engines.steps import Plan, RemoveContainer
from stack.errors import StackError
from stack.project.state import State

_KEY = "nameless"  # of State.recall, as files that exist have it


def with_left(running: Running, engine: DockerEngine, state: State) -> Running:
    """Add to what was seen the volumes that former containers left, as far as they exist."""
    used = {one.volume for one in running.anonymous}
    left = [one for one in remembered(state) if one.volume not in used]
    there = engine.existing({one.volume for one in left})
    return replace(running, left=tuple(one for one in left if one.volume in there))


def leaving(plan: Plan) -> Iterator[AnonymousVolume]:
    """Return what the containers leave that a plan removes."""
    for step in plan.steps:
        if isinstance(step, RemoveContainer):
            yield from step.seen.leaves


def keep(state: State, left: Iterable[AnonymousVolume]) -> None:
    """Record what containers leave, before they are removed.

    Raises StackError if nothing can be written.
    """
    known = remembered(state)
    more = [one for one in left if one not in known]
    if more:
        state.remember(_KEY, json.dumps([astuple(one) for one in (*known, *more)]))


def keep_if_possible(state: State, left: Iterable[AnonymousVolume]) -> frozenset[str]:
    """Record what stays after the project is gone; return the volumes that could not be recorded.

    This creates no folder: a user who deleted the project's folder may not want a new one.
    """
    left = tuple(left)
    with contextlib.suppress(StackError):
        state.check()
        if state.root.is_dir():
            keep(state, left)
    return frozenset(one.volume for one in left) - {one.volume for one in remembered(state)}


def forget(state: State) -> None:
    """Remember none: all of them were removed."""
    if remembered(state):
        state.remember(_KEY, "")


def remembered(state: State) -> tuple[AnonymousVolume, ...]:
    """Return what was recorded, the oldest first; nothing of what cannot be read."""
    with contextlib.suppress(ValueError, TypeError):
        return tuple(_read(json.loads(state.recall(_KEY) or "[]")))
    return ()


def _read(rows: Iterable[tuple[str, int, str, str]]) -> Iterator[AnonymousVolume]:
    for service, number, place, volume in rows:
        if ANONYMOUS.fullmatch(volume):
            yield AnonymousVolume(str(service), int(number), str(place), volume)
