"""Which commands may install and start an engine: only ``up`` and ``images``, and not always."""

from pathlib import Path

import pytest

from stack.engines import install
from stack.engines.docker import endpoint, opening
from stack.errors import EngineError
from tests.unit.command_line import Stack


@pytest.mark.parametrize(
    ("arguments", "may_install"),
    [
        (["up"], True),
        (["images"], True),
        (["up", "--no-install"], False),
        (["images", "--no-install"], False),
        (["up", "--dry-run"], False),
        (["restart"], False),
        (["down"], False),
        (["status"], False),
        (["logs"], False),
        (["doctor"], False),
        (["exec", "app", "true"], False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_only_up_and_images_install_an_engine(
    shop: Stack, monkeypatch: pytest.MonkeyPatch, arguments: list[str], may_install: bool
) -> None:
    def none_answers(*_: object) -> None:
        raise EngineError("docker: no engine answers")

    def ensure(*_: object) -> None:
        asked.append(True)
        raise EngineError("engine: Docker is not installed")

    asked: list[bool] = []
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONFIG", str(shop.folder))
    monkeypatch.setattr(opening, "connect", none_answers)
    monkeypatch.setattr(install, "ensure_engine", ensure)
    assert shop(*arguments).code == 1
    assert asked == [True] * may_install


def test_another_engine_is_never_installed_instead(
    shop: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(install, "ensure_engine", lambda *given, **_: asked.append(given))
    done = shop("up")
    assert (done.code, asked) == (1, [])
    assert done.err.startswith(
        "error: engine unix:///nonexistent/docker.sock (DOCKER_HOST): no engine answers\n"
        "  hint: start that engine, or use the default one of this machine: unset DOCKER_HOST\n"
    )


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "images"])
def test_a_context_that_does_not_exist_is_wrong_usage(
    shop: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "lab")
    done = shop(command)
    assert done.code == 2
    assert done.err == (
        f"error: DOCKER_CONTEXT: there is no context lab in {tmp_path}\n"
        f"  hint: contexts are: {endpoint.DEFAULT}; unset DOCKER_CONTEXT\n"
    )
