"""What a command would do: derived from stack.yaml, compared with what runs. Changes nothing."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from stack.engines.base import Say
from stack.engines.docker.context import context_digest, holds
from stack.engines.docker.engine import DockerEngine
from stack.engines.docker.opening import choose_source
from stack.engines.running import Running, Stranger
from stack.engines.steps import Plan
from stack.hint import quoted
from stack.layout.images import Source
from stack.layout.topology import BuildSpec
from stack.lifecycle import anonymous, ended
from stack.lifecycle.checks import check_images, check_owner, check_services
from stack.lifecycle.ownership import has_no_labels, in_the_way, wanted_names
from stack.lifecycle.plan import plan_up
from stack.lifecycle.provide import plan_files
from stack.probe.exchange import Target
from stack.project.authority import authority_certificate
from stack.project.project import Prepared, Project, derive
from stack.proof.ready import loaded_generation


@dataclass(frozen=True)
class Planned:
    """What follows from stack.yaml: the ``files`` to make first, and the ``plan`` of the rest."""

    prepared: Prepared
    files: Plan
    plan: Plan

    @property
    def whole(self) -> Plan:
        """All steps, those of the files first."""
        return Plan((*self.files.steps, *self.plan.steps))


def plan_project(
    project: Project,
    engine: DockerEngine,
    say: Say,
    only: Collection[str] = (),
    *,
    build: bool = False,
) -> Planned:
    """Derive, observe, plan: everything of ``up`` before something changes. Writes nothing."""
    check_services(project, only)
    if not (project.state.root.exists() or project.state.former):
        # Before a registry is asked, which takes time.
        check_owner(project.owner, engine.observe())
    prepared = derive(project, source_of(project, engine, say))
    running = engine.observe({item.image for item in prepared.topology.containers})
    running = running.with_done(ended.remembered(project.state))
    running = anonymous.with_left(running, engine, project.state)
    others = running
    if project.state.former:  # what the former version made has no labels, and is taken over
        kept = [one for one in running.strangers if not has_no_labels(project.owner, one)]
        others = replace(running, strangers=tuple(kept))
    check_owner(project.owner, others, wanted_names(prepared.topology))
    check_images(prepared.topology, running)
    front = running_front(project, prepared.front, running)
    plan = plan_up(
        prepared.topology,
        running,
        prepared.fingerprints,
        contexts_of(project, prepared, is_forced=build),
        is_config_current=project.state.has_config(prepared.config),
        is_config_loaded=loaded_generation(front) == prepared.generation,
        only=only,
    )
    return Planned(prepared, plan_files(project, prepared, running), plan)


def running_front(project: Project, front: Target, running: Running) -> Target:
    """Return the front as it runs, or as stack.yaml says if none does."""
    seen = urlsplit(running.front)
    if not seen.port:
        return front
    is_secure = seen.scheme == "https"
    trust = str(authority_certificate(project.authority)) if is_secure else ""
    return replace(front, port=seen.port, tls=is_secure, trust=trust)


def strangers(project: Project, engine: DockerEngine) -> tuple[list[Stranger], frozenset[str]]:
    """Return what others made that has the project's name, and the names that the project uses."""
    prepared = derive(project, source_of(project, engine, lambda _: None))
    names = wanted_names(prepared.topology)
    return in_the_way(project.owner, engine.observe(), names), names


def source_of(project: Project, engine: DockerEngine, say: Say) -> Source:
    """Return where images come from: as written, as remembered, or as the engine can get them."""
    wanted, known = project.stack.images.source, project.state.recall("images")
    return choose_source(engine, known, say) if wanted == "auto" else wanted


def keep_source(project: Project, prepared: Prepared) -> None:
    """Remember where images come from: an outage of a registry then replaces nothing."""
    project.state.prepare()
    if project.stack.images.source == "auto" and project.state.recall("images") != prepared.source:
        project.state.remember("images", prepared.source)


def exposed(project: Project) -> Iterator[str]:
    """Return which build contexts would include the secrets in .stack if Compose sent them.

    Stack itself leaves them out.
    """
    for name, service in project.stack.services.items():
        context = (project.folder / service.build.context).resolve() if service.build else None
        if context and holds(context, project.state.secrets):
            file = quoted(context / ".dockerignore")
            yield (
                f"services.{name}.build: docker compose would copy .stack and its secrets into the "
                f"image; keep it out: echo '**/.stack' >> {file}"
            )


def contexts_of(project: Project, prepared: Prepared, *, is_forced: bool = False) -> dict[str, str]:
    """Map each service with a Dockerfile to the digest of what it is built from."""
    return {
        item.service: "" if is_forced else _context_digest(project.folder, item.build)
        for item in prepared.topology.containers
        if item.build
    }


def _context_digest(folder: Path, build: BuildSpec) -> str:
    return context_digest(folder / build.context, build.dockerfile, dict(build.args), build.target)
