"""The verbs that change something, as lists of their stages. Parses no flags, prints nothing."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from stack.engines.base import Engine
from stack.engines.docker.context import context_digest
from stack.engines.docker.engine import DockerEngine
from stack.engines.docker.opening import choose_source, open_engine, stacks
from stack.engines.running import Running, Standing, Stranger
from stack.engines.steps import (
    AwaitReady,
    AwaitRoute,
    MakeImage,
    PlaceConfig,
    Plan,
    Step,
    WriteCompose,
)
from stack.errors import EngineError, StackError
from stack.layout.images import Source
from stack.layout.labels import Owner
from stack.layout.topology import NEXTAUTH_SECRET, BuildSpec, Container
from stack.lifecycle import front, provide, settle
from stack.lifecycle.adopt import adopted
from stack.lifecycle.checks import check_in_containers, check_ours, check_owner, check_services
from stack.lifecycle.locate import Located, locate, made_from
from stack.lifecycle.outcome import Options, Outcome, RouteCheck
from stack.lifecycle.ownership import has_no_labels, in_the_way, wanted_names
from stack.lifecycle.plan import plan_down, plan_restart, plan_up
from stack.lifecycle.provide import plan_files
from stack.lifecycle.run import Finished, Result, run
from stack.lifecycle.status import Status, look, services_of
from stack.probe.exchange import Target
from stack.project.authority import authority_certificate, replacement
from stack.project.project import Prepared, Project, derive
from stack.project.state import State
from stack.project.token import mint
from stack.proof.ready import Ready, Watch, loaded_generation
from stack.proof.route import await_route

OnResult = Callable[[Result], None]
Say = Callable[[str], None]


def plan_project(
    project: Project,
    engine: DockerEngine,
    say: Say,
    only: Collection[str] = (),
    *,
    build: bool = False,
) -> tuple[Prepared, Plan, Plan]:
    """Derive, observe, plan: everything of ``up`` before something changes. Writes nothing.

    Gives what follows from stack.yaml, the files that have to be made first, and the rest.
    """
    check_services(project, only)
    if not (
        project.state.root.exists() or project.state.former
    ):  # before a registry is asked, which takes its time
        check_owner(project.owner, engine.observe())
    prepared = derive(project, source_of(project, engine, say))
    running = engine.observe({item.image for item in prepared.topology.containers})
    running = running.with_done(settle.remembered(project.state))
    if project.state.former:  # what the former version made has no labels, and is taken over
        others = [one for one in running.strangers if not has_no_labels(project.owner, one)]
        check_owner(
            project.owner,
            replace(running, strangers=tuple(others)),
            wanted_names(prepared.topology),
        )
    else:
        check_owner(project.owner, running, wanted_names(prepared.topology))
    door = running_door(project, prepared.door, running)
    plan = plan_up(
        prepared.topology,
        running,
        prepared.fingerprints,
        _contexts(project, prepared, is_forced=build),
        is_config_current=project.state.has_config(prepared.config),
        is_config_loaded=loaded_generation(door) == prepared.generation,
        only=only,
    )
    return prepared, plan_files(project, prepared, running), plan


def running_door(project: Project, door: Target, running: Running) -> Target:
    """Give the front door as it runs; as it is written where none does."""
    seen = urlsplit(running.front)
    if not seen.port:
        return door
    is_secure = seen.scheme == "https"
    trust = str(authority_certificate(project.authority)) if is_secure else ""
    return replace(door, port=seen.port, tls=is_secure, trust=trust)


def up(
    project: Project, engine: DockerEngine, options: Options, on_result: OnResult, say: Say
) -> Outcome:
    """Bring the project to what stack.yaml says and see the front door answer.

    The caller holds the project's lock. Failures of steps are in the outcome; StackError is raised
    for what is wrong before any container was touched.
    """
    begun = time.monotonic()
    plan_all = partial(plan_project, project, engine, say, options.services, build=options.build)
    prepared, files, plan = plan_all()
    if any(step.key == f"start {project.stack.name}-nginx-1" for step in plan.steps):
        front.check_port(engine, project.owner, project.stack.front.port)
    keep_source(project, prepared)
    outcome = Outcome(project.stack.name, Plan((*files.steps, *plan.steps)), prepared)
    while files.steps and not outcome.failures:
        make = partial(provide.make, project, prepared, engine)
        last, first = files.split(WriteCompose)  # what it says follows from all the others
        _carry_out(first if first.steps else last, make, lambda: None, outcome, on_result)
        before = {step.key for step in files.steps}
        prepared, files, plan = plan_all()
        outcome.prepared = prepared
        if {step.key for step in files.steps} == before and not outcome.failures:
            raise StackError(
                f"{project.state.root}: does not keep what is written there: {min(before)}",
                "move the project to a file system that keeps modes and owners of files",
            )
    images, rest = plan.split(MakeImage)
    if images.steps and not outcome.failures:
        _carry_out(images, engine.apply, lambda: None, outcome, on_result)
    if not outcome.failures:
        _carry_out_watched(rest, project, engine, options.timeout, outcome, on_result, say)
    if project.stack.front.tls and (replaced := replacement(project.authority)):
        outcome.warnings.append(replaced)
    outcome.seconds = time.monotonic() - begun
    return outcome


def restart(
    project: Project, engine: DockerEngine, options: Options, on_result: OnResult, say: Say
) -> Outcome:
    """Restart the containers of some services, or of all, and see the front door answer."""
    begun = time.monotonic()
    check_services(project, options.services)
    check_in_containers(project, options.services)
    prepared = derive(project, source_of(project, engine, say))
    running = engine.observe()
    check_owner(project.owner, running, wanted_names(prepared.topology))
    prepared = replace(prepared, door=running_door(project, prepared.door, running))
    wanted = options.services or [item.service for item in prepared.topology.containers]
    plan = plan_restart(prepared.topology, running, wanted)
    outcome = Outcome(project.stack.name, plan, prepared)
    _carry_out_watched(plan, project, engine, options.timeout, outcome, on_result, say)
    outcome.seconds = time.monotonic() - begun
    return outcome


def down(engine: DockerEngine, on_result: OnResult, *, volumes: bool) -> Outcome:
    """Remove what the project has. Nothing else is touched."""
    begun = time.monotonic()
    running = running_of(engine)
    outcome = Outcome(engine.project, plan_down(running, volumes=volumes))
    _carry_out(outcome.plan, engine.apply, lambda: None, outcome, on_result)
    outcome.seconds = time.monotonic() - begun
    return outcome


def find(file: Path, environ: Mapping[str, str], name: str = "") -> Located:
    """Find the project of a stack file, or the one called ``name``."""
    return locate(file, environ, name, stacks)


def former_of(located: Located) -> list[Standing]:
    """Give what still runs of the stack file under names that it no longer has."""
    owner = located.owner
    if located.project is None or not owner.file:
        return []
    made = made_from(Path(owner.folder) / owner.file, stacks())
    return [one for one in made if one.owner.project != owner.project and one.containers]


def strangers(project: Project, engine: DockerEngine) -> tuple[list[Stranger], frozenset[str]]:
    """Give what others made that has the project's name, and the names that the project uses."""
    prepared = derive(project, source_of(project, engine, lambda _: None))
    names = wanted_names(prepared.topology)
    return in_the_way(project.owner, engine.observe(), names), names


