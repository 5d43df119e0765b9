"""What the doctor says of a stack of our own: every route, then the findings. Pure."""

from collections.abc import Sequence
from typing import Any

from stack.diagnose.finding import Finding
from stack.diagnose.formats.document import document
from stack.diagnose.formats.text import counted, doctor_lines, quantity
from stack.diagnose.own_stack import RouteSeen, StackSeen


def own_document(seen: StackSeen, findings: Sequence[Finding]) -> dict[str, Any]:
    """Give the routes as the front door answered them, and the findings."""
    routes = [
        {
            "route": item.route.path,
            "service": item.route.service,
            "answer": item.problem or item.says,
            "ok": not item.problem,
            "ms": item.ms,
        }
        for item in seen.routes
    ]
    return document(findings, routes=routes)


def own_lines(seen: StackSeen, findings: Sequence[Finding]) -> list[str]:
    """Give the routes as aligned lines, the findings, and what it comes to."""
    path = max((len(item.route.path) for item in seen.routes), default=0)
    service = max((len(item.route.service) for item in seen.routes), default=0)
    table = [
        f"  {'✗' if item.problem else '✓'} {item.route.path:<{path}}  "
        f"{item.route.service:<{service}}  {_answer(item)}"
        for item in seen.routes
    ]
    said = ["", *doctor_lines(findings)] if findings else []
    return [*table, *said, "", counted(findings) or _healthy(seen)]


def _answer(item: RouteSeen) -> str:
    return item.problem or f"{item.says} in {item.ms} ms"


def _healthy(seen: StackSeen) -> str:
    return f"no findings: {quantity(len(seen.routes), 'route')} answered as wanted"
