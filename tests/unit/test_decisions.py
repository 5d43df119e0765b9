"""What decisions of docs/design rest on, as far as it is cheap to look at."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def loaded_by(code: str, *modules: str) -> set[str]:
    """Which of the modules a fresh Python has loaded after ``code``."""
    command = [sys.executable, "-c", f"import sys, {code}; print(*sys.modules)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {*modules} & {*done.stdout.split()}


def test_typer_does_not_load_pydantic() -> None:
    """A cached topology was left out (lifecycle.md); this is what it would have to save."""
    assert loaded_by("typer, typer.main", "pydantic") == set()
    assert loaded_by("stack.layout.topology", "pydantic") == {"pydantic"}


@pytest.mark.parametrize(
    "module", ["stack.lifecycle.up", "stack.lifecycle.status", "stack.lifecycle.down"]
)
def test_a_verb_loads_nothing_that_is_seldom_needed(module: str) -> None:
    late = ("jinja2", "psutil", "rich", "h2", "crossplane", "stack.engines.docker.build")
    assert loaded_by(module, *late) == set()


def test_cryptography_is_loaded_by_pyjwt_and_wanted_by_nobody() -> None:
    """So certificates are made by openssl, and read by hand (front.md, doctor.md)."""
    assert loaded_by("jwt", "cryptography") == {"cryptography"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not [one for one in project["dependencies"] if one.startswith("cryptography")]


@pytest.mark.parametrize("text", ["1e3", "0o17"])
def test_pyyaml_takes_for_text_what_other_readers_take_for_numbers(text: str) -> None:
    assert yaml.safe_load(text) == text
    assert yaml.safe_dump(text).splitlines()[0] == text
