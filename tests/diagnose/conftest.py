"""What the doctor's tests share: certificates, and a command line that sees only their servers."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stack.cli.main import main
from stack.probe import listeners
from stack.probe.proc_net import Listener
from tests.diagnose import certificates


@dataclass(frozen=True)
class Done:
    """How a run of the doctor ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The findings of a run with --json."""
        value: dict[str, Any] = json.loads(self.out)
        return value

    @property
    def codes(self) -> list[str]:
        """The codes of the findings, in their order."""
        return [item["code"] for item in self.document["findings"]]


Doctor = Callable[..., Done]


@pytest.fixture(scope="session")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good and bad certificates."""
    folder = tmp_path_factory.mktemp("pems")
    certificates.make_all(folder)
    return folder


@pytest.fixture
def neighbours(monkeypatch: pytest.MonkeyPatch) -> list[Listener]:
    """What listens on this machine, as far as the doctor may know: nothing of other tests."""
    found: list[Listener] = []
    monkeypatch.setattr(listeners, "listening", lambda: tuple(found))
    return found


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], neighbours: list[Listener]
) -> Doctor:
    """Run ``stack doctor`` in this process."""

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["stack", "doctor", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert "Traceback (most recent call last)" not in out + err
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err)
        assert isinstance(ended.value.code, int | None)
        return Done(ended.value.code or 0, out, err)

    return call
