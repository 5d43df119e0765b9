"""What runs and what the front answers, as values. Asks once, waits for nothing."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from stack.config.presets import NGINX
from stack.engines.base import Say
from stack.engines.docker.engine import DockerEngine
from stack.engines.running import DONE, Running
from stack.layout.names import container_name
from stack.layout.topology import FrontRoute, Topology
from stack.lifecycle import ended
from stack.lifecycle.checks import check_ours
from stack.lifecycle.derive import running_front, source_of
from stack.lifecycle.locate import Located
from stack.lifecycle.watched import ready_for
from stack.project.project import derive
from stack.project.state import State
from stack.proof.ready import Ready, Watch
from stack.proof.route import prove


@dataclass(frozen=True)
class ServiceStatus:
    """One container, or a service that stack does not run itself."""

    service: str
    container: str
    state: str
    detail: str

    @property
    def is_well(self) -> bool:
        """Whether it runs, or did its work."""
        return self.state in {"running", DONE}


@dataclass(frozen=True)
class RouteStatus:
    """One route as a browser meets it."""

    route: str
    service: str
    answer: str
    ok: bool
    ms: int


@dataclass(frozen=True)
class Status:
    """The whole picture. ``is_well``: everything runs and every route answers."""

    services: list[ServiceStatus]
    routes: list[RouteStatus]

    @property
    def is_well(self) -> bool:
        """Whether there is a container, each is well, and every route answers."""
        return bool(self.services) and all(
            [*(row.is_well for row in self.services), *(row.ok for row in self.routes)]
        )


def services_of(running: Running) -> list[ServiceStatus]:
    """Return what runs if no stack.yaml says what should."""
    return [
        ServiceStatus(seen.service, seen.name, seen.state, seen.status)
        for seen in sorted(running.containers, key=lambda seen: seen.name)
    ]


def look(topology: Topology, running: Running, ready: Ready) -> Status:
    """Return what runs now and what the front answers now."""
    is_open = any(one.is_running for one in running.of(NGINX))
    return Status(_services(topology, running), _routes(topology, ready, is_open=is_open))


def _services(topology: Topology, running: Running) -> list[ServiceStatus]:
    rows = []
    for item in topology.containers:
        seen = {container.number: container for container in running.of(item.service)}
        for number in range(1, item.replicas + 1):
            name = container_name(topology.project, item.service, number)
            if number in seen:
                one = seen[number]
                rows.append(ServiceStatus(item.service, one.name, one.state, one.status))
            else:
                rows.append(ServiceStatus(item.service, name, "missing", "stack up starts it"))
    replicas = {item.service: item.replicas for item in topology.containers}
    rows += [
        ServiceStatus(seen.service, seen.name, seen.state, "no longer in stack.yaml")
        for seen in running.containers
        if not 1 <= seen.number <= replicas.get(seen.service, 0)
    ]
    return rows


def _routes(topology: Topology, ready: Ready, *, is_open: bool) -> list[RouteStatus]:
    def ask(route: FrontRoute) -> RouteStatus:
        if not is_open:  # an answer at that port is then not from this stack
            return RouteStatus(route.path, route.service, "the front does not run", False, 0)
        proof = prove(ready, route)
        ms = round(proof.seen.seconds * 1000)
        return RouteStatus(route.path, route.service, proof.says, not proof.problem, ms)

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(ask, topology.routes))


def status(located: Located, engine: DockerEngine, say: Say) -> Status:
    """Return what runs and what the front answers."""
    running = engine.observe()
    if located.project is None:
        if located.problem and not running.containers:
            raise located.problem
        owner = located.owner
        done = ended.remembered(State(Path(owner.folder), owner.project))
        return Status(services_of(running.with_done(done)), [])
    project = located.project
    check_ours(project.owner, running)
    prepared = derive(project, source_of(project, engine, say))
    prepared = replace(prepared, front=running_front(project, prepared.front, running))
    ready = ready_for(project, prepared, engine, Watch(time.monotonic()))
    return look(prepared.topology, running.with_done(ended.remembered(project.state)), ready)
