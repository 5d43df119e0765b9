"""Makes the images of a project, and reports where each comes from."""

from stack.engines.base import Say
from stack.engines.docker.engine import DockerEngine
from stack.engines.running import Running
from stack.engines.steps import (
    MakeImage,
)
from stack.layout.topology import Container
from stack.lifecycle.carry_out import OnResult, carry_out
from stack.lifecycle.derive import contexts_of, keep_source, source_of
from stack.lifecycle.outcome import Outcome
from stack.lifecycle.plan import plan_up
from stack.project.project import Project, derive


def images(
    project: Project, engine: DockerEngine, on_result: OnResult, say: Say
) -> tuple[Outcome, list[tuple[str, str, str]]]:
    """Make all images of the project exist; return each service's image and its origin."""
    prepared = derive(project, source_of(project, engine, say))
    seen = engine.observe({item.image for item in prepared.topology.containers})
    plan = plan_up(  # images under the project's name belong to the owner of that name
        prepared.topology,
        Running(images=seen.images),
        prepared.fingerprints,
        contexts_of(project, prepared),
        is_config_current=True,
        is_config_loaded=True,
    )
    keep_source(project, prepared)
    outcome = Outcome(project.stack.name, plan.split(MakeImage)[0], prepared)
    carry_out(outcome.plan, engine.apply, lambda: None, outcome, on_result)
    return outcome, [
        (item.service, item.image, _origin(item)) for item in prepared.topology.containers
    ]


def _origin(item: Container) -> str:
    if item.build:
        return item.build.context
    if not item.image.startswith("stack/"):
        return "a registry"
    return "Debian packages" if ":debian" in item.image else "built by stack"