def signing_secret(project: Project) -> str:
    """Give the secret that tokens are signed with; made now if there is none.

    Without an engine nobody else can run under the project's name.
    """
    engine = connect_if_any(project.owner)
    if engine:
        running_of(engine)
    return provide.ensure_secret(project, engine, NEXTAUTH_SECRET)


def running_of(engine: DockerEngine) -> Running:
    """See what the project has. Raises StackError if its name is somebody else's."""
    running = engine.observe()
    check_ours(engine.owner, running)
    return running


def connect(
    owner: Owner, say: Say, *, may_install: bool = False, mirror: str | None = None
) -> DockerEngine:
    """Open the engine for a project; ``mirror`` is as in its stack.yaml."""
    state = State(Path(owner.folder), owner.project)
    return open_engine(owner, lambda: adopted(state), say, may_install=may_install, mirror=mirror)


def connect_if_any(owner: Owner) -> DockerEngine | None:
    """Open the engine for a project, for what can do without one."""
    try:
        return connect(owner, lambda _: None)
    except EngineError:
        return None


def source_of(project: Project, engine: DockerEngine, say: Say) -> Source:
    """Give where images come from: as written, as remembered, or as the engine can have them."""
    wanted, known = project.stack.images.source, project.state.recall("images")
    return choose_source(engine, known, say) if wanted == "auto" else wanted


