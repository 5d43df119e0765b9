"""Removes what a project has on its engine."""

import time

from stack.engines.docker.engine import DockerEngine
from stack.lifecycle.carry_out import OnResult, carry_out
from stack.lifecycle.checks import (
    running_of,
)
from stack.lifecycle.outcome import Outcome
from stack.lifecycle.plan import plan_down


def down(engine: DockerEngine, on_result: OnResult, *, volumes: bool) -> Outcome:
    """Remove what the project has. Nothing else is touched."""
    begun = time.monotonic()
    running = running_of(engine)
    outcome = Outcome(engine.project, plan_down(running, volumes=volumes))
    carry_out(outcome.plan, engine.apply, lambda: None, outcome, on_result)
    outcome.seconds = time.monotonic() - begun
    return outcome
