"""A verb, rule, conclusion or preset is one file and one line: each file is in its registry."""

import importlib
from collections.abc import Iterable
from types import ModuleType

import pytest
import typer

from stack.cli.main import app
from stack.config.presets import PRESETS
from stack.diagnose.doctor import families
from stack.diagnose.lint import judge
from tests.unit.test_layers import STACK

# What the files of a folder share; each of the others is in the registry.
SHARED = {
    "stack.config.preset": {"kind"},
    "stack.diagnose.doctor.conclusions": {"family"},
    "stack.diagnose.lint.rules": {"connection_line", "editing", "examples", "rule", "tcp_routes"},
}


def in_folder(folder: str) -> dict[str, ModuleType]:
    names = [name for name in STACK if name.rpartition(".")[0] == folder]
    names = [name for name in names if not name.endswith("__init__")]
    return {name.rpartition(".")[2]: importlib.import_module(name) for name in names}


def unregistered(folder: str, word: str, registered: Iterable[object]) -> set[str]:
    """Give the files of a folder whose ``word`` is in no registry."""
    known = {id(one) for one in registered}
    files = in_folder(folder).items()
    return {name for name, module in files if id(getattr(module, word, None)) not in known}


@pytest.mark.parametrize(
    ("folder", "word", "registered"),
    [
        ("stack.config.preset", "PRESET", PRESETS.values()),
        ("stack.diagnose.doctor.conclusions", "FAMILY", families.FAMILIES),
        ("stack.diagnose.lint.rules", "RULES", [family.RULES for family in judge.FAMILIES]),
    ],
)
def test_each_file_is_in_the_registry(folder: str, word: str, registered: Iterable[object]) -> None:
    assert unregistered(folder, word, registered) == SHARED[folder]


def test_a_file_that_is_in_no_registry_is_found() -> None:
    folder = "stack.diagnose.doctor.conclusions"
    assert unregistered(folder, "FAMILY", families.FAMILIES[1:]) == {"http2", *SHARED[folder]}


def test_each_command_of_a_file_is_registered() -> None:
    registered = {id(command) for command in app.registered_commands}
    forgotten = [
        f"{name}: {command.callback}"
        for name, module in in_folder("stack.cli").items()
        for group in vars(module).values()
        if isinstance(group, typer.Typer)
        for command in group.registered_commands
        if id(command) not in registered
    ]
    assert forgotten == []
