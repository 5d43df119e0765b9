"""Which commands may install and start an engine: only ``up`` and ``images``, and not always."""

import pytest

from stack.engines import install
from stack.engines.docker import project
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
    def no_engine() -> None:
        raise EngineError("docker: no engine answers")

    asked: list[object] = []
    monkeypatch.setattr(project, "connect", no_engine)
    monkeypatch.setattr(install, "ensure_engine", lambda *given: asked.append(given))
    assert shop(*arguments).code == 1
    assert bool(asked) == may_install
