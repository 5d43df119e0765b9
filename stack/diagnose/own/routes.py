"""Concludes why a route of our own stack fails although its containers run. Pure.

What the front answered and what each container answered itself stand side by side.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from stack.diagnose.own import causes
from stack.diagnose.own.seen import Direct, RouteSeen, ServiceSeen, StackSeen
from stack.finding import Cause, Finding

_ADDRESS = re.compile(r"(?P<ip>[\d.]+):\d+")  # the name of an upstream is not an address
Pairs = tuple[tuple[str, str], ...]


def of_limits(seen: StackSeen) -> Iterator[Finding]:
    """Report once for all routes that Nginx itself is at its limit."""
    for item in seen.routes:
        for entry in item.nginx:
            if entry.meaning and entry.is_limit:
                text = (("Nginx", entry.message),)
                yield finding(
                    causes.FRONT_FULL, "nginx", entry.meaning.says, entry.meaning.fix, *text
                )
                return


def of_route(seen: StackSeen, item: RouteSeen) -> list[Finding]:
    """Return what is wrong with one route; nothing if it and all its containers answer."""
    service = seen.services.get(item.route.service)
    if found := _one_of_several(item):
        return [found]
    if not item.problem:
        return list(_reverse(item))
    if told := item.told:
        front, *rest = _side_by_side(item)
        pairs = dict([front, *told.seen, *rest]).items()
        return [finding(told.cause, item.route.service, told.message, told.fix, *pairs)]
    if service and (found := _stale_address(item, service)):
        return [found]
    answers = bool(item.direct) and all(one.is_well for one in item.direct)
    here = _side_by_side(item)
    if answers:
        return [_front_alters(item, here), *item.findings]
    if item.findings:
        return [replace(one, seen=(*one.seen, *here[1:])) for one in item.findings]
    return [_fails(item, here)]


def finding(cause: Cause, where: str, message: str, fix: str, *seen: tuple[str, str]) -> Finding:
    """Return a finding as severe as its cause."""
    return Finding(cause, where, message, fix, cause.severity, seen)


def _one_of_several(item: RouteSeen) -> Finding | None:
    bad = [one.name for one in item.direct if not one.is_well]
    if not bad or len(bad) == len(item.direct):
        return None
    names = ", ".join(bad)
    message = (
        f"{names} {'fails' if len(bad) == 1 else 'fail'} on {item.route.path}, the others do not"
    )
    fix = f"stack logs {item.route.service}; stack restart {item.route.service}"
    return finding(causes.ONE_OF_SEVERAL, item.route.service, message, fix, *_side_by_side(item))


def _reverse(item: RouteSeen) -> Iterator[Finding]:
    """Find an answer that comes from elsewhere: no container of the service answers in HTTP."""
    if item.direct and all(not one.status for one in item.direct):
        message = f"the front answers on {item.route.path}, but no container of the service does"
        fix = f"stack restart {item.route.service}"
        yield finding(causes.OTHER_ANSWERS, item.route.service, message, fix, *_side_by_side(item))


def _stale_address(item: RouteSeen, service: ServiceSeen) -> Finding | None:
    asked = [entry.upstream.partition("://")[2].partition("/")[0] for entry in item.nginx]
    asked += [address for address, _ in item.access.tries] if item.access else []
    found = [match for one in asked if (match := _ADDRESS.fullmatch(one))]
    gone = [one[0] for one in found if one["ip"] not in service.addresses]
    if not gone or not service.addresses:
        return None
    now = ", ".join(f"{name} has {address}" for address, name in service.addresses.items())
    message = f"Nginx uses {gone[0]}, an address that no container of the service has"
    pairs = (*_side_by_side(item), ("addresses", now))
    fix = "stack up; if that has nothing to change: stack restart nginx"
    return finding(causes.STALE_ADDRESS, item.route.service, message, fix, *pairs)


def _front_alters(item: RouteSeen, here: Pairs) -> Finding:
    known = next((entry.meaning for entry in item.nginx if entry.meaning), None)
    message = "the service answers, the front does not"
    message += f": {known.says}" if known else ""
    fix = known.fix if known else "stack up writes and loads the configuration of stack.yaml"
    return finding(causes.FRONT_ALTERS, item.route.service, message, fix, *here)


def _fails(item: RouteSeen, here: Pairs) -> Finding:
    known = next((entry.meaning for entry in item.nginx if entry.meaning), None)
    message = known.says if known else f"error answer on {item.route.path}"
    fix = known.fix if known else f"stack logs {item.route.log_of}"
    return finding(causes.ROUTE_FAILS, item.route.service, message, fix, *here)


def _side_by_side(item: RouteSeen) -> Pairs:
    """Return the front's answer, those of the containers, and what Nginx logged about it."""
    return (
        (f"{item.route.path} by the front", item.problem or item.says),
        *((f"{one.name} itself", said(one)) for one in item.direct),
        *(("error log", f"{one.message} {one.upstream}".strip()) for one in item.nginx),
        *(("access log", text) for text in _logged(item)),
    )


def said(one: Direct) -> str:
    """Return a container's own answer and how long it took."""
    return one.problem or f"{one.says} in {one.ms} ms"


def _logged(item: RouteSeen) -> Iterable[str]:
    if item.access:
        tries = ", ".join(f"{address} gave {status}" for address, status in item.access.tries)
        yield f"{item.access.status}: {tries or 'Nginx asked no upstream'}"
