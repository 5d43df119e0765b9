"""The verbs that change something, as lists of their stages. Parses no flags, prints nothing."""

import contextlib
import difflib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stack import front, state
from stack.engines.base import Engine
from stack.engines.docker.context import context_digest
from stack.engines.docker.engine import DockerEngine
from stack.engines.docker.project import choose_source, open_engine
from stack.errors import ConfigError, StackError
from stack.images import Source
from stack.logs import Line, follow, last_lines
from stack.plan import plan_down, plan_restart, plan_up
from stack.presets import NGINX
from stack.project import Prepared, Project, prepare
from stack.proof import await_route
from stack.ready import Ready, StoppedError, Watch, loaded_generation
from stack.run import Finished, Result, run
from stack.running import Running
from stack.status import Status, look
from stack.steps import AwaitReady, AwaitRoute, MakeImage, PlaceConfig, Plan, Step
from stack.token import mint
from stack.topology import NEXTAUTH_SECRET, BuildSpec, Container, FrontRoute

OnResult = Callable[[Result], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How ``up`` and ``restart`` behave.

    ``timeout`` is in seconds, for services to answer; no ``services`` means all of them;
    ``build`` makes images of Dockerfiles again although their content is the same.
    """

    timeout: float
    services: tuple[str, ...] = ()
    build: bool = False


@dataclass(frozen=True)
class RouteCheck:
    """What the front door said on one route."""

    route: FrontRoute
    says: str
    is_well: bool


@dataclass
class Outcome:
    """What a verb did."""

    project: str
    plan: Plan
    prepared: Prepared | None = None
    results: list[Finished] = field(default_factory=list)
    routes: list[RouteCheck] = field(default_factory=list)
    warnings: list[StackError] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def url(self) -> str:
        """The front door as a browser writes it."""
        return self.prepared.door.origin if self.prepared else ""

    @property
    def authority(self) -> Path | None:
        """The certificate of the authority that a browser has to trust, if the front speaks TLS."""
        return self.prepared.authority if self.prepared else None

    @property
    def is_well(self) -> bool:
        """Whether everything worked and every route answers as wanted."""
        return not self.failures and all(check.is_well for check in self.routes)

    @property
    def failures(self) -> list[StackError]:
        """What went wrong; waits that were called off because of it are no cause."""
        errors = [result.error for result in self.results if result.error]
        return [error for error in errors if not isinstance(error, StoppedError)] or errors


def plan_project(
    project: Project,
    engine: DockerEngine,
    say: Say,
    only: Collection[str] = (),
    *,
    build: bool = False,
) -> tuple[Prepared, Plan]:
    """Derive, observe, plan: everything of ``up`` before something changes."""
    check_services(project, only)
    prepared = prepare(project, source_of(project, engine, say))
    running = engine.observe({item.image for item in prepared.topology.containers})
    check_owner(project, running)
    contexts = {
        item.service: "" if build else _context_digest(project.folder, item.build)
        for item in prepared.topology.containers
        if item.build
    }
    plan = plan_up(
        prepared.topology,
        running,
        prepared.fingerprints,
        contexts,
        is_config_current=state.read(project.state.config) == prepared.config,
        is_config_loaded=loaded_generation(prepared.door) == prepared.generation,
        only=only,
    )
    return prepared, plan


def up(
    project: Project, engine: DockerEngine, options: Options, on_result: OnResult, say: Say
) -> Outcome:
    """Bring the project to what stack.yaml says and see the front door answer.

    The caller holds the project's lock. Failures are in the outcome; StackError is raised only
    for what is wrong before anything was changed.
    """
    begun = time.monotonic()
    prepared, plan = plan_project(project, engine, say, options.services, build=options.build)
    if any(step.key == f"start {project.stack.name}-nginx-1" for step in plan.steps):
        front.check_port(engine, project.stack.name, project.stack.front.port)
    images, rest = plan.split(MakeImage)
    outcome = Outcome(project.stack.name, plan, prepared)
    if images.steps:
        _carry_out(images, engine.apply, lambda: None, outcome, on_result)
    if not outcome.failures:
        _carry_out_watched(rest, project, engine, options.timeout, outcome, on_result, say)
    outcome.seconds = time.monotonic() - begun
    return outcome


def restart(
    project: Project, engine: DockerEngine, options: Options, on_result: OnResult, say: Say
) -> Outcome:
    """Restart the containers of some services, or of all, and see the front door answer."""
    begun = time.monotonic()
    check_services(project, options.services)
    prepared = prepare(project, source_of(project, engine, say))
    wanted = options.services or [item.service for item in prepared.topology.containers]
    plan = plan_restart(prepared.topology, engine.observe(), wanted)
    outcome = Outcome(project.stack.name, plan, prepared)
    _carry_out_watched(plan, project, engine, options.timeout, outcome, on_result, say)
    outcome.seconds = time.monotonic() - begun
    return outcome


def down(engine: DockerEngine, on_result: OnResult, *, volumes: bool) -> Outcome:
    """Remove what the project has. Nothing else is touched."""
    begun = time.monotonic()
    outcome = Outcome(engine.project, plan_down(engine.observe(), volumes=volumes))
    _carry_out(outcome.plan, engine.apply, lambda: None, outcome, on_result)
    outcome.seconds = time.monotonic() - begun
    return outcome


def connect(project: Project, say: Say, *, may_install: bool = False) -> DockerEngine:
    """Open the engine for the project."""
    name, folder = project.stack.name, project.folder
    return open_engine(name, folder, say, may_install=may_install, environ=project.environ)


def source_of(project: Project, engine: DockerEngine, say: Say) -> Source:
    """Give where images come from, and remember what ``auto`` was decided to be."""
    if project.stack.images != "auto":
        return project.stack.images
    remembered = project.state.recall("images")
    source = choose_source(engine, remembered, say)
    if source != remembered:
        project.state.prepare()
        project.state.remember("images", source)
    return source


def images(
    project: Project, engine: DockerEngine, on_result: OnResult, say: Say
) -> tuple[Outcome, list[tuple[str, str, str]]]:
    """Make all images of the project exist; give each service's image and its origin."""
    prepared, plan = plan_project(project, engine, say)
    outcome = Outcome(project.stack.name, plan.split(MakeImage)[0], prepared)
    _carry_out(outcome.plan, engine.apply, lambda: None, outcome, on_result)
    return outcome, [
        (item.service, item.image, _origin(item)) for item in prepared.topology.containers
    ]


def status(project: Project, engine: DockerEngine, say: Say) -> Status:
    """See what runs and what the front door answers."""
    prepared = prepare(project, source_of(project, engine, say))
    ready = ready_for(project, prepared, engine, Watch(time.monotonic()))
    return look(prepared.topology, engine.observe(), ready)


def logs(
    project: Project,
    engine: DockerEngine,
    services: Collection[str],
    tail: int,
    *,
    is_endless: bool,
) -> Iterator[Line]:
    """Yield the containers' names and log lines of some services, or of all."""
    check_services(project, services)
    seen = engine.observe().containers
    names = sorted(item.name for item in seen if not services or item.service in services)
    yield from (follow if is_endless else last_lines)(engine, names, tail)


def execute(
    project: Project,
    engine: DockerEngine,
    service: str,
    command: list[str],
    *,
    is_terminal: bool,
) -> Iterator[str | int]:
    """Run a command in the first container of a service: output lines, then the exit code.

    The ``docker`` command takes over if there is one: it can also pass on what is typed or piped.
    """
    check_services(project, [service])
    running = [seen for seen in engine.observe().of(service) if seen.is_running]
    if not running:
        raise StackError(f"{service}: does not run", "stack up")
    if docker := shutil.which("docker"):
        how = "-it" if is_terminal else "-i"
        os.execv(docker, ["docker", "exec", how, running[0].id, *command])  # noqa: S606
    yield from engine.execute(running[0].name, command)


def check_services(project: Project, services: Collection[str]) -> None:
    """Raise ConfigError for a name that is no service of the project."""
    known = [NGINX, *project.stack.services]
    for name in services:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            text = f"{name}: no such service in stack.yaml"
            raise ConfigError(
                text + (f"; did you mean {near[0]}?" if near else ""),
                f"services are: {', '.join(known)}",
            )


def check_owner(project: Project, running: Running) -> None:
    """Raise StackError if another folder already uses this project name."""
    for seen in running.containers:
        if seen.folder and seen.folder != str(project.folder):
            raise StackError(
                f"stack.yaml: name: {project.stack.name} is in use by {seen.folder}",
                f"choose another name, or run: cd {seen.folder} && stack down",
            )


def _origin(item: Container) -> str:
    if item.build:
        return item.build.context
    if not item.image.startswith("stack/"):
        return "a registry"
    return "Debian packages" if ":debian" in item.image else "built by stack"


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


def ready_for(project: Project, prepared: Prepared, engine: Engine, watch: Watch) -> Ready:
    """Give what asks the project's services and routes."""
    secret = prepared.secrets[NEXTAUTH_SECRET]
    return Ready(
        engine,
        project.stack.name,
        prepared.door,
        prepared.generation,
        lambda: mint(secret, "stack-up", (), int(time.time()), 60),
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
