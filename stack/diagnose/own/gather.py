"""Gathers what can be seen of a stack of our own, for the doctor. Changes and prints nothing."""

import contextlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from stack import files
from stack.config.presets import NGINX
from stack.diagnose.doctor import examine as doctor
from stack.diagnose.doctor.evidence import Options
from stack.diagnose.nginx.access_log import Access, last_access
from stack.diagnose.nginx.log import Entry, entries
from stack.diagnose.own.seen import Direct, RouteSeen, ServiceSeen, Silent, StackSeen
from stack.engines.docker.engine import DockerEngine
from stack.engines.running import DONE, Running, SeenContainer
from stack.engines.steps import AwaitReady, Key, Kind, Verb
from stack.errors import EngineError
from stack.finding import Finding
from stack.layout.names import container_name
from stack.layout.render import generation
from stack.layout.topology import Container, FrontRoute
from stack.lifecycle import ended
from stack.lifecycle.derive import plan_project, running_front
from stack.lifecycle.watched import ready_for
from stack.probe import proc_net
from stack.probe.listeners import listening
from stack.probe.proc_net import Listener
from stack.project.project import Prepared, Project
from stack.proof import direct
from stack.proof.ready import (
    NotReadyError,
    Ready,
    RefusedError,
    Watch,
    is_unreachable,
    loaded_generation,
    route_problem,
)
from stack.proof.route import prove
from stack.redaction.redact import redact

ERROR_LOG = "/dev/shm/error.log"  # noqa: S108 - in the container; templates/nginx/dev.conf.j2
READY_WITHIN = 5.0  # seconds that a container may take to answer, also on a busy machine
LOOK_WITHIN = 5.0  # seconds for all questions about one route
LOG_LINES = 5  # of a container that failed
ACCESS_LINES = 200  # of Nginx, which are searched for the last question
PARALLEL = 16
HOST = "host.docker.internal"  # this machine, seen from Nginx


@dataclass(frozen=True)
class _View:
    """What all questions share. ``nginx`` is its container, if that runs."""

    engine: DockerEngine
    prepared: Prepared
    running: Running
    ready: Ready

    @property
    def nginx(self) -> SeenContainer | None:
        return next((one for one in self.running.of(NGINX) if one.is_running), None)

    def alive(self, service: str) -> list[SeenContainer]:
        return [one for one in self.running.of(service) if one.is_running]

    def clean(self, text: str) -> str:
        return redact(text, self.prepared.hidden)


def examine(project: Project, engine: DockerEngine, say: Callable[[str], None]) -> StackSeen:
    """Look at containers, what listens in them, the front port and every route.

    Raises StackError without an engine to ask, ConfigError for a wrong stack.yaml.
    """
    planned = plan_project(project, engine, say)
    prepared = planned.prepared
    running = engine.observe().with_done(ended.remembered(project.state))
    prepared = replace(prepared, front=running_front(project, prepared.front, running))
    watch = Watch(time.monotonic())
    ready = ready_for(project, prepared, engine, watch)
    view = _View(engine, prepared, running, ready)
    containers = prepared.topology.containers
    with ThreadPoolExecutor(PARALLEL) as pool:
        # The front first, and by itself: its answer time is reported.
        asked = list(pool.map(lambda route: _route(view, route), prepared.topology.routes))
        watch.deadline = time.monotonic() + READY_WITHIN
        silent = pool.map(lambda item: _silent(view, item), containers)
        asked = list(pool.map(lambda item: _beside(view, item), asked))
        silents = dict(zip((item.service for item in containers), silent, strict=True))
    routes = tuple(_looked_into(view, item) if item.problem else item for item in asked)
    return StackSeen(
        changes=tuple(step.says for step in planned.whole.changes),
        loaded=loaded_generation(prepared.front),
        on_disk=_on_disk(project),
        is_published=_is_published(view),
        services=_services(view, silents, routes),
        routes=routes,
    )


def _on_disk(project: Project) -> str:
    """Return the generation of the configuration that is mounted in Nginx; empty without one."""
    with contextlib.suppress(ValueError):
        return generation(files.read(project.state.config) or "")
    return ""


def _silent(view: _View, item: Container) -> tuple[Silent, ...]:
    """Ask the containers of a service as ``up`` does; for Nginx, ask the front itself."""
    if item.service == NGINX or not view.nginx:
        return ()
    found = (_silence(view, item, one) for one in view.alive(item.service))
    return tuple(one for one in found if one)


def _silence(view: _View, item: Container, one: SeenContainer) -> Silent | None:
    key = Key(Verb.AWAIT, Kind.CONTAINER, one.name)
    try:
        view.ready.await_container(AwaitReady(key, container=item, number=one.number))
    except NotReadyError as error:
        message = error.message.removeprefix(f"{item.service}: ")
        refused = isinstance(error, RefusedError)
        message = message if refused else f"{one.name} runs and does not answer"
        log = error.evidence[-LOG_LINES:]
        return Silent(one.name, error.probe, error.answer, message, error.hint, refused, log)
    except EngineError:  # Nginx, from where it is asked, has ended
        return None
    return None


def _route(view: _View, route: FrontRoute) -> RouteSeen:
    if not view.nginx:  # an answer at that port is then not from this stack
        said = "the front does not run"
        return RouteSeen(route, said, said, is_unreachable=True, ms=0)
    proof = prove(view.ready, route)
    return RouteSeen(
        route,
        proof.seen.says,
        proof.problem,
        is_unreachable(proof.seen),
        _ms(proof.seen.seconds),
        has_token="Authorization" in dict(proof.seen.question.headers),
        told=proof.told,
    )


def _beside(view: _View, item: RouteSeen) -> RouteSeen:
    nginx = view.nginx
    return replace(item, direct=tuple(_direct(view, item.route, nginx.name))) if nginx else item


