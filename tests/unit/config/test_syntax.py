"""Every complaint of PyYAML has our words and a next step; its source is the list of them."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stack.config import document, syntax

# constructor makes objects of tags and resolver is for its own API: stack uses neither. reader has
# two, of which one is for bytes; stack gives it text.
MODULES = ["scanner", "parser", "composer"]


def raised(module: str) -> Iterator[tuple[str, str]]:
    """Give context and problem of each error that a module raises, as its source has them."""
    source = Path(str(importlib.import_module(f"yaml.{module}").__file__)).read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            values = [written(argument) for argument in node.exc.args]
            yield values[0], values[2]


def written(node: ast.expr) -> str:
    """Give the text of an argument: a constant, or one that is filled in."""
    if isinstance(node, ast.BinOp):
        return written(node.left)
    return str(node.value) if isinstance(node, ast.Constant) and node.value is not None else ""


COMPLAINTS = sorted({pair for module in MODULES for pair in raised(module)})


def test_there_are_complaints() -> None:
    assert len(COMPLAINTS) > 35


@pytest.mark.parametrize(("context", "problem"), COMPLAINTS)
def test_each_complaint_is_known(context: str, problem: str) -> None:
    names = ["alias", "anchor"] if "an %s" in context else ["tag", "directive"]
    for name in names if "%s" in context and "node" not in context else [""]:
        filled = context.replace("%s", name)
        assert syntax.is_known(filled, problem), (filled, problem)


def test_the_module_that_makes_objects_is_not_used() -> None:
    assert not hasattr(document, "construct_document")
    source = Path(document.__file__).read_text()
    assert "get_single_node" in source
    assert not {"get_single_data", "get_data", "safe_load", "yaml.load"} & set(source.split("("))


CASES = [
    ("a: @b", 1, 4, "this character cannot begin a value"),
    ("a:\n\tb: c", 2, 1, "a tab is used to indent; YAML allows only spaces"),
    ("a: *", 1, 5, "* and & begin an alias or an anchor of YAML, and no name follows"),
    ("a: *b", 1, 4, "no &name before it has the name of this alias"),
    ("a: !<x", 1, 7, "a value that begins with ! is a YAML tag"),
    ("a: !x!y z", 1, 4, "a value that begins with ! is a YAML tag"),
    ("%TAG\n---\na: b", 1, 5, "a line that begins with % is a YAML directive"),
    ("%YAML 9.9\n---\na: b", 1, 1, "a line that begins with % is a YAML directive"),
    ("a: |x\n  b", 1, 5, "after | or > only + or - and a digit may follow"),
    ("a: |0\n  b", 1, 5, "after | or > only + or - and a digit may follow"),
    ('a: "b', 1, 4, "a quote is not closed"),
    ("a: 'b\n---\nc: d", 1, 4, "a quote is not closed"),
    ('a: "C:\\dir"', 1, 8, 'a backslash in "double quotes" begins an escape'),
    ('a: "\\xZZ"', 1, 7, 'a backslash in "double quotes" begins an escape'),
    ('a: "\\UFFFFFFFF"', 1, 4, 'a backslash in "double quotes" begins an escape'),
    ("a: b\nc\nd: e", 2, 1, "a key without a colon and a space"),
    ("a: - b", 1, 4, "a list cannot begin here"),
    ("a: b: c", 1, 5, "a colon where none is allowed"),
    ("a: ? b", 1, 4, "a key cannot stand here"),
    ("a: b\n---\nc: d", 2, 1, "a second document begins here; stack.yaml has only one"),
    ("a:\n  - b\n  c: d", 3, 3, "does not line up with the lines above"),
    ('a: "b" c', 1, 8, "something follows a value that has ended"),
    ('"a" b', 1, 5, "something follows a value that has ended"),
    ("a: [b", 1, 4, "[ is not closed"),
    ("a: {b: c", 1, 4, "{ is not closed"),
    ("a: [b: c d: e]", 1, 11, "a comma is missing before this"),
    ("a: {b: c, , d: e}", 1, 11, "a value is missing before this"),
    ("a: }", 1, 4, "a value is missing before this"),
    ("a: &x b\nc: &x d\ne: *x", 2, 4, "two anchors (&name) have the same name"),
    ("a: {b: ${C}}", 1, 9, "${…} inside { } or [ ] needs quotes"),
    ("a: \x07", 1, 4, "the character U+0007 is not allowed in YAML"),
]


@pytest.mark.parametrize(("text", "line", "column", "says"), CASES, ids=[c[0] for c in CASES])
def test_a_mistake_is_said_where_it_is_with_a_next_step(
    text: str, line: int, column: int, says: str
) -> None:
    (problem,) = document.read(text, {}).problems
    assert problem.text.startswith(says)
    assert problem.mark == document.Mark(line, column)
    assert problem.hint


def test_words_that_are_not_known_are_not_shown() -> None:
    error = yaml.MarkedYAMLError("while frobbing", None, "expected a frob")
    assert syntax.meaning(error, "") == syntax.Meaning(
        "is not readable as YAML", "compare it with an example: stack init --file example.yaml"
    )
