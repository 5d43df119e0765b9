"""stack/layout/routing.py: what is decided for each path, seen without Nginx."""

import re
from typing import Any

import pytest

from stack.config.model import Deploy, Stack
from stack.errors import ConfigError
from stack.layout.routing import (
    RESOLVES_GROUPS,
    Files,
    Proxy,
    Routing,
    Upstream,
    deploy_routing,
    dev_routing,
    nginx_time,
)

SERVICES = {
    "app": {"host": 3000},
    "api": {"image": "example", "port": 8000},
    "ws": {"preset": "realtime", "port": 3002},
    "site": {"static": "./public"},
}


def stack_of(**routes: Any) -> Stack:
    return Stack.model_validate({"name": "shop", "services": SERVICES, "routes": routes})


def dev(**routes: Any) -> Routing:
    return dev_routing(stack_of(**routes))


def deploy(routes: dict[str, Any], **values: Any) -> Routing:
    tls = {"certificate": "/c", "key": "/k"}
    settings = Deploy.model_validate({"host": "shop.example.com", "tls": tls} | values)
    return deploy_routing(stack_of(**routes), settings)


def only(routing: Routing) -> Proxy:
    (proxy,) = routing.sockets + routing.proxies
    return proxy


def test_the_longest_path_comes_first() -> None:
    routing = dev(**{"/": "api", "/api/v2": "api", "/api": "api"})
    assert [proxy.prefix for proxy in routing.proxies] == ["/api/v2/", "/api/", "/"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api//"])
def test_a_path_has_one_spelling(path: str) -> None:
    proxy = only(dev(**{path: "api"}))
    assert (proxy.path, proxy.prefix, proxy.label) == ("/api", "/api/", "/api")


def test_the_root_has_no_entrance() -> None:
    proxy = only(dev(**{"/": "api"}))
    assert (proxy.path, proxy.prefix, proxy.label) == ("", "/", "/")


def test_a_path_without_a_slash_is_no_other_kind_of_location() -> None:
    with pytest.raises(ConfigError, match=r"^stack\.yaml: routes: '~ x' does not start with /$"):
        dev(**{"~ x": "api"})


def test_the_same_stack_in_another_order_is_the_same_view() -> None:
    routes = {"/a": "api", "/b": {"to": "api", "strip_prefix": True}, "/": "app"}
    assert dev(**routes) == dev(**dict(reversed(routes.items())))


@pytest.mark.parametrize(
    ("route", "idle", "upgrades"),
    [
        ({"to": "ws", "websocket": True}, "1h", True),
        ({"to": "ws", "websocket": True, "idle_timeout": "90s"}, "90s", True),
        ({"to": "api"}, "1m", False),
        ({"to": "app"}, "1h", True),  # a hot-reload socket without pings would be cut each minute
    ],
)
def test_dev_upgrades_and_timeouts(route: dict[str, Any], idle: str, upgrades: bool) -> None:
    proxy = only(dev(**{"/x": route}))
    assert (proxy.idle, proxy.upgrades) == (idle, upgrades)


def test_production_upgrades_only_where_it_is_written() -> None:
    routing = deploy({"/": "app", "/ws": {"to": "ws", "websocket": True}})
    assert [proxy.service for proxy in routing.sockets] == ["ws"]
    assert [(proxy.service, proxy.idle) for proxy in routing.proxies] == [("app", "1m")]


def test_dev_asks_dns_for_containers_and_hosts_for_dev_servers() -> None:
    routing = dev(**{"/": "app", "/api": "api"})
    assert routing.resolvers == ("127.0.0.11",)
    assert routing.upstreams == (Upstream("host_app", "host.docker.internal:3000"),)
    assert [proxy.connect_to for proxy in routing.sockets] == ["host_app"]
    assert [proxy.connect_to for proxy in routing.proxies] == ["api:8000"]


def test_an_nginx_that_can_gets_groups_of_replicas_that_it_looks_up() -> None:
    stack = stack_of(**{"/": "app", "/api": "api"})
    routing = dev_routing(stack, RESOLVES_GROUPS)
    assert routing.upstreams == (
        Upstream("to_api", "api:8000", moves=True),
        Upstream("host_app", "host.docker.internal:3000"),
    )
    assert routing.resolvers == ("127.0.0.11",)
    assert dev_routing(stack, (1, 27, 2)) == dev_routing(stack) != routing


def test_production_says_which_nginx_reads_it() -> None:
    values = {"upstreams": {"ws": "ws.internal:3002", "api": "10.0.0.5:80"}, "nginx": "1.28"}
    routing = deploy({"/ws": "ws", "/": "api"}, **values)
    assert routing.upstreams == (
        Upstream("to_api", "10.0.0.5:80"),
        Upstream("to_ws", "ws.internal:3002", moves=True),
    )


def test_no_resolver_where_no_name_is_looked_up() -> None:
    assert dev(**{"/": "app"}).resolvers == ()


@pytest.mark.parametrize(
    ("address", "connect_to"),
    [
        ("10.0.0.5:3002", "to_ws"),
        ("[2001:db8::5]:3002", "to_ws"),
        ("localhost:3002", "to_ws"),
        ("ws.internal:3002", "ws.internal:3002"),
    ],
)
def test_production_resolves_only_names_while_it_runs(address: str, connect_to: str) -> None:
    routing = deploy({"/ws": "ws"}, upstreams={"ws": address}, resolver="10.0.0.2")
    assert only(routing).connect_to == connect_to
    assert routing.resolvers == (() if connect_to == "to_ws" else ("10.0.0.2",))


def test_production_finds_services_by_name_and_dev_servers_beside_nginx() -> None:
    routing = deploy({"/": "app", "/api": "api"})
    assert routing.upstreams == (Upstream("to_app", "127.0.0.1:3000"),)
    assert [proxy.address for proxy in routing.proxies] == ["api:8000", "127.0.0.1:3000"]


@pytest.mark.parametrize(
    ("written", "resolver"),
    [
        ("10.0.0.2:5353", "10.0.0.2:5353"),
        ("fd00::1", "[fd00::1]"),
        ("[fd00::1]:53", "[fd00::1]:53"),
    ],
)
def test_a_resolver_may_have_any_address(written: str, resolver: str) -> None:
    assert deploy({"/": "api"}, resolver=written).resolvers == (resolver,)


def test_production_needs_a_port_or_an_upstream() -> None:
    stack = Stack.model_validate(
        {"name": "s", "services": {"api": {"image": "x"}}, "routes": {"/": "api"}}
    )
    tls = {"certificate": "/c", "key": "/k"}
    with pytest.raises(ConfigError, match=r"^stack\.yaml: services\.api\.port: missing") as error:
        deploy_routing(stack, Deploy.model_validate({"host": "a.example", "tls": tls}))
    assert "deploy.upstreams" in error.value.hint


def test_files_lie_below_their_route() -> None:
    assert dev(**{"/größe": "site"}).files == (
        Files("/größe", "/größe/", "site", "/srv/site/", "/gr%C3%B6%C3%9Fe/"),
    )


def test_unrouted_paths_are_named_unless_the_root_takes_them() -> None:
    assert dev(**{"/b": "api", "/a": "site"}).unrouted == ("/a", "/b")
    assert dev(**{"/": "site", "/a": "api"}).unrouted == ()


def strip(path: str, target: str) -> str | None:
    """Apply the map of a stripped route as Nginx would; Python spells a named group otherwise."""
    proxy = only(dev(**{path: {"to": "api", "strip_prefix": True}}))
    assert proxy.strip
    found = re.search(proxy.strip.pattern.replace("(?<rest", "(?P<rest"), target)
    return f"/{found[proxy.strip.rest]}" if found else None


@pytest.mark.parametrize(
    ("target", "stripped"),
    [
        ("/api", "/"),
        ("/api?a=/api/", "/?a=/api/"),
        ("/api/x%2Fy?b", "/x%2Fy?b"),
        ("//api//x", "/x"),
        ("/apix", None),
        ("/API/x", None),
        ("/api%2Fx", None),
        ("/x/api/y", None),
    ],
)
def test_strip(target: str, stripped: str | None) -> None:
    assert strip("/api", target) == stripped


@pytest.mark.parametrize("target", ["/a.b+c/x", "/a.b%2Bc/x", "/a.b%2bc/x"])
def test_strip_knows_encoded_spellings(target: str) -> None:
    assert strip("/a.b+c", target) == "/x"
    assert strip("/a.b+c", target.replace(".", "-")) is None


def test_the_root_is_never_stripped() -> None:
    proxy = only(dev(**{"/": {"to": "api", "strip_prefix": True}}))
    assert (proxy.strip, proxy.target, proxy.forwarded_prefix) == (None, "request_uri", "")


def test_stripped_routes_share_no_variable() -> None:
    paths = [
        "/api/v2",
        "/api-v2",
        "/api_v2",
        "/api/v2/1",
        "/api-v2-1",
        "/.*",
        "/%",
        "/path",
        "/größe",
    ]
    routing = dev(**{path: {"to": "api", "strip_prefix": True} for path in paths})
    names = [name for entry in routing.strips for name in (entry.target, entry.rest)]
    assert len(set(names)) == 2 * len(paths)
    assert all(re.fullmatch(r"(target|rest)_[a-z0-9_]+", name) for name in names)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "500ms"),
        (1, "1s"),
        (90, "90s"),
        (60, "1m"),
        (3600, "1h"),
        (172800, "2d"),
        (1.5, "1500ms"),
    ],
)
def test_nginx_time(seconds: float, text: str) -> None:
    assert nginx_time(seconds) == text
