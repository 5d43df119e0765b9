"""Concludes what is wrong with a stack of our own from what was seen of it. Pure.

``examine`` gathers the evidence; this module returns the nearest cause of each failure only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from stack.config.presets import NGINX
from stack.diagnose.own import causes
from stack.diagnose.own.routes import finding, of_limits, of_route
from stack.diagnose.own.seen import Listeners, RouteSeen, ServiceSeen, StackSeen
from stack.finding import Finding
from stack.probe.proc_net import is_loopback
from stack.proof.host_port import said


def conclude(seen: StackSeen) -> list[Finding]:
    """Return what is wrong: the nearest cause of each failure, most important first."""
    found = [*_not_running(seen), *_front(seen)]
    explained = {one.where for one in found}
    if NGINX not in explained:  # else every route fails for this one reason
        found += list(of_limits(seen)) or _of_services(seen, explained)
    return [*found, *_not_applied(seen, bool(found))]


def _of_services(seen: StackSeen, explained: set[str]) -> list[Finding]:
    names = dict.fromkeys([*seen.services, *(item.route.service for item in seen.routes)])
    return [one for name in names if name not in explained for one in _of_service(seen, name)]


def _of_service(seen: StackSeen, service: str) -> list[Finding]:
    """Return what fails of a service whose containers, if it has any, run."""
    routes = [item for item in seen.routes if item.route.service == service]
    item = seen.services.get(service)
    if item and (one := _unreachable(item, routes)):
        return [one]
    if item and item.silent and not _is_consequence(seen, item):
        return list(_silent(item))
    return _merged(one for route in routes for one in of_route(seen, route))


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """Merge findings that are equal for several routes into one, with the evidence of all."""
    merged: dict[tuple[str, str], Finding] = {}
    for one in findings:
        first = merged.get((one.code, one.message))
        seen = (*first.seen, *one.seen) if first else one.seen
        merged[one.code, one.message] = replace(one, seen=tuple(dict.fromkeys(seen)))
    return list(merged.values())


def _is_consequence(seen: StackSeen, item: ServiceSeen) -> bool:
    """Whether it cannot answer because a service that it needs does not."""
    needed = [seen.services[name] for name in item.needs if name in seen.services]
    return any(not one.is_well or _is_consequence(seen, one) for one in needed)


def _silent(item: ServiceSeen) -> Iterator[Finding]:
    for one in item.silent:
        pairs = [(one.container, f"asked {one.asked}: {one.answer or 'no answer'}")]
        pairs += [("its log", "\n".join(one.log))] if one.log else []
        cause = causes.PASSWORD_REFUSED if one.is_refused else causes.NOT_READY
        yield finding(cause, item.service, one.message, one.fix, *pairs)


def _not_running(seen: StackSeen) -> Iterator[Finding]:
    for item in seen.services.values():
        states = [(name, "there is no such container") for name in item.missing]
        states += [(one.name, one.status or one.state) for one in item.ended]
        if states:
            names = ", ".join(name for name, _ in states)
            verb = "does" if len(states) == 1 else "do"
            log = [("its log", "\n".join(item.log))] if item.log else []
            fix = f"stack logs {item.service}; then: stack up" if item.log else "stack up"
            yield finding(
                causes.NOT_RUNNING, item.service, f"{names} {verb} not run", fix, *states, *log
            )


def _front(seen: StackSeen) -> Iterator[Finding]:
    nginx = seen.services.get(NGINX)
    if nginx and (nginx.missing or nginx.ended):
        return
    if not seen.is_published:
        yield finding(causes.PORT_LOST, NGINX, "it runs, but its port is not published", "stack up")
    elif seen.loaded and seen.on_disk and seen.loaded != seen.on_disk:
        yield finding(
            causes.NOT_LOADED,
            NGINX,
            "the configuration in force is not the one on disk",
            "stack up",
            ("in force", seen.loaded),
            ("on disk", seen.on_disk),
        )


def _unreachable(item: ServiceSeen, routes: list[RouteSeen]) -> Finding | None:
    """Compare the port that Nginx connects to with what listens there."""
    answers = [(one.route.path, one.problem) for one in routes if one.is_unreachable]
    answers = answers or [(one.container, one.answer) for one in item.silent]
    if item.listening is None or not answers:
        return None
    return _unreachable_container(item.service, item.port, item.listening, answers)


def _unreachable_container(
    service: str, port: int | None, listening: Listeners, answers: list[tuple[str, str]]
) -> Finding | None:
    outward = [item for item in listening if not is_loopback(item)]
    seen = [*answers, ("listens on", said(listening))]
    if any(item.port == port for item in outward):
        return None
    if any(item.port == port for item in listening):
        message = f"port {port} is open inside its container only"
        return finding(causes.INSIDE_LOOPBACK, service, message, "let it listen on 0.0.0.0", *seen)
    if not outward:
        return None  # it is not ready, or about to end: its log says why
    ports = sorted({item.port for item in outward})
    fix = f"stack.yaml: services.{service}.port: {ports[0]}"
    message = f"listens on {', '.join(map(str, ports))}, but stack.yaml says {port}"
    return finding(causes.OTHER_PORT, service, message, fix, *seen)


def _not_applied(seen: StackSeen, is_explained: bool) -> Iterator[Finding]:
    """Report that ``up`` has changes to make, unless they only repair what was found."""
    if seen.changes and not is_explained:
        steps = [("stack up", change) for change in seen.changes]
        message = "stack.yaml was changed since the last stack up"
        yield finding(causes.NOT_APPLIED, "stack.yaml", message, "stack up", *steps)
