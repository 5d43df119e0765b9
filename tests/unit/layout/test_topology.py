"""What runs has the least privilege, shows no secret, and is named the same everywhere."""

import re
from collections.abc import Mapping

import pytest

from stack.config.model import Stack
from stack.config.presets import PRESETS
from stack.layout.names import secret_file
from stack.layout.topology import Container, Topology, lay_out, secret_names

IMAGES = {"nginx": "nginx:1", "redis": "redis:1", "postgres": "postgres:1", "realtime": "ws:1"}
SERVICES: dict[str, object] = {
    "app": {"host": 3000},
    "api": {"build": "./api", "port": 8000, "needs": ["redis", "postgres"]},
    "own": {"image": "own:1", "port": 80, "volumes": ["data:/d", "./x:/x:ro"]},
    "site": {"static": "public"},
    "ws": {"preset": "realtime", "port": 3002, "needs": ["redis", "postgres"], "replicas": 2},
    "redis": {"preset": "redis", "port": 6379},
    "postgres": {"preset": "postgres", "port": 5432, "init": "db"},
}
ROUTES: dict[str, object] = {"/": "app", "/api": "api", "/ws": {"to": "ws", "websocket": True}}


def stack_of(services: Mapping[str, object] = SERVICES, **more: object) -> Stack:
    routes = {path: to for path, to in ROUTES.items() if path == "/"}
    return Stack.model_validate(
        {"name": "shop", "services": services, "routes": more.pop("routes", routes), **more}
    )


def layout() -> Topology:
    return lay_out(stack_of(routes=ROUTES), IMAGES)


CONTAINERS = {item.service: item for item in layout().containers}
OURS = ["nginx", "ws", "redis", "postgres"]


@pytest.mark.parametrize("name", OURS)
def test_what_ships_with_stack_runs_closed(name: str) -> None:
    item = CONTAINERS[name]
    user, _, group = (item.user or "").partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert item.read_only
    assert item.cap_add == ()


@pytest.mark.parametrize("name", OURS)
def test_what_ships_with_stack_has_a_size(name: str) -> None:
    assert CONTAINERS[name].memory
    assert all(re.fullmatch(r"/[^:]+:size=\d+m", place) for place in CONTAINERS[name].tmpfs)


def test_memory_can_be_changed() -> None:
    services = {**SERVICES, "redis": {"preset": "redis", "port": 6379, "memory": "512m"}}
    made = lay_out(stack_of(services, front={"memory": "3g"}), IMAGES)
    assert made.container("redis").memory == "512m"
    assert made.container("nginx").memory == "3g"
    assert made.container("own").memory is None


@pytest.mark.parametrize("name", ["api", "own"])
def test_an_own_image_gets_only_what_dropping_root_takes(name: str) -> None:
    dangerous = {"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "MKNOD", "SETPCAP", "ALL"}
    assert not dangerous.intersection(CONTAINERS[name].cap_add)


def test_only_the_front_is_published() -> None:
    assert {name for name, item in CONTAINERS.items() if item.published} == {"nginx"}
    assert CONTAINERS["nginx"].published == (("127.0.0.1", 8080, 8080), ("::1", 8080, 8080))


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_a_store_is_on_the_internal_network_only(name: str) -> None:
    assert CONTAINERS[name].networks == ("data",)
    assert layout().networks == (("data", True), ("default", False))


def test_who_needs_no_store_cannot_reach_one() -> None:
    assert CONTAINERS["own"].networks == ("default",)
    assert CONTAINERS["nginx"].networks == ("default",)
    assert CONTAINERS["api"].networks == ("default", "data")


def test_addresses_hold_no_password() -> None:
    environment = dict(CONTAINERS["api"].environment)
    assert environment == {
        "REDIS_URL": "redis://redis:6379/0",
        "REDIS_PASSWORD_FILE": "/run/secrets/redis-password",
        "DATABASE_URL": "postgresql://postgres@postgres:5432/shop",
        "DATABASE_PASSWORD_FILE": "/run/secrets/postgres-password",
    }


def test_a_second_store_of_a_kind_has_its_own_name() -> None:
    stores = {"redis": {"preset": "redis", "port": 1}, "my-cache": {"preset": "redis", "port": 2}}
    api = {"image": "x", "port": 1, "needs": ["redis", "my-cache"]}
    made = lay_out(stack_of({**stores, "app": api}), IMAGES).container("app")
    assert dict(made.environment)["MY_CACHE_URL"] == "redis://my-cache:2/0"
    assert dict(made.environment)["REDIS_URL"] == "redis://redis:1/0"


def test_own_environment_wins() -> None:
    api = {"image": "x", "port": 1, "needs": ["redis"], "env": {"REDIS_URL": "mine"}}
    made = lay_out(stack_of({"redis": SERVICES["redis"], "app": api}), IMAGES)
    assert dict(made.container("app").environment)["REDIS_URL"] == "mine"


def test_who_needs_the_realtime_service_can_publish_by_a_key_of_its_own() -> None:
    services = {**SERVICES, "ws-2": {"preset": "realtime", "port": 3003, "needs": []}}
    services["own"] = {"image": "own:1", "port": 80, "needs": ["ws", "ws-2"]}
    made = lay_out(stack_of(services), IMAGES)
    assert dict(made.container("own").environment) == {
        "WS_API_URL": "http://ws.internal:3003/api",
        "WS_API_KEY_FILE": "/run/secrets/ws-api-key",
        "WS_2_API_URL": "http://ws-2.internal:3004/api",
        "WS_2_API_KEY_FILE": "/run/secrets/ws-2-api-key",
    }
    files = {secret.file for secret in made.container("own").secrets}
    assert files == {"ws-api-key", "ws-2-api-key"}
    for name, port in (("ws", "3003"), ("ws-2", "3004")):
        environment = dict(made.container(name).environment)
        assert environment["WS_API_PORT"] == port
        assert environment["WS_API_KEY_FILE"] == f"/run/secrets/{name}-api-key"
        assert environment["WS_API_HOST"] == f"{name}.internal"
        assert made.container(name).aliases == ((f"{name}-api", f"{name}.internal"),)
    assert made.container("own").networks == ("default", "ws-api", "ws-2-api")
    assert dict(made.networks)["ws-api"] is True
    assert "WS_API_KEY_FILE" not in dict(made.container("api").environment)
    assert "ws-api" not in made.container("api").networks


def test_an_api_that_nobody_needs_is_for_its_own_container_only() -> None:
    assert dict(CONTAINERS["ws"].environment)["WS_API_HOST"] == "127.0.0.1"
    assert CONTAINERS["ws"].networks == ("default", "data")


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("redis://redis:6379/3", True),
        ("redis://user@redis/0", True),
        ("redis://:mine@redis:6379/0", False),
        ("redis://cache.example.com:6379/0", False),
        ("", False),
        ("redis://[::1", False),
    ],
)
def test_our_password_goes_nowhere_else(url: str, is_ours: bool) -> None:
    app = {"image": "x", "port": 1, "needs": ["redis"], "env": {"REDIS_URL": url}}
    made = lay_out(stack_of({"redis": SERVICES["redis"], "app": app}), IMAGES).container("app")
    assert dict(made.environment)["REDIS_URL"] == url
    assert ("REDIS_PASSWORD_FILE" in dict(made.environment)) == is_ours
    assert bool(made.secrets) == is_ours


