"""Removes what a project has on its engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stack.lifecycle import anonymous
from stack.lifecycle.carry_out import OnResult, carry_out
from stack.lifecycle.checks import running_of
from stack.lifecycle.outcome import Outcome
from stack.lifecycle.plan import plan_down

if TYPE_CHECKING:
    from stack.engines.docker.engine import DockerEngine
    from stack.engines.running import Running
    from stack.project.state import State


@dataclass(frozen=True)
class Kept:
    """The volumes that stay.

    ``own`` and ``anonymous`` are the project's, ``lent`` those of others. The next ``up`` does not
    know those that are ``lost``: there is no folder to record them in.
    """

    own: tuple[str, ...] = ()
    anonymous: tuple[str, ...] = ()
    lent: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def look(engine: DockerEngine, state: State) -> Running:
    """Return what there is to remove. Raises StackError if the name belongs to another owner."""
    return anonymous.with_left(running_of(engine), engine, state)


def down(
    running: Running, engine: DockerEngine, state: State, on_result: OnResult, *, volumes: bool
) -> tuple[Outcome, Kept]:
    """Remove what ``look`` found; return the results, and what stays."""
    begun = time.monotonic()
    # First: if this is interrupted, the next command knows all of them.
    lost = anonymous.keep_if_possible(state, running.anonymous)
    outcome = Outcome(engine.project, plan_down(running, volumes=volumes))
    carry_out(outcome.plan, engine.apply, lambda: None, outcome, on_result)
    if volumes and not outcome.failures:
        anonymous.forget(state)
    outcome.seconds = time.monotonic() - begun
    return outcome, _kept(running, lost, volumes=volumes)


def _kept(running: Running, lost: frozenset[str], *, volumes: bool) -> Kept:
    lent = tuple(sorted(running.lent))
    if volumes:
        return Kept(lent=lent)
    known = tuple(name for name in running.anonymous_names if name not in lost)
    return Kept(tuple(running.own_volumes), known, lent, tuple(sorted(lost)))
