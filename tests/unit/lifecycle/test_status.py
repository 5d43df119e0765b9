"""Status tells what is there, what is missing and what is too much, and what the front answers."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import pytest

from stack.engines.running import Running, SeenContainer
from stack.layout.topology import Container, FrontRoute, Topology
from stack.lifecycle.status import RouteStatus, Status, look
from stack.probe.exchange import Exchange, Head
from tests.unit.diagnose.seen import answered, failed

if TYPE_CHECKING:
    from stack.proof.ready import Ready

WS = Container("ws", "ws:1", replicas=2)
NGINX = Container("nginx", "nginx:1")
ROUTE = FrontRoute("/ws", "ws", "preset", websocket=True)
TOPOLOGY = Topology("shop", 8080, (WS, NGINX), (), (), (ROUTE,))
GOOD = replace(answered(101), seconds=0.0031)
DOWN = replace(GOOD, head=Head("1.1", 502, "Bad Gateway", (("x-stack-down", "ws"),)))
SILENT = failed("refused", "connection refused")


@dataclass
class Front:
    """The only thing that status asks of Ready."""

    answers: Exchange = field(default_factory=lambda: GOOD)

    def ask_route(self, route: FrontRoute) -> Exchange:
        return self.answers


def seen(service: str, number: int, state: str = "running") -> SeenContainer:
    return SeenContainer("id", f"shop-{service}-{number}", service, number, state, "Up", "", "")


def looked(*containers: SeenContainer, answer: Exchange = GOOD, front: str = "running") -> Status:
    return look(
        TOPOLOGY, Running((*containers, seen("nginx", 1, front))), cast("Ready", Front(answer))
    )


def test_all_is_well() -> None:
    status = looked(seen("ws", 1), seen("ws", 2))
    assert status.is_well
    assert status.routes == [RouteStatus("/ws", "ws", "101", ok=True, ms=3)]


def test_what_is_missing_is_named() -> None:
    status = looked(seen("ws", 1))
    assert [(row.container, row.state) for row in status.services] == [
        ("shop-ws-1", "running"),
        ("shop-ws-2", "missing"),
        ("shop-nginx-1", "running"),
    ]
    assert not status.is_well


@pytest.mark.parametrize("surplus", [seen("old", 1), seen("ws", 3), seen("ws", 0)])
def test_what_is_too_much_is_named(surplus: SeenContainer) -> None:
    status = looked(seen("ws", 1), seen("ws", 2), surplus)
    row = status.services[-1]
    assert (row.container, row.detail) == (surplus.name, "no longer in stack.yaml")


@pytest.mark.parametrize("state", ["exited", "paused", "restarting", "created"])
def test_what_does_not_run_is_not_well(state: str) -> None:
    assert not looked(seen("ws", 1), seen("ws", 2, state)).is_well


@pytest.mark.parametrize(
    ("answer", "text"),
    [(DOWN, "502 Bad Gateway: Nginx cannot reach ws"), (SILENT, "connection refused")],
)
def test_a_route_that_does_not_answer_says_why(answer: Exchange, text: str) -> None:
    status = looked(seen("ws", 1), seen("ws", 2), answer=answer)
    assert [(row.answer, row.ok) for row in status.routes] == [(text, False)]
    assert not status.is_well


def test_who_answers_at_the_port_of_a_front_that_does_not_run_is_not_asked() -> None:
    status = looked(seen("ws", 1), seen("ws", 2), front="exited")
    assert [(row.answer, row.ok) for row in status.routes] == [("the front does not run", False)]
