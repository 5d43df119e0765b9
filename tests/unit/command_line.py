"""The command line as tests run it: in this process, in a folder, with no engine to reach."""

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from stack.cli.main import main

OK = "name: shop\nservices:\n  app: {host: 3000}\nroutes:\n  /: app\n"
# No engine answers there: no test of this file can touch what runs on this machine.
ENVIRON = {
    "PATH": os.environ["PATH"],
    "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    "PYTHONPATH": str(Path(__file__).parents[2]),
}
MAIN = [sys.executable, "-c", "from stack.cli.main import main; main()"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: object
    out: str
    err: str


class Stack:
    """Runs commands in this process, in a folder, without an engine and without a terminal."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        self.folder = folder
        monkeypatch.chdir(folder)
        monkeypatch.setenv("DOCKER_HOST", ENVIRON["DOCKER_HOST"])
        monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def __call__(self, *arguments: str) -> Done:
        self.monkeypatch.setattr(sys, "argv", ["stack", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out + err
        assert "\x1b" not in out + err  # no terminal, no escape codes
        return Done(ended.value.code or 0, out, err)