def test_secrets_are_named_once_and_lie_apart_for_each_service() -> None:
    names = ("nextauth-secret", "postgres-password", "redis-password", "ws-api-key")
    assert secret_names(layout()) == names
    files = [
        secret_file("shop", name, secret.file)
        for name, item in CONTAINERS.items()
        for secret in item.secrets
    ]
    assert len(files) == len(set(files)) == 8


def test_volumes_are_those_of_the_stores_and_the_named_ones() -> None:
    assert layout().volumes == ("data", "postgres", "redis")
    assert [(m.source, m.read_only) for m in CONTAINERS["own"].mounts] == [
        ("data", False),
        ("./x", True),
    ]


def test_a_volume_of_ones_own_takes_the_place_of_the_data() -> None:
    own = {"redis": {"preset": "redis", "port": 1, "volumes": ["./here:/data"]}, "app": {"host": 1}}
    made = lay_out(stack_of(own), IMAGES)
    assert made.volumes == ()
    assert [mount.source for mount in made.container("redis").mounts] == ["./here"]


@pytest.mark.parametrize(
    ("only", "wanted"),
    [
        ((), list(CONTAINERS)),
        (("own",), ["nginx", "own"]),
        (("api",), ["nginx", "api", "redis", "postgres"]),
        (("app",), ["nginx"]),
        (("nginx",), ["nginx"]),
    ],
)
def test_limited_takes_what_is_needed_along(only: tuple[str, ...], wanted: list[str]) -> None:
    limited = layout().limited(only)
    assert [item.service for item in limited.containers] == wanted


def test_limited_keeps_the_routes_of_what_is_left() -> None:
    assert [route.path for route in layout().limited(["app"]).routes] == ["/"]
    assert [route.path for route in layout().limited(["ws"]).routes] == ["/ws"]


def test_a_service_that_stack_does_not_run_has_no_container() -> None:
    with pytest.raises(KeyError):
        layout().container("app")


@pytest.mark.parametrize(
    "change",
    [
        {"image": "b"},
        {"user": "1"},
        {"command": ("x",)},
        {"environment": (("A", "b"),)},
        {"networks": ("data",)},
        {"read_only": True},
        {"tmpfs": ("/t:size=1m",)},
        {"memory": "1g"},
        {"cap_add": ("KILL",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_digest_follows_what_a_container_is(change: dict[str, object]) -> None:
    made = {"service": "a", "image": "a"}
    assert Container(**made).digest != Container(**{**made, **change}).digest  # type: ignore[arg-type]


def test_the_digest_ignores_what_only_stack_does() -> None:
    assert Container("a", "a").digest == Container("a", "a", replicas=3, port=5, probe="x").digest


def test_what_is_written_of_a_service_reaches_its_container() -> None:
    build = {"context": "api", "target": "run"}
    volumes = ["data:/d", "./x:/x:ro"]
    api = {"build": build, "port": 80, "env_file": "api.env", "memory": "64m", "volumes": volumes}
    ws = {"preset": "realtime", "port": 3002, "env_file": "ws.env"}
    found = lay_out(stack_of({"app": {"host": 1}, "api": api, "ws": ws}), IMAGES)
    own, realtime = found.container("api"), found.container("ws")
    assert own.build
    assert (own.build.context, own.build.target) == ("./api", "run")
    assert (own.port, own.env_file, own.memory) == (80, "./api.env", "64m")
    assert [mount.read_only for mount in own.mounts] == [False, True]
    assert (realtime.port, realtime.env_file) == (3002, "./ws.env")


def test_what_an_env_file_says_of_a_secret_of_a_preset_is_emptied() -> None:
    ws = {"preset": "realtime", "port": 3002, "env_file": "ws.env"}
    found = lay_out(stack_of({"app": {"host": 1}, "ws": ws}), IMAGES).container("ws")
    said = dict(found.environment)
    secret = PRESETS["realtime"].secret_variables
    assert secret
    assert {name: said[name] for name in secret} == dict.fromkeys(secret, "")
