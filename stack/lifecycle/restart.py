"""Restarts containers without recreating them, and proves the routes."""

import time
from dataclasses import replace

from stack.engines.base import Say
from stack.engines.docker.engine import DockerEngine
from stack.lifecycle.carry_out import OnResult
from stack.lifecycle.checks import check_in_containers, check_made, check_owner, check_services
from stack.lifecycle.derive import running_front, source_of
from stack.lifecycle.outcome import Options, Outcome
from stack.lifecycle.ownership import wanted_names
from stack.lifecycle.plan import plan_restart
from stack.lifecycle.watched import carry_out_watched
from stack.project.project import Project, derive


def restart(
    project: Project, engine: DockerEngine, options: Options, on_result: OnResult, say: Say
) -> Outcome:
    """Restart the containers of some services, or of all, and prove the front."""
    begun = time.monotonic()
    check_services(project, options.services)
    check_in_containers(project, options.services)
    prepared = derive(project, source_of(project, engine, say))
    running = engine.observe()
    check_owner(project.owner, running, wanted_names(prepared.topology))
    prepared = replace(prepared, front=running_front(project, prepared.front, running))
    check_made(project, running, options.services)
    wanted = options.services or [item.service for item in prepared.topology.containers]
    plan = plan_restart(prepared.topology, running, wanted)
    outcome = Outcome(project.stack.name, plan, prepared)
    carry_out_watched(plan, project, engine, options.timeout, outcome, on_result, say)
    outcome.seconds = time.monotonic() - begun
    return outcome