def keep_source(project: Project, prepared: Prepared) -> None:
    """Remember where images come from, so that an outage of a registry replaces nothing."""
    project.state.prepare()
    if project.stack.images.source == "auto" and project.state.recall("images") != prepared.source:
        project.state.remember("images", prepared.source)


def images(
    project: Project, engine: DockerEngine, on_result: OnResult, say: Say
) -> tuple[Outcome, list[tuple[str, str, str]]]:
    """Make all images of the project exist; give each service's image and its origin."""
    prepared = derive(project, source_of(project, engine, say))
    seen = engine.observe({item.image for item in prepared.topology.containers})
    plan = plan_up(  # whoever has the project's name, its images are no one else's
        prepared.topology,
        Running(images=seen.images),
        prepared.fingerprints,
        _contexts(project, prepared),
        is_config_current=True,
        is_config_loaded=True,
    )
    keep_source(project, prepared)
    outcome = Outcome(project.stack.name, plan.split(MakeImage)[0], prepared)
    _carry_out(outcome.plan, engine.apply, lambda: None, outcome, on_result)
    return outcome, [
        (item.service, item.image, _origin(item)) for item in prepared.topology.containers
    ]


def status(located: Located, engine: DockerEngine, say: Say) -> Status:
    """See what runs and what the front door answers."""
    running = engine.observe()
    if located.project is None:
        if located.problem and not running.containers:
            raise located.problem
        owner = located.owner
        done = settle.remembered(State(Path(owner.folder), owner.project))
        return Status(services_of(running.with_done(done)), [])
    project = located.project
    check_ours(project.owner, running)
    prepared = derive(project, source_of(project, engine, say))
    prepared = replace(prepared, door=running_door(project, prepared.door, running))
    ready = ready_for(project, prepared, engine, Watch(time.monotonic()))
    return look(prepared.topology, running.with_done(settle.remembered(project.state)), ready)


def _origin(item: Container) -> str:
    if item.build:
        return item.build.context
    if not item.image.startswith("stack/"):
        return "a registry"
    return "Debian packages" if ":debian" in item.image else "built by stack"


def _contexts(project: Project, prepared: Prepared, *, is_forced: bool = False) -> dict[str, str]:
    """Map each service with a Dockerfile to the digest of what it is built from."""
    return {
        item.service: "" if is_forced else _context_digest(project.folder, item.build)
        for item in prepared.topology.containers
        if item.build
    }


def _context_digest(folder: Path, build: BuildSpec) -> str:
    return context_digest(folder / build.context, build.dockerfile, dict(build.args), build.target)


def _carry_out(
    plan: Plan,
    perform: Callable[[Step], None],
    call_off: Callable[[], None],
    outcome: Outcome,
    on_result: OnResult,
) -> None:
    for result in run(plan, perform, call_off):
        on_result(result)
        if isinstance(result, Finished):
            outcome.results.append(result)


def _carry_out_watched(
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
        _carry_out(plan, perform, watch.stop.set, outcome, on_result)
        _look_back(ready, project, outcome)


def _look_back(ready: Ready, project: Project, outcome: Outcome) -> None:
    """See that what was started, and answered, did not end with an error meanwhile."""
    assert outcome.prepared  # noqa: S101 - whoever waits knows what for
    layout = outcome.prepared.topology
    settle.remember_done(ready, layout, project.state)
    if not outcome.failures:
        for name, error in settle.failures(ready, layout):
            outcome.results.append(Finished(Step(f"watch {name}"), 0.0, 0.0, error))


def ready_for(project: Project, prepared: Prepared, engine: Engine, watch: Watch) -> Ready:
    """Give what asks the project's services and routes."""
    secret = prepared.secrets[NEXTAUTH_SECRET]

    def token() -> str:
        """Open routes; empty before there is a secret to sign with."""
        return mint(secret, "stack-up", (), int(time.time()), 60) if secret else ""

    return Ready(
        engine,
        project.stack.name,
        prepared.door,
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
    """Give the function that does a step: configuration and waits here, the rest by the engine."""

    def perform(step: Step) -> None:
        match step:
            case PlaceConfig():
                front.place_config(
                    engine,
                    project.state,
                    prepared.config,
                    prepared.generation,
                    step.container_id,
                    prepared.door,
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
    if proof.problem:  # what the user starts, or what answers by an error of its own
        outcome.warnings.append(proof.warning)
