"""Gathers what is to be seen of a stack of our own, for the doctor. Changes and prints nothing."""

import contextlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from stack import state
from stack.diagnose import doctor, proc_net
from stack.diagnose.evidence import Options
from stack.diagnose.exchange import Target
from stack.diagnose.finding import Finding
from stack.diagnose.listeners import Listener, listening
from stack.diagnose.nginx_log import Entry, entries
from stack.diagnose.own_stack import RouteSeen, ServiceSeen, StackSeen
from stack.engines.docker.engine import DockerEngine
from stack.errors import EngineError
from stack.plan import container_name
from stack.presets import NGINX
from stack.project import Prepared, Project
from stack.ready import Ready, Watch, is_unreachable, loaded_generation, route_problem
from stack.redact import redact
from stack.render import generation
from stack.running import Running, SeenContainer
from stack.topology import Container, FrontRoute
from stack.workflow import plan_project, ready_for

ERROR_LOG = "/dev/shm/error.log"  # noqa: S108 - in the container; templates/nginx/dev.conf.j2
LOOK_WITHIN = 5.0  # seconds for all questions about one route
LOG_LINES = 5  # of a container that failed


def examine(project: Project, engine: DockerEngine, say: Callable[[str], None]) -> StackSeen:
    """See containers, what listens in them, the front port and every route.

    Raises StackError when there is no engine to ask, ConfigError for a wrong stack.yaml.
    """
    prepared, plan = plan_project(project, engine, say)
    running = engine.observe()
    ready = ready_for(project, prepared, engine, Watch(time.monotonic()))
    with ThreadPoolExecutor(16) as pool:
        asked = list(pool.map(lambda route: _route(ready, route), prepared.topology.routes))
    nginx = next((one for one in running.of(NGINX) if one.is_running), None)
    routes = tuple(
        _looked_into(engine, nginx, ready, item) if item.problem and nginx else item
        for item in asked
    )
    failing = {item.route.service for item in routes if item.is_unreachable}
    return StackSeen(
        changes=tuple(step.says for step in plan.changes),
        loaded=loaded_generation(prepared.door),
        on_disk=_on_disk(project),
        is_published=_is_published(engine, prepared, running),
        services={item.service: item for item in _services(engine, prepared, running, failing)},
        routes=routes,
    )


def _on_disk(project: Project) -> str:
    """Give the generation of the configuration that Nginx has mounted; empty if there is none."""
    with contextlib.suppress(ValueError):
        return generation(state.read(project.state.config) or "")
    return ""


def _route(ready: Ready, route: FrontRoute) -> RouteSeen:
    seen = ready.ask_route(route)
    says = seen.answer.line if seen.answer else ""
    ms = round(seen.seconds * 1000)
    return RouteSeen(route, says, route_problem(route, seen), is_unreachable(seen), ms)


def _looked_into(
    engine: DockerEngine, nginx: SeenContainer, ready: Ready, item: RouteSeen
) -> RouteSeen:
    """Find out more about a route that fails."""
    written = _written(engine, nginx, ready, item.route)
    if item.is_unreachable or not item.route.websocket:
        return replace(item, nginx=written)
    return replace(item, nginx=written, findings=_asked_around(ready, item.route))


def _asked_around(ready: Ready, route: FrontRoute) -> tuple[Finding, ...]:
    """Ask the front door as the doctor asks any address, with a token that our server takes."""
    door = ready.door
    target = Target("", door.host, door.port, route.path, tls=door.context is not None)
    token = ready.token() if route.source == "preset" else ""
    headers = (("Authorization", f"Bearer {token}"),) if token else ()
    options = Options(
        target, (), headers, target.origin, token=token, insecure=target.tls, timeout=LOOK_WITHIN
    )
    return tuple(
        item for item in doctor.examine(options, listening).findings if item.severity == "error"
    )


def _written(
    engine: DockerEngine, nginx: SeenContainer, ready: Ready, route: FrontRoute
) -> tuple[Entry, ...]:
    """Ask again, and give what Nginx wrote meanwhile into the error log that only we read."""
    try:
        list(engine.execute(nginx.name, ["sh", "-c", f": > {ERROR_LOG}"]))
        ready.ask_route(route)
        *lines, code = engine.execute(nginx.name, ["cat", ERROR_LOG])
    except EngineError:  # it ended by now
        return ()
    return tuple(entries(map(str, lines))) if code == 0 else ()


def _is_published(engine: DockerEngine, prepared: Prepared, running: Running) -> bool:
    """Whether the front port of a running Nginx is really open; True when it does not run."""
    nginx = [item for item in running.of(NGINX) if item.is_running]
    wanted = (prepared.door.host, prepared.door.port)
    return not nginx or wanted in {item[:2] for item in engine.published(nginx[0].name)}


def _services(
    engine: DockerEngine, prepared: Prepared, running: Running, failing: set[str]
) -> Iterable[ServiceSeen]:
    for item in prepared.topology.containers:
        yield _service(engine, prepared, item, running, is_failing=item.service in failing)
    for route in prepared.topology.routes:
        if route.source == "host" and route.service in failing:
            yield ServiceSeen(route.service, route.port, listening=listening())


def _service(
    engine: DockerEngine,
    prepared: Prepared,
    item: Container,
    running: Running,
    *,
    is_failing: bool,
) -> ServiceSeen:
    project = prepared.topology.project
    wanted = [container_name(project, item.service, n + 1) for n in range(item.replicas)]
    seen = {one.name: one for one in running.of(item.service)}
    there = [seen[name] for name in wanted if name in seen]
    ended = tuple(one for one in there if not one.is_running)
    alive = [one for one in there if one.is_running]
    return ServiceSeen(
        item.service,
        item.port,
        missing=tuple(name for name in wanted if name not in seen),
        ended=ended,
        listening=_inside(engine, alive[0]) if is_failing and alive else None,
        log=_log(engine, prepared, ended),
    )


def _log(
    engine: DockerEngine, prepared: Prepared, ended: tuple[SeenContainer, ...]
) -> tuple[str, ...]:
    """Give the last lines of the first that failed; who was only stopped has nothing to explain."""
    for one in ended:
        if engine.exit_code(one.name) != 0:
            lines = "\n".join(engine.logs(one.name, LOG_LINES))
            return tuple(redact(lines, prepared.hidden).splitlines())
    return ()


def _inside(engine: DockerEngine, container: SeenContainer) -> tuple[Listener, ...] | None:
    """Read what listens in a container; None if it has no ``cat`` to read with."""
    try:
        *lines, code = engine.execute(container.name, ["cat", *proc_net.TABLES])
    except EngineError:
        return None
    return proc_net.listeners(map(str, lines)) if code == 0 else None
