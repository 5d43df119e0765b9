"""The repository keeps what it says about itself."""

import re
from pathlib import Path

from stack.project.output import drift
from stack.project.project import open_project, rendered

ROOT = Path(__file__).parents[2]


def test_the_rendered_files_are_what_stack_yaml_makes() -> None:
    found = drift(rendered(open_project(ROOT / "stack.yaml", {}), "dev", ROOT), ROOT)
    lines = [line for difference in found.values() for line in difference]
    assert not lines, "\n".join(["run `make render` and commit both files:", *lines])


def test_no_package_is_promised_that_there_is_not() -> None:
    folders = ("docs", "examples", "stack", ".github")
    files = [path for name in folders for path in (ROOT / name).rglob("*") if path.is_file()]
    files += [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "Makefile"]
    promise = re.compile(rb"(pip|pipx|uv tool) install +['\"]?stack\b|(pipx run|uvx) stack\b")
    assert [path.name for path in files if promise.search(path.read_bytes())] == []
