"""Which paths a WebSocket route brings along for clients whose upgrade is blocked."""

from pathlib import Path

import pytest

from stack.config.fallback import PATHS, brought
from stack.errors import ConfigError
from stack.project.load import load

WS = "ws: {preset: realtime}"


def stack(folder: Path, routes: str, services: str = WS) -> dict[str, tuple[str, float | None]]:
    text = f"name: shop\nservices: {{app: {{host: 3000}}, {services}}}\nroutes: {{{routes}}}\n"
    (folder / "stack.yaml").write_text(text)
    found = brought(load(folder / "stack.yaml", {}))
    return {path: (route.to, route.idle_timeout) for path, route in found.items()}


@pytest.mark.parametrize(
    ("routes", "paths"),
    [
        ("/: app, /ws: {to: ws, websocket: true}", PATHS),
        ("/ws: {to: ws, websocket: true}", PATHS),
        ("/ws: {to: ws, websocket: true, fallback: false}", ()),
        ("/ws: {to: ws}", ()),
        ("/: app, /ws: {to: app, websocket: true}", ()),
        ("/: app, /ws: {to: app, websocket: true, fallback: true}", PATHS),
        # Another route of the same service has a part of them already.
        ("/: app, /connection: {to: ws, websocket: true}", ("/emulation",)),
        ("/: {to: ws, websocket: true}", PATHS),
        # The user's own routes come first.
        ("/emulation: app, /ws: {to: ws, websocket: true}", ()),
        ("/connection/: app, /ws: {to: ws, websocket: true}", ()),
        ("/connection/ss: app, /ws: {to: ws, websocket: true}", PATHS),
        ("/a: {to: ws, websocket: true}, /b: {to: ws, websocket: true}", PATHS),
    ],
)
def test_paths(tmp_path: Path, routes: str, paths: tuple[str, ...]) -> None:
    assert tuple(stack(tmp_path, routes)) == paths


def test_they_lead_where_the_websocket_leads_for_as_long(tmp_path: Path) -> None:
    found = stack(tmp_path, "/: app, /ws: {to: ws, websocket: true, idle_timeout: 2h}")
    assert set(found.values()) == {("ws", 7200.0)}


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ("/ws: {to: ws, fallback: true}", "routes./ws.fallback: is for a WebSocket"),
        (
            "/emulation: app, /ws: {to: ws, websocket: true, fallback: true}",
            "routes./ws.fallback: needs /emulation, which another route leads to another service",
        ),
        (
            "/a: {to: ws, websocket: true}, /b: {to: live, websocket: true}",
            "routes./b: /b and /a both bring /emulation along",
        ),
    ],
)
def test_what_does_not_fit(tmp_path: Path, routes: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        stack(tmp_path, routes, f"{WS}, live: {{preset: realtime, port: 3005}}")
    assert said in str(caught.value)
    assert caught.value.hint


def test_one_of_two_may_have_it(tmp_path: Path) -> None:
    routes = "/a: {to: ws, websocket: true, fallback: false}, /b: {to: live, websocket: true}"
    found = stack(tmp_path, routes, f"{WS}, live: {{preset: realtime, port: 3005}}")
    assert {to for to, _ in found.values()} == {"live"}
