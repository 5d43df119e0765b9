"""Fixtures of the command line for all its tests."""

from pathlib import Path

import pytest

from tests.unit.command_line import OK, Stack


@pytest.fixture
def stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Stack:
    """A command line in an empty folder."""
    return Stack(monkeypatch, capsys, tmp_path)


@pytest.fixture
def shop(stack: Stack) -> Stack:
    """A command line in the folder of a stack."""
    (stack.folder / "stack.yaml").write_text(OK)
    return stack
