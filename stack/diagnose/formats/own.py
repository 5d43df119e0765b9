"""What the doctor shows of a stack of our own: every route, then the findings. Pure."""

from collections.abc import Sequence
from typing import Any

from stack.diagnose.formats.as_json import document
from stack.diagnose.formats.text import counted, doctor_lines, quantity, ticked
from stack.diagnose.own.routes import said
from stack.diagnose.own.seen import Direct, RouteSeen, StackSeen
from stack.finding import Finding


def own_document(seen: StackSeen, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the routes as the front and each container answered them, and the findings."""
    routes = [
        {
            "route": item.route.path,
            "service": item.route.service,
            "answer": item.problem or item.says,
            "ok": not item.problem,
            "ms": item.ms,
            "hop_count": item.hops,
            "token_accepted": item.has_token and not item.problem,
            "direct": [
                {
                    "name": one.name,
                    "answer": one.problem or one.says,
                    "ok": one.is_well,
                    "ms": one.ms,
                }
                for one in item.direct
            ],
        }
        for item in seen.routes
    ]
    return document(findings, routes=routes)


def own_lines(seen: StackSeen, findings: Sequence[Finding]) -> list[str]:
    """Return the routes as aligned lines, the findings and the result."""
    path = max((len(item.route.path) for item in seen.routes), default=0)
    service = max((len(item.route.service) for item in seen.routes), default=0)
    table = [
        ticked(
            not item.problem,
            f"{item.route.path:<{path}}  {item.route.service:<{service}}  {_answer(item)}",
        )
        for item in seen.routes
    ]
    listed = ["", *doctor_lines(findings)] if findings else []
    return [*table, *listed, "", counted(findings) or _healthy(seen)]


def _answer(item: RouteSeen) -> str:
    if item.problem:
        return item.problem
    token = ", token accepted" if item.has_token else ""
    return (
        f"{item.says.partition(' ')[0]} in {item.ms} ms through {quantity(item.hops, 'hop')}{token}"
        f"{_direct(item.direct)}"
    )


def _direct(asked: Sequence[Direct]) -> str:
    """Return how long the containers themselves take: the rest of the time is Nginx's."""
    if not asked:
        return ""
    if any(not one.is_well for one in asked):
        return "; " + ", ".join(f"{one.name}: {said(one)}" for one in asked)
    took = ", ".join(str(one.ms) for one in asked)
    return f"; without Nginx {took} ms"


def _healthy(seen: StackSeen) -> str:
    return f"no findings: {quantity(len(seen.routes), 'route')} answered correctly"
