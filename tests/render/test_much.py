"""Thousands of routes, and names as long as they may be: Nginx takes what is rendered."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stack.config.model import Stack
from stack.errors import ConfigError
from stack.layout.render import render_nginx_deploy, render_nginx_dev
from stack.project.load import load
from tests.render import front

TLS = {"certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/shop.key"}
RENDERERS: list[Callable[[Stack], str]] = [
    lambda stack: render_nginx_dev(stack, (1, 26, 3)),
    lambda stack: render_nginx_dev(stack, (1, 31, 3)),
    render_nginx_deploy,
]


def stack_of(routes: dict[str, Any], host: str = "shop.example.com") -> Stack:
    services: dict[str, Any] = {f"s{n}": {"host": 10_000 + n} for n in range(100)}
    services |= {"api": {"image": "x:1", "port": 80}, "site": {"static": "./site"}}
    deploy = {"host": host, "tls": TLS}
    whole = {"name": "much", "services": services, "routes": routes, "deploy": deploy}
    return Stack.model_validate(whole)


def route(number: int) -> dict[str, Any]:
    """Give one route of each kind in turn."""
    kinds: tuple[dict[str, Any], ...] = (
        {"to": f"s{number % 100}"},
        {"to": "api", "strip_prefix": True},
        {"to": f"s{number % 100}", "websocket": True},
        {"to": "site"},
        {"to": "api", "strip_prefix": True, "websocket": True},
    )
    return kinds[number % 5]


def accepts(render: Callable[[Stack], str], stack: Stack, folder: Path) -> None:
    front.make_certificate(folder)
    ports = {port: front.free_port() for port in ("80", "443", "8080")}
    done = front.check(front.localized(render(stack), folder, ports), folder)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\[(?:warn|error|alert|crit|emerg)\]", done.stderr), done.stderr


@pytest.mark.parametrize("render", RENDERERS, ids=["dev", "dev of today", "deploy"])
@pytest.mark.parametrize("rest", [{"/": {"to": "site"}}, {}], ids=["all", "some paths"])
def test_nginx_takes_5000_routes(
    render: Callable[[Stack], str], rest: dict[str, Any], tmp_path: Path
) -> None:
    routes = {f"/r{number}": route(number) for number in range(5000)}
    accepts(render, stack_of(routes | rest), tmp_path)


@pytest.mark.parametrize("render", RENDERERS, ids=["dev", "dev of today", "deploy"])
@pytest.mark.parametrize(
    "path", ["/" + "a" * 399, "/" + "é" * 199, "/" + "-." * 199, "/api/v2/internal/administration"]
)
def test_nginx_takes_a_long_path_that_is_stripped(
    render: Callable[[Stack], str], path: str, tmp_path: Path
) -> None:
    routes = {path: route(1), f"{path}b": route(4), f"{path}/c": route(1), "/": {"to": "site"}}
    accepts(render, stack_of(routes), tmp_path)


@pytest.mark.parametrize("render", RENDERERS, ids=["dev", "dev of today", "deploy"])
def test_nginx_takes_the_longest_host(render: Callable[[Stack], str], tmp_path: Path) -> None:
    host = ".".join(["a" * 60] * 4) + ".example"
    accepts(render, stack_of({"/": {"to": "site"}, "/" + "b" * 999: route(0)}, host), tmp_path)


def test_a_path_that_nginx_cannot_read_is_refused(tmp_path: Path) -> None:
    text = "name: x\nservices:\n  a: {host: 3000}\nroutes:\n"
    text += f'  "/{"é" * 200}": {{to: a, strip_prefix: true}}\n'
    (tmp_path / "stack.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="longer than the 400 bytes") as caught:
        load(tmp_path / "stack.yaml", {})
    assert caught.value.message.startswith("stack.yaml:5:3: routes./é")