def _direct(view: _View, route: FrontRoute, nginx: str) -> list[Direct]:
    """Ask each container of the route's service itself."""
    if route.source == "host" and route.port:
        places = {f"port {route.port} of this machine": (HOST, route.port)}
    elif route.is_container:
        port = view.prepared.topology.container(route.service).port or 0
        places = {one.name: (one.name, port) for one in view.alive(route.service)}
    else:
        return []
    return [_answer_of(view, nginx, route, name, place) for name, place in places.items()]


def _answer_of(
    view: _View, nginx: str, route: FrontRoute, name: str, place: tuple[str, int]
) -> Direct:
    """Ask a second time before reporting a container: it may have been busy."""
    first = _answer(view, nginx, route, name, place)
    return first if first.is_well else _answer(view, nginx, route, name, place)


def _answer(
    view: _View, nginx: str, route: FrontRoute, name: str, place: tuple[str, int]
) -> Direct:
    try:
        seen = direct.ask(view.engine, nginx, place, route, view.ready.question(route))
    except EngineError as error:  # it has ended
        return Direct(name, "", error.message, 0, 0)
    said = view.clean(seen.says), view.clean(route_problem(route, seen))
    return Direct(name, *said, seen.status, _ms(seen.seconds))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _looked_into(view: _View, item: RouteSeen) -> RouteSeen:
    """Find out more about a route that fails."""
    if not view.nginx:
        return item
    written, access = _written(view, view.nginx.name, item.route)
    item = replace(item, nginx=written, access=access)
    if item.is_unreachable or not item.route.websocket:
        return item
    return replace(item, findings=_asked_around(view.ready, item.route))


def _asked_around(ready: Ready, route: FrontRoute) -> tuple[Finding, ...]:
    """Ask the front as the doctor asks any address, with a token that our server accepts."""
    target = replace(ready.front, path=route.path)
    token = ready.token() if route.source == "preset" else ""
    headers = (("Authorization", f"Bearer {token}"),) if token else ()
    options = Options(target, (), headers, target.origin, token=token, timeout=LOOK_WITHIN)
    return tuple(
        item for item in doctor.examine(options, listening).findings if item.severity == "error"
    )


def _written(view: _View, nginx: str, route: FrontRoute) -> tuple[tuple[Entry, ...], Access | None]:
    """Ask again, and return what Nginx wrote meanwhile to its error and access logs."""
    try:
        list(view.engine.execute(nginx, ["sh", "-c", f": > {ERROR_LOG}"]))
        view.ready.ask_route(route)
        *lines, code = view.engine.execute(nginx, ["cat", ERROR_LOG])
    except EngineError:  # it has ended
        return (), None
    access = last_access(view.engine.logs(nginx, ACCESS_LINES), route.path)
    return tuple(entries(map(str, lines))) if code == 0 else (), access


def _is_published(view: _View) -> bool:
    """Whether the front port of a running Nginx is really open; True if it does not run."""
    front, nginx = view.prepared.front, view.nginx
    if nginx is None:
        return True
    return front.port in {outer for _, outer, _ in view.engine.published(nginx.name)}


def _services(
    view: _View, silent: Mapping[str, tuple[Silent, ...]], routes: tuple[RouteSeen, ...]
) -> dict[str, ServiceSeen]:
    """Look at the containers of each service, and into those of a service that fails."""
    failing = {item.route.service for item in routes if item.is_unreachable}
    troubled = {item.route.service for item in routes if item.problem}
    found: dict[str, ServiceSeen] = {}
    for item in view.prepared.topology.containers:
        name = item.service
        seen = _service(view, item, silent[name])
        alive = view.alive(name)
        if alive and (name in failing or seen.silent):
            seen = replace(seen, listening=_inside(view.engine, alive[0]))
        if name in troubled:
            seen = replace(seen, addresses=_addresses(view.engine, alive))
        found[name] = seen
    return found


def _service(view: _View, item: Container, silent: tuple[Silent, ...]) -> ServiceSeen:
    project = view.prepared.topology.project
    wanted = [container_name(project, item.service, n + 1) for n in range(item.replicas)]
    seen = {one.name: one for one in view.running.of(item.service)}
    there = [seen[name] for name in wanted if name in seen]
    dead = tuple(one for one in there if one.state not in {"running", DONE})
    return ServiceSeen(
        item.service,
        item.port,
        missing=tuple(name for name in wanted if name not in seen),
        ended=dead,
        log=_log(view, dead),
        silent=silent,
        needs=item.needs,
    )


def _log(view: _View, dead: tuple[SeenContainer, ...]) -> tuple[str, ...]:
    """Return the last lines of the first one that failed; a stopped one explains nothing."""
    for one in dead:
        if view.engine.exit_code(one.name) != 0:
            return tuple(view.clean("\n".join(view.engine.logs(one.name, LOG_LINES))).splitlines())
    return ()


def _addresses(engine: DockerEngine, alive: list[SeenContainer]) -> dict[str, str]:
    """Map the addresses that the containers have on any network to their names."""
    found: dict[str, str] = {}
    for one in alive:
        with contextlib.suppress(EngineError):
            networks = engine.inspect(one.name)["NetworkSettings"]["Networks"].values()
            found |= {network["IPAddress"]: one.name for network in networks}
    return found


def _inside(engine: DockerEngine, container: SeenContainer) -> tuple[Listener, ...] | None:
    """Read what listens in a container; None if it has no ``cat``."""
    try:
        *lines, code = engine.execute(container.name, ["cat", *proc_net.TABLES])
    except EngineError:
        return None
    return proc_net.listeners(map(str, lines)) if code == 0 else None
