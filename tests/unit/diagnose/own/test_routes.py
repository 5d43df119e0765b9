"""The front and the containers themselves, side by side: who is to blame."""

from dataclasses import replace
from typing import Any

import pytest

from stack.diagnose.nginx.access_log import Access
from stack.diagnose.nginx.log import entries
from stack.diagnose.own import causes
from stack.diagnose.own.routes import of_limits, of_route
from stack.diagnose.own.seen import Direct, RouteSeen, ServiceSeen, StackSeen
from stack.finding import Cause, Finding
from stack.layout.topology import FrontRoute

OPENS = "101 Switching Protocols"
ONE = Direct("s-ws-1", OPENS, "", 101, 2)
TWO = replace(ONE, name="s-ws-2")
BAD = replace(TWO, says="404 Not Found", problem="answered 404 Not Found, not 101", status=404)
SILENT = replace(TWO, says="", problem="connection refused", status=0)
ROUTE = FrontRoute("/ws", "ws", "preset", websocket=True)
WELL = RouteSeen(ROUTE, OPENS, "", False, 3, direct=(ONE, TWO))
FAILS = replace(WELL, says="426 Upgrade Required", problem="answered 426, not 101")
HEAD = "2026/11/25 00:49:24 [error] 1#1: *1 "
SERVICE = ServiceSeen("ws", 3002, addresses={"172.18.0.4": "s-ws-1", "172.18.0.5": "s-ws-2"})
ASKED = Finding(causes.NOT_READY, "ws://x", "of the address", "", "error", (("x", "426"),))


def stack(item: RouteSeen) -> StackSeen:
    return StackSeen((), "g", "g", is_published=True, services={"ws": SERVICE}, routes=(item,))


def found(item: RouteSeen) -> list[Finding]:
    return of_route(stack(item), item)


def written(message: str, address: str) -> Any:
    return tuple(entries([f'{HEAD}{message}, upstream: "http://{address}/ws?token=x"']))


def test_a_route_that_answers_everywhere_has_no_finding() -> None:
    assert found(WELL) == []
    assert found(replace(WELL, direct=())) == []


@pytest.mark.parametrize("front", [WELL, FAILS])
def test_one_bad_container_of_several_is_named(front: RouteSeen) -> None:
    (one,) = found(replace(front, direct=(ONE, BAD)))
    assert (one.cause, one.message) == (
        causes.ONE_OF_SEVERAL,
        "s-ws-2 fails on /ws, the others do not",
    )
    assert ("s-ws-1 itself", f"{OPENS} in 2 ms") in one.seen
    assert ("s-ws-2 itself", BAD.problem) in one.seen


def test_a_server_error_of_one_container_counts_on_a_plain_route() -> None:
    plain = replace(ROUTE, websocket=False)
    direct = (replace(ONE, says="200 OK", status=200), replace(TWO, says="500 Oh", status=500))
    (one,) = found(replace(WELL, route=plain, says="200 OK", direct=direct))
    assert one.cause is causes.ONE_OF_SEVERAL


def test_the_service_answers_and_the_front_does_not() -> None:
    (one, more) = found(replace(FAILS, findings=(ASKED,), access=Access(426, ())))
    assert (one.cause, more) == (causes.FRONT_ALTERS, ASKED)
    assert one.seen == (
        ("/ws by the front", FAILS.problem),
        ("s-ws-1 itself", f"{OPENS} in 2 ms"),
        ("s-ws-2 itself", f"{OPENS} in 2 ms"),
        ("access log", "426: Nginx asked no upstream"),
    )


def test_what_nginx_wrote_says_why_the_front_does_not() -> None:
    nginx = written("upstream sent too big header while reading", "172.18.0.4:3002")
    (one,) = found(replace(FAILS, nginx=nginx))
    assert one.message.endswith(
        "does not: the service answers with more headers than Nginx accepts, most often cookies"
    )
    assert one.fix == "raise proxy_buffer_size"


@pytest.mark.parametrize(
    ("direct", "cause"), [((SILENT,), causes.OTHER_ANSWERS), ((BAD,), None), ((), None)]
)
def test_only_silence_is_the_reverse(direct: tuple[Direct, ...], cause: Cause | None) -> None:
    """An answer that differs is no proof: the service may judge by where a request comes from."""
    assert [one.cause for one in found(replace(WELL, direct=direct))] == ([cause] if cause else [])


def test_where_both_fail_the_service_is_to_blame_and_its_own_answer_stands_beside() -> None:
    (one,) = found(replace(FAILS, direct=(BAD,), findings=(ASKED,)))
    assert (one.cause, one.seen) == (ASKED.cause, (*ASKED.seen, ("s-ws-2 itself", BAD.problem)))
    (one,) = found(replace(FAILS, direct=(BAD,)))
    assert (one.cause, one.message) == (causes.ROUTE_FAILS, "error answer on /ws")


def test_an_address_of_no_container_is_stale() -> None:
    nginx = written("connect() failed (113: Host is unreachable) while", "172.18.0.9:3002")
    (one,) = found(replace(FAILS, nginx=nginx))
    assert one.cause is causes.STALE_ADDRESS
    assert one.message.startswith("Nginx uses 172.18.0.9:3002,")
    assert ("addresses", "s-ws-1 has 172.18.0.4, s-ws-2 has 172.18.0.5") in one.seen
    (one,) = found(replace(FAILS, access=Access(404, (("172.18.0.9:3002", "404"),))))
    assert one.cause is causes.STALE_ADDRESS


@pytest.mark.parametrize("address", ["172.18.0.4:3002", "dead"])
def test_an_address_that_a_container_has_and_a_name_are_not_stale(address: str) -> None:
    (one,) = found(replace(FAILS, nginx=written("something new", address)))
    assert one.cause is causes.FRONT_ALTERS


def test_a_limit_of_nginx_is_said_once() -> None:
    nginx = tuple(entries([HEAD + "4096 worker_connections are not enough"] * 2))
    (one,) = of_limits(stack(replace(FAILS, nginx=nginx)))
    assert (one.cause, one.where, one.fix) == (
        causes.FRONT_FULL,
        "nginx",
        "raise worker_connections",
    )
    assert list(of_limits(stack(FAILS))) == []
