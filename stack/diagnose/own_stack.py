"""Concludes what is wrong with a stack of our own from what was seen of it. Pure.

``examine`` gathers the evidence; this says what it means, the nearest cause of each failure only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stack.diagnose import own_causes as causes
from stack.diagnose.finding import Cause, Finding
from stack.diagnose.listeners import Listener
from stack.diagnose.nginx_log import Entry
from stack.diagnose.proc_net import is_loopback
from stack.presets import NGINX
from stack.running import SeenContainer
from stack.topology import FrontRoute

Listeners = tuple[Listener, ...]


@dataclass(frozen=True)
class ServiceSeen:
    """The containers of one service. ``missing`` and ``ended`` are names.

    ``port`` is the one that Nginx connects to. ``listening`` is what listens inside, or on this
    machine for a host service; None where nobody could look. ``log`` is why it failed.
    """

    service: str
    port: int | None
    missing: tuple[str, ...] = ()
    ended: tuple[SeenContainer, ...] = ()
    listening: Listeners | None = None
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class RouteSeen:
    """What the front door said on one route; ``problem`` is empty when all is well.

    ``nginx`` is what Nginx wrote into its error log about it, ``findings`` what came of asking the
    front door in other ways, as for any address.
    """

    route: FrontRoute
    says: str
    problem: str
    is_unreachable: bool
    ms: int
    nginx: tuple[Entry, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class StackSeen:
    """Everything that was seen. ``changes`` are the steps that ``up`` would take.

    ``loaded`` and ``on_disk`` are generations of the Nginx configuration: in force, and mounted.
    """

    changes: tuple[str, ...]
    loaded: str
    on_disk: str
    is_published: bool
    services: Mapping[str, ServiceSeen]
    routes: tuple[RouteSeen, ...]


def conclude(seen: StackSeen) -> list[Finding]:
    """Give what is wrong, the nearest cause of each failure, most important first."""
    found = [*_not_running(seen), *_front(seen)]
    explained = {finding.where for finding in found}
    if NGINX not in explained:  # else every route fails, for that one reason
        failing = dict.fromkeys(item.route.service for item in seen.routes if item.problem)
        for service in failing:
            found += [] if service in explained else _of_service(seen, service)
    return [*found, *_not_applied(seen, bool(found))]


def _not_running(seen: StackSeen) -> Iterator[Finding]:
    for item in seen.services.values():
        states = [(name, "there is no such container") for name in item.missing]
        states += [(one.name, one.status or one.state) for one in item.ended]
        if states:
            names = ", ".join(name for name, _ in states)
            verb = "does" if len(states) == 1 else "do"
            log = [("its log", "\n".join(item.log))] if item.log else []
            fix = f"stack logs {item.service}" if item.log else "stack up"
            yield _finding(
                causes.NOT_RUNNING, item.service, f"{names} {verb} not run", fix, *states, *log
            )


def _front(seen: StackSeen) -> Iterator[Finding]:
    nginx = seen.services.get(NGINX)
    if nginx and (nginx.missing or nginx.ended):
        return
    if not seen.is_published:
        yield _finding(
            causes.PORT_LOST, NGINX, "it runs, but its port is not published", "stack up"
        )
    elif seen.loaded and seen.on_disk and seen.loaded != seen.on_disk:
        yield _finding(
            causes.NOT_LOADED,
            NGINX,
            "the configuration in force is not the one on disk",
            "stack up",
            ("in force", seen.loaded),
            ("on disk", seen.on_disk),
        )


def _of_service(seen: StackSeen, service: str) -> list[Finding]:
    """Say why the routes of a service fail though its containers, if it has some, run."""
    routes = [item for item in seen.routes if item.route.service == service and item.problem]
    answers = [(item.route.path, item.problem) for item in routes]
    item = seen.services.get(service)
    if item and item.listening is not None and any(route.is_unreachable for route in routes):
        is_host = routes[0].route.source == "host"
        explain = _unreachable_host if is_host else _unreachable_container
        if found := explain(service, item.port, item.listening, answers):
            return [found]
    if from_address := [finding for route in routes for finding in route.findings]:
        return from_address
    written = [line for route in routes for line in route.nginx]
    known = next((line.meaning for line in written if line.meaning), None)
    message = known.says if known else f"no success on {', '.join(path for path, _ in answers)}"
    fix = known.fix if known else f"stack logs {service}"
    seen_there = [("Nginx", f"{line.message} {line.upstream}".strip()) for line in written]
    return [_finding(causes.ROUTE_FAILS, service, message, fix, *answers, *seen_there)]


def _unreachable_host(
    service: str, port: int | None, listening: Listeners, answers: list[tuple[str, str]]
) -> Finding:
    here = tuple(item for item in listening if item.port == port)
    seen = [*answers, ("listens on", _said(here))]
    if not here:
        fix = f"start it on port {port}, or correct stack.yaml: services.{service}.host"
        return _finding(causes.HOST_SILENT, service, f"nothing listens on port {port}", fix, *seen)
    if all(is_loopback(item) for item in here):
        message = f"port {port} is open on loopback only, where Nginx cannot reach it"
        fix = "start your dev server on 0.0.0.0, such as: next dev -H 0.0.0.0, vite --host 0.0.0.0"
        return _finding(causes.HOST_LOOPBACK, service, message, fix, *seen)
    fix = f"allow containers in your firewall, such as: ufw allow proto tcp to any port {port}"
    return _finding(
        causes.HOST_BLOCKED, service, f"port {port} is open, yet not for containers", fix, *seen
    )


def _unreachable_container(
    service: str, port: int | None, listening: Listeners, answers: list[tuple[str, str]]
) -> Finding | None:
    outward = [item for item in listening if not is_loopback(item)]
    seen = [*answers, ("listens on", _said(listening))]
    if any(item.port == port for item in outward):
        return None
    if any(item.port == port for item in listening):
        message = f"port {port} is open inside its container only"
        return _finding(causes.INSIDE_LOOPBACK, service, message, "let it listen on 0.0.0.0", *seen)
    if not outward:
        return None  # it is not ready, or about to end: its log knows
    ports = sorted({item.port for item in outward})
    fix = f"stack.yaml: services.{service}.port: {ports[0]}"
    message = f"listens on {', '.join(map(str, ports))}, while stack.yaml says {port}"
    return _finding(causes.OTHER_PORT, service, message, fix, *seen)


def _not_applied(seen: StackSeen, is_explained: bool) -> Iterator[Finding]:
    """Say that ``up`` has something to do, unless that is only to mend what was found."""
    if seen.changes and not is_explained:
        steps = [("stack up", change) for change in seen.changes]
        message = "stack.yaml was changed since the last stack up"
        yield _finding(causes.NOT_APPLIED, "stack.yaml", message, "stack up", *steps)


def _said(listening: Listeners) -> str:
    return ", ".join(f"{item.address}:{item.port}" for item in listening) or "nothing"


def _finding(cause: Cause, where: str, message: str, fix: str, *seen: tuple[str, str]) -> Finding:
    return Finding(cause, where, message, fix, cause.severity, seen)
