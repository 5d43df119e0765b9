"""No key is accepted that does nothing: every key at every kind of service, and all others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.config.model import SOURCES, Deploy, Front, Images, Model, Route, Service, Stack
from stack.errors import ConfigError
from stack.layout.render import (
    SHOWN,
    generation,
    render_compose,
    render_nginx_deploy,
    render_nginx_dev,
    source_digest,
)
from stack.project.load import load
from stack.project.project import topology

KINDS: Mapping[str, dict[str, Any]] = {
    "realtime": {"preset": "realtime", "needs": []},
    "redis": {"preset": "redis"},
    "postgres": {"preset": "postgres"},
    "image": {"image": "x:1"},
    "build": {"build": "./a"},
    "host": {"host": 4000},
    "static": {"static": "./a"},
}
# For each key but those that say what it is, the values that it is tried with.
VALUES: Mapping[str, list[Any]] = {
    "port": [4002, "own"],
    "command": [["run"]],
    "ready": [{"tcp": 1}, {"http": "/x"}, {"websocket": "/x"}, {"command": ["x"]}, {"log": "x"}],
    "needs": [["other"]],
    "env": [{"A": "b"}],
    "env_file": ["a.env"],
    "volumes": [["./a:/x"], ["v:/x"]],
    "replicas": [1, 2],
    "memory": ["1g"],
    "namespaces": [{"room": {}}],
    "init": ["./a"],
}
REFUSED = "refused: "
CASES = [(kind, key, value) for kind in KINDS for key, values in VALUES.items() for value in values]
OWN_PORTS = {"redis": 6379, "postgres": 5432, "realtime": 3003, "image": 9000, "build": 9000}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").touch()
    (tmp_path / "a.env").write_text("FROM_FILE=x\n")
    return tmp_path


def whole(service: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "shop",
        "services": {"w": dict(service), "app": {"host": 3000}, "other": {"image": "o:1"}},
        "routes": {"/": "app"},
    }


def outcome(folder: Path, content: Mapping[str, Any]) -> str:
    """Give all that follows from a stack.yaml: what runs, how it is proved, what is rendered.

    Or, where it is refused, what is said.
    """
    (folder / "stack.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    try:
        stack = load(folder / "stack.yaml", {})
    except ConfigError as refused:
        return f"{REFUSED}{refused.message}"
    layout = topology(stack, "registry")
    front = render_nginx_dev(stack)
    texts = [render_compose(stack, layout), front.replace(generation(front), "")]
    if stack.deploy:
        texts.append(render_nginx_deploy(stack))
    # The digest of all that is written stands in each file, and does nothing.
    digest = source_digest(stack)[:SHOWN]
    assert all(digest in text for text in texts)
    return "\n".join([repr(layout), *(text.replace(digest, "") for text in texts)])


def is_used(plain: str, changed: str, where: str) -> bool:
    """Whether a key changed what follows, or was refused at its place."""
    assert not plain.startswith(REFUSED), plain
    if changed.startswith(REFUSED):
        return f" {where}" in changed
    return changed != plain


def given(kind: str, value: Any) -> Any:
    return OWN_PORTS.get(kind, 9000) if value == "own" else value


@pytest.mark.parametrize(("kind", "key", "value"), CASES)
def test_a_key_of_a_service_does_something_or_is_refused(
    folder: Path, kind: str, key: str, value: Any
) -> None:
    plain = outcome(folder, whole(KINDS[kind]))
    changed = outcome(folder, whole(KINDS[kind] | {key: given(kind, value)}))
    assert is_used(plain, changed, f"services.w.{key}") or says_the_default(kind, key, value)


def says_the_default(kind: str, key: str, value: Any) -> bool:
    """Whether the key says what holds without it, where it could say something else."""
    can_be_more = kind in {"realtime", "image", "build"}
    return (key, value) == ("replicas", 1) and can_be_more


def test_every_key_of_a_service_is_in_the_table() -> None:
    assert Service.model_fields.keys() - set(SOURCES) == VALUES.keys()


DEPLOY = {"host": "a.example", "tls": {"certificate": "/c", "key": "/k"}}
NAMED = DEPLOY | {"upstreams": {"app": "app.example:1"}}
OTHER = {"certificate": "/d", "key": "/k"}
ROUTED: Mapping[str, dict[str, Any]] = {
    "static": {"static": "./a"},
    "host": {"host": 4000},
    "image": {"image": "x", "port": 80},
}
OTHERS: list[tuple[type[Model], str, dict[str, Any], dict[str, Any]]] = [
    (Front, "port", {"front": {}}, {"front": {"port": 8081}}),
    (Front, "hosts", {"front": {}}, {"front": {"hosts": ["shop.test"]}}),
    (Front, "tls", {"front": {}}, {"front": {"tls": True}}),
    (Front, "memory", {"front": {}}, {"front": {"memory": "3g"}}),
    (Deploy, "host", {"deploy": DEPLOY}, {"deploy": DEPLOY | {"host": "b.example"}}),
    (
        Deploy,
        "tls",
        {"deploy": DEPLOY},
        {"deploy": DEPLOY | {"tls": OTHER}},
    ),
    (Deploy, "upstreams", {"deploy": DEPLOY}, {"deploy": DEPLOY | {"upstreams": {"app": "a:1"}}}),
    (Deploy, "upstreams", {"deploy": DEPLOY}, {"deploy": DEPLOY | {"upstreams": {"other": "a:1"}}}),
    (Deploy, "resolver", {"deploy": DEPLOY}, {"deploy": DEPLOY | {"resolver": "10.0.0.1"}}),
    (Deploy, "resolver", {"deploy": NAMED}, {"deploy": NAMED | {"resolver": "10.0.0.1"}}),
    (Deploy, "nginx", {"deploy": DEPLOY}, {"deploy": DEPLOY | {"nginx": "1.27.3"}}),
    (Stack, "name", {}, {"name": "other"}),
]


@pytest.mark.parametrize(("model", "key", "before", "after"), OTHERS)
def test_another_key_does_something_or_is_refused(
    folder: Path, model: type[Model], key: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert key in model.model_fields
    plain = outcome(folder, whole({"host": 4000}) | before)
    changed = outcome(folder, whole({"host": 4000}) | after)
    assert is_used(plain, changed, f"{model.__name__.lower()}.{key}")


def test_every_other_key_is_in_the_table() -> None:
    for model in (Front, Deploy):
        assert {key for known, key, *_ in OTHERS if known is model} == model.model_fields.keys()


# A route's keys, at each kind of service that a route can lead to.
ROUTE_VALUES: Mapping[str, Any] = {
    "websocket": True,
    "fallback": True,
    "strip_prefix": True,
    "idle_timeout": "2h",
}


@pytest.mark.parametrize("path", ["/", "/x"])
@pytest.mark.parametrize("kind", ROUTED)
@pytest.mark.parametrize("key", ROUTE_VALUES)
def test_a_key_of_a_route_does_something_or_is_refused(
    folder: Path, key: str, kind: str, path: str
) -> None:
    content = whole(ROUTED[kind])
    content["routes"] = {"/": "app", path: {"to": "w"}}
    plain = outcome(folder, content | {"deploy": DEPLOY})
    content["routes"][path][key] = ROUTE_VALUES[key]
    changed = outcome(folder, content | {"deploy": DEPLOY})
    assert is_used(plain, changed, f"routes.{path}.{key}")


def test_every_key_of_a_route_is_in_the_table() -> None:
    assert Route.model_fields.keys() - {"to"} == ROUTE_VALUES.keys()


def test_every_key_of_images_is_known(folder: Path) -> None:
    assert Images.model_fields.keys() == {"source", "mirror"}
    content = whole({"host": 4000})
    mirrored = {"source": "registry", "mirror": "http://mirror.example/debian"}
    assert " images.mirror: has no effect" in outcome(folder, content | {"images": mirrored})
