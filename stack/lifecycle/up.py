"""Brings a project to what its stack.yaml says, and proves every route."""

import time
from functools import partial

from stack.config.presets import NGINX
from stack.engines.base import Say
from stack.engines.docker.engine import DockerEngine
from stack.engines.steps import MakeImage, WriteCompose
from stack.errors import StackError
from stack.lifecycle import anonymous, front, provide
from stack.lifecycle.carry_out import OnResult, carry_out
from stack.lifecycle.derive import Planned, keep_source, plan_project
from stack.lifecycle.outcome import Options, Outcome
from stack.lifecycle.watched import carry_out_watched
from stack.project.authority import replacement
from stack.project.project import Project


def up(
    project: Project, engine: DockerEngine, options: Options, on_result: OnResult, say: Say
) -> Outcome:
    """Bring the project to what stack.yaml says and prove the front.

    In this order: plan (owner, names and images are checked), front port, files below .stack until
    none is missing, images, then the rest as each step allows.

    The caller holds the project's lock. Failures of steps are in the outcome; StackError is raised
    for what is wrong before any container was touched.
    """
    begun = time.monotonic()
    plan_again = partial(plan_project, project, engine, say, options.services, build=options.build)
    planned = plan_again()
    if planned.plan.starts(NGINX):
        front.check_port(engine, project.owner, project.stack.front.port)
    keep_source(project, planned.prepared)
    outcome = Outcome(project.stack.name, planned.whole, planned.prepared)
    while planned.files.steps and not outcome.failures:
        _make_files(project, planned, engine, outcome, on_result)
        planned = _planned_anew(project, planned, plan_again(), outcome)
    images, rest = planned.plan.split(MakeImage)
    if not outcome.failures:
        carry_out(images, engine.apply, lambda: None, outcome, on_result)
    if not outcome.failures:
        anonymous.keep(project.state, anonymous.leaving(rest))
        carry_out_watched(rest, project, engine, options.timeout, outcome, on_result, say)
    if project.stack.front.tls and (replaced := replacement(project.authority)):
        outcome.warnings.append(replaced)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _make_files(
    project: Project, planned: Planned, engine: DockerEngine, outcome: Outcome, on_result: OnResult
) -> None:
    """Make what is missing below .stack; the Compose file last, as it depends on all others."""
    make = partial(provide.make, project, planned.prepared, engine)
    last, first = planned.files.split(WriteCompose)
    carry_out(first if first.steps else last, make, lambda: None, outcome, on_result)


def _planned_anew(project: Project, before: Planned, planned: Planned, outcome: Outcome) -> Planned:
    """Derive the project from the files that were made.

    Raises StackError if the same files are missing again: the disk does not keep them.
    """
    outcome.prepared = planned.prepared
    keys = {step.key for step in planned.files.steps}
    if keys == {step.key for step in before.files.steps} and not outcome.failures:
        raise StackError(
            f"{project.state.root}: does not keep what is written there: {min(keys)}",
            "move the project to a file system that keeps modes and owners of files",
        )
    return planned
