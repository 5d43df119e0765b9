from dataclasses import replace
from typing import Any

from stack.diagnose.formats.own import own_document, own_lines
from stack.diagnose.own.seen import Direct, RouteSeen, StackSeen
from stack.layout.topology import FrontRoute

FILES = RouteSeen(FrontRoute("/", "site", "static", websocket=False), "200 OK", "", False, 1)
ONE = Direct("s-ws-1", "101 Switching Protocols", "", 101, 2)
ROUTE = FrontRoute("/ws", "ws", "preset", websocket=True)
WS = RouteSeen(ROUTE, ONE.says, "", False, 4, direct=(ONE, replace(ONE, ms=3)), has_token=True)
BAD = replace(ONE, name="s-ws-2", problem="connection refused", status=0)


def stack(*routes: RouteSeen) -> StackSeen:
    return StackSeen((), "g", "g", is_published=True, services={}, routes=routes)


def first(route: RouteSeen) -> dict[str, Any]:
    value: dict[str, Any] = own_document(stack(route), [])["routes"][0]
    return value


def test_a_healthy_stack_is_one_calm_picture() -> None:
    assert own_lines(stack(FILES, WS), []) == [
        "  ✓ /    site  200 in 1 ms through 1 hop",
        "  ✓ /ws  ws    101 in 4 ms through 2 hops, token accepted; without Nginx 2, 3 ms",
        "",
        "no findings: 2 routes answered correctly",
    ]


def test_json_says_the_same() -> None:
    seen = first(WS)
    assert (seen["answer"], seen["ms"], seen["hop_count"], seen["token_accepted"]) == (
        "101 Switching Protocols",
        4,
        2,
        True,
    )
    assert [(one["name"], one["ms"]) for one in seen["direct"]] == [("s-ws-1", 2), ("s-ws-1", 3)]


def test_a_container_that_fails_is_told_by_its_name() -> None:
    line, *_ = own_lines(stack(replace(WS, direct=(ONE, BAD))), [])
    assert line.endswith("; s-ws-1: 101 Switching Protocols in 2 ms, s-ws-2: connection refused")


def test_a_token_is_not_accepted_where_the_route_fails() -> None:
    failing = replace(WS, problem="answered 401 Unauthorized")
    assert first(failing)["token_accepted"] is False
    line, *_ = own_lines(stack(failing), [])
    assert line == "  ✗ /ws  ws  answered 401 Unauthorized"
