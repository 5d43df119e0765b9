"""Whatever is linted, ``stack lint`` ends soon, within its memory, and in its own words."""

import resource
import subprocess
from pathlib import Path

import pytest

from tests.lint.hostile import HOSTILE
from tests.unit.command_line import ENVIRON, MAIN

SECONDS = 120  # of a processor: what else this machine does counts for nothing
MEMORY = 2 << 30  # bytes of addresses


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize("name", HOSTILE)
def test_lint_ends_with_an_answer(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [*MAIN, "lint", str(HOSTILE[name](tmp_path))],
        cwd=tmp_path,
        env=ENVIRON,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=limit,
        check=False,
    )
    said = done.stderr.decode()
    assert done.returncode in {0, 1, 2}, said
    assert "Traceback" not in said
    assert "\x1b" not in said
    assert (done.returncode == 2) == said.startswith("error: ")
    assert (done.returncode == 2) == ("\n  hint: " in said)
