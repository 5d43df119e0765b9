"""The repository keeps what it says about itself."""

from pathlib import Path

from stack.output import drift
from stack.project import open_project, rendered

ROOT = Path(__file__).parents[2]


def test_the_rendered_files_are_what_stack_yaml_makes() -> None:
    found = drift(rendered(open_project(ROOT / "stack.yaml", {}), "dev"), ROOT)
    lines = [line for difference in found.values() for line in difference]
    assert not lines, "\n".join(["run `make render` and commit both files:", *lines])
