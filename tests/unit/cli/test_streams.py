"""Closed, full and abandoned streams: said once or not at all, with the right code, and no bug."""

from pathlib import Path

import pytest

from tests.unit.test_os_errors import folder, says, stack

__all__ = ["folder"]


@pytest.mark.parametrize(
    ("behind", "code"),
    [
        (">/dev/full", 1),
        (">&-", 0),
        ("<&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
        (">/dev/full 2>&1", 1),
        (">&- 2>/dev/full", 0),
    ],
)
@pytest.mark.parametrize("command", [("schema",), ("--help",), ("explain", "--json")], ids=" ".join)
def test_standard_streams(folder: Path, command: tuple[str, ...], behind: str, code: int) -> None:
    done = stack(folder, *command, behind=behind)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if behind == ">/dev/full":
        says(done, 1, "standard output: no space left on device")


@pytest.mark.parametrize("command", [("schema",), ("explain", "--json"), ("--help",)], ids=" ".join)
def test_a_reader_that_leaves_is_told_nothing(folder: Path, command: tuple[str, ...]) -> None:
    done = stack(folder, *command, behind="| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode in {0, 141}, done.stderr) == (True, "")


def test_an_error_without_streams_still_has_its_code(folder: Path) -> None:
    assert stack(folder, "render", "-f", "none.yaml", behind="2>&-").returncode == 2
    assert stack(folder, "render", "-f", "none.yaml", behind="2>/dev/full").returncode == 2
    assert stack(folder, "render", "-f", "none.yaml", "--json", behind=">/dev/full").returncode == 2


def test_a_closed_standard_output_never_becomes_another_file(folder: Path) -> None:
    done = stack(folder, "token", behind=">&-")
    assert done.returncode == 0, done.stderr
    written = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    assert not [path for path in written if path.read_text().startswith("eyJ")]


@pytest.mark.parametrize("behind", ["| true", "2>&1 | true", "2>/dev/full | true"])
def test_a_reader_that_leaves_in_the_middle_of_a_command(folder: Path, behind: str) -> None:
    """Where a command says an error itself, on top of what it does."""
    code = """
import time
from stack.cli import main
from stack.cli.bundle import keeping_refusal
from stack.cli.options import new_report
from stack.errors import StackError
import stack.project.starter

def work(*_, force):
    time.sleep(0.2)  # the reader is gone
    with keeping_refusal(new_report(), None, None, is_kept=force):
        new_report().note("a note")
        raise StackError("a: refused", "stack up")

stack.project.starter.write_starter = work
main.main()
"""
    done = stack(folder, "init", behind=f"{behind}; exit ${{PIPESTATUS[0]}}", code=code)
    assert (done.returncode, done.stdout, done.stderr) == (141, "", "")
    assert not list(folder.glob("stack-bug-*"))


def test_a_full_output_is_said_once(folder: Path) -> None:
    done = stack(folder, "render", behind=">/dev/full")
    assert done.stderr.count("error: ") == 1
