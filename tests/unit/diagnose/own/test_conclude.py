from dataclasses import replace
from typing import Any

import pytest

from stack.diagnose.nginx.log import entries
from stack.diagnose.own import causes
from stack.diagnose.own.conclude import conclude
from stack.diagnose.own.seen import RouteSeen, ServiceSeen, Silent, StackSeen
from stack.engines.running import SeenContainer
from stack.finding import Finding
from stack.layout.topology import FrontRoute
from stack.probe.proc_net import Listener
from stack.proof.causes import HOST_LOOPBACK
from stack.proof.host_port import Told

NGINX = ServiceSeen("nginx", 8080)
API = ServiceSeen("api", 8000)
WELL = RouteSeen(FrontRoute("/", "api", "build", websocket=False), "200 OK", "", False, 3)
AWAY = replace(WELL, says="502", problem="502: Nginx cannot reach api", is_unreachable=True)
HOST = replace(AWAY, route=FrontRoute("/", "app", "host", websocket=False, port=3000))


def seen(*services: ServiceSeen, route: RouteSeen = WELL, **more: Any) -> StackSeen:
    named = {item.service: item for item in (NGINX, API, *services)}
    base = StackSeen((), "g1", "g1", is_published=True, services=named, routes=(route,))
    return replace(base, **more)


def only(stack: StackSeen) -> Finding:
    (found,) = conclude(stack)
    return found


def test_a_healthy_stack_has_no_findings() -> None:
    assert conclude(seen()) == []


def test_a_container_that_ended_is_named_with_its_last_lines() -> None:
    ended = SeenContainer("1", "s-api-1", "api", 1, "exited", "Exited (1)", "f", "i")
    api = replace(API, ended=(ended,), log=("boom",))
    found = only(seen(api, route=AWAY, changes=("start s-api-1",)))
    assert (found.code, found.where, found.fix) == (
        "WS203",
        "api",
        "stack logs api; then: stack up",
    )
    assert found.seen == (("s-api-1", "Exited (1)"), ("its log", "boom"))


def test_a_missing_nginx_explains_all_routes() -> None:
    found = only(seen(replace(NGINX, missing=("s-nginx-1",)), route=AWAY, loaded=""))
    assert (found.code, found.where, found.fix) == ("WS203", "nginx", "stack up")


def test_a_lost_front_port_explains_all_routes() -> None:
    assert only(seen(route=AWAY, is_published=False, loaded="")).cause is causes.PORT_LOST


def test_another_configuration_in_force_is_named() -> None:
    found = only(seen(loaded="old"))
    assert found.cause is causes.NOT_LOADED
    assert found.seen == (("in force", "old"), ("on disk", "g1"))


def test_what_is_told_of_a_host_service_is_its_finding() -> None:
    told = Told(HOST_LOOPBACK, "open on 127.0.0.1 only", "start it elsewhere", (("a", "b"),))
    found = only(seen(route=replace(HOST, told=told)))
    assert (found.cause, found.where, found.fix) == (HOST_LOOPBACK, "app", told.fix)
    assert found.seen == (("/ by the front", HOST.problem), ("a", "b"))


def test_a_container_on_another_port_gets_the_edit() -> None:
    api = replace(API, listening=(Listener("0.0.0.0", 3000), Listener("127.0.0.11", 40000)))
    found = only(seen(api, route=AWAY))
    assert (found.cause, found.fix) == (causes.OTHER_PORT, "stack.yaml: services.api.port: 3000")


def test_a_container_on_its_own_loopback_is_told() -> None:
    api = replace(API, listening=(Listener("127.0.0.1", 8000), Listener("0.0.0.0", 9000)))
    assert only(seen(api, route=AWAY)).cause is causes.INSIDE_LOOPBACK


@pytest.mark.parametrize("listening", [None, (), (Listener("0.0.0.0", 8000),)])
def test_what_cannot_be_explained_is_not_invented(listening: tuple[Listener, ...] | None) -> None:
    found = only(seen(replace(API, listening=listening), route=AWAY))
    assert (found.cause, found.seen) == (causes.ROUTE_FAILS, (("/ by the front", AWAY.problem),))


def test_what_nginx_wrote_explains_the_rest() -> None:
    line = "2026/11/24 03:14:44 [error] 29#29: *7 upstream prematurely closed connection"
    found = only(seen(route=replace(AWAY, nginx=tuple(entries([line])))))
    assert (found.cause, found.fix) == (causes.ROUTE_FAILS, "check the log of the service")
    assert ("error log", "upstream prematurely closed connection") in found.seen


def test_changes_are_told_when_nothing_else_is_wrong() -> None:
    found = only(seen(changes=("recreate s-api-1",)))
    assert (found.cause, found.severity) == (causes.NOT_APPLIED, "warning")


def test_codes_are_unique_and_in_their_range() -> None:
    codes = [cause.code for cause in causes.OWN_CAUSES]
    assert codes == sorted(set(codes))
    assert all(code.startswith("WS2") for code in codes)


QUIET = Silent("s-api-1", "HTTP on /ready", "503", "s-api-1 runs and does not answer", "stack logs")
STORE = ServiceSeen("db", 5432, silent=(replace(QUIET, container="s-db-1", is_refused=True),))


def test_a_container_that_runs_and_is_not_ready_is_told() -> None:
    found = only(seen(replace(API, silent=(QUIET,))))
    assert (found.cause, found.where, found.fix) == (causes.NOT_READY, "api", "stack logs")
    assert found.seen == (("s-api-1", "asked HTTP on /ready: 503"),)


def test_a_refused_password_explains_who_waits_for_it() -> None:
    found = only(seen(replace(API, silent=(QUIET,), needs=("db",)), STORE))
    assert (found.cause, found.where) == (causes.PASSWORD_REFUSED, "db")


def test_a_need_of_a_need_explains_it_too() -> None:
    middle = ServiceSeen("middle", 1, silent=(QUIET,), needs=("db",))
    found = only(seen(replace(API, silent=(QUIET,), needs=("middle",)), middle, STORE))
    assert found.where == "db"


def test_who_is_not_ready_because_of_its_port_gets_the_edit() -> None:
    api = replace(API, silent=(QUIET,), listening=(Listener("0.0.0.0", 3000),))
    assert only(seen(api)).cause is causes.OTHER_PORT


def test_a_limit_of_nginx_explains_every_route() -> None:
    line = "2026/11/24 03:14:44 [alert] 29#29: 8 worker_connections are not enough"
    full = replace(AWAY, is_unreachable=False, nginx=tuple(entries([line])))
    found = only(seen(route=full, routes=(full, replace(full, route=HOST.route))))
    assert (found.cause, found.where) == (causes.FRONT_FULL, "nginx")


def test_routes_that_fail_alike_are_one_finding() -> None:
    line = "2026/11/24 03:14:44 [error] 29#29: *7 upstream prematurely closed connection"
    one = replace(AWAY, is_unreachable=False, nginx=tuple(entries([line])))
    two = replace(one, route=replace(one.route, path="/two"))
    found = only(seen(routes=(one, two)))
    assert [label for label, _ in found.seen] == [
        "/ by the front",
        "error log",
        "/two by the front",
    ]
