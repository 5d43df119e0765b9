"""Carries out steps that wait: with a time limit, and an eye on processes that end."""

import contextlib
import time
from collections.abc import Callable, Iterator

from stack.engines.base import Engine, Say
from stack.engines.docker.engine import DockerEngine
from stack.engines.steps import (
    AwaitReady,
    AwaitRoute,
    Key,
    Kind,
    PlaceConfig,
    Plan,
    Step,
    Verb,
)
from stack.layout.topology import NEXTAUTH_SECRET
from stack.lifecycle import ended, front
from stack.lifecycle.carry_out import OnResult, carry_out
from stack.lifecycle.outcome import Outcome, RouteCheck
from stack.lifecycle.run import Finished
from stack.project.project import Prepared, Project
from stack.project.token import mint
from stack.proof.ready import Ready, Watch
from stack.proof.route import await_route


def carry_out_watched(
    plan: Plan,
    project: Project,
    engine: DockerEngine,
    timeout: float,
    outcome: Outcome,
    on_result: OnResult,
    say: Say,
) -> None:
    """Carry out steps that wait: with a time limit, and an eye on processes that end."""
    assert outcome.prepared  # noqa: S101 - whoever waits knows what for
    watch = Watch(time.monotonic() + timeout, say=say)
    ready = ready_for(project, outcome.prepared, engine, watch)
    with _watching(engine, watch):
        perform = _performer(project, outcome.prepared, engine, ready, outcome)
        carry_out(plan, perform, watch.stop.set, outcome, on_result)
        _look_back(ready, project, outcome)


def _look_back(ready: Ready, project: Project, outcome: Outcome) -> None:
    """Check that what was started, and answered, did not end with an error meanwhile."""
    assert outcome.prepared  # noqa: S101 - whoever waits knows what for
    layout = outcome.prepared.topology
    ended.remember_done(ready, layout, project.state)
    if not outcome.failures:
        for name, error in ended.failures(ready, layout):
            outcome.results.append(
                Finished(Step(Key(Verb.WATCH, Kind.CONTAINER, name)), 0.0, 0.0, error)
            )


def ready_for(project: Project, prepared: Prepared, engine: Engine, watch: Watch) -> Ready:
    """Return what asks the project's services and routes."""
    secret = prepared.secrets[NEXTAUTH_SECRET]

    def token() -> str:
        """Open routes; empty before there is a secret to sign with."""
        return mint(secret, "stack-up", (), int(time.time()), 60) if secret else ""

    return Ready(
        engine,
        project.stack.name,
        prepared.front,
        prepared.generation,
        token,
        watch,
        prepared.hidden,
    )


@contextlib.contextmanager
def _watching(engine: Engine, watch: Watch) -> Iterator[None]:
    stop = engine.exits(watch.note)
    try:
        yield
    finally:
        stop()


def _performer(
    project: Project, prepared: Prepared, engine: Engine, ready: Ready, outcome: Outcome
) -> Callable[[Step], None]:
    """Return the function for a step: configuration and waits here, the rest by the engine."""

    def perform(step: Step) -> None:
        match step:
            case PlaceConfig():
                front.place_config(
                    engine,
                    project.state,
                    prepared.config,
                    prepared.generation,
                    step.container_id,
                    prepared.front,
                )
            case AwaitReady():
                ready.await_container(step)
            case AwaitRoute():
                _check_route(step, ready, outcome)
            case _:
                engine.apply(step)

    return perform


def _check_route(step: AwaitRoute, ready: Ready, outcome: Outcome) -> None:
    proof = await_route(ready, step)
    outcome.routes.append(RouteCheck(step.route, proof.says, is_well=not proof.problem))
    if proof.problem:  # what the user starts, or what answers with an error of its own
        outcome.warnings.append(proof.warning)
