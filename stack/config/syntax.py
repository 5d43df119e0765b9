"""Explains errors of YAML's parser, with the next step. Pure.

PyYAML's own texts use nodes, tokens and simple keys. ``tests/unit/config/test_syntax.py`` reads
them from its source: an unknown one fails there.
"""

from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Meaning:
    """What is wrong, the next step, and whether the place is where the part began."""

    text: str
    hint: str
    is_at_begin: bool = False


_DIRECTIVE = Meaning(
    "a line that begins with % is a YAML directive, which stack.yaml does not allow",
    "remove the line, or put the text in quotes",
)
_TAG = Meaning(
    "a value that begins with ! is a YAML tag, which stack.yaml does not allow",
    'put the text in quotes: "!text"',
)
_NAME = Meaning(
    "* and & begin an alias or an anchor of YAML, and no name follows",
    'put the text in quotes: "*"',
)
_BLOCK = Meaning(
    "after | or > only + or - and a digit may follow",
    "begin the text on the next line, indented, or put it in quotes",
)
_ESCAPE = Meaning(
    'a backslash in "double quotes" begins an escape that YAML does not know',
    "write \\\\ for a backslash, or use 'single quotes'",
)
_QUOTE = Meaning("a quote is not closed", "close it at the end of the value", is_at_begin=True)
_SECOND = Meaning(
    "a second document begins here; stack.yaml has only one",
    "remove the line --- and what follows it",
)
EXAMPLE = "stack init --file example.yaml"
_UNKNOWN = Meaning("is not readable as YAML", f"compare it with an example: {EXAMPLE}")
_OPEN = 'close it, or put the text in quotes: "[text"'
_ALIGN = "indent it with exactly as many spaces as its neighbours"
_BEHIND = Meaning(
    "something follows a value that has ended", "put the whole value in one pair of quotes"
)

# The first match counts: parts of PyYAML's context and problem, and their meaning.
_MEANINGS: tuple[tuple[str, str, Meaning], ...] = (
    ("scanning a directive", "", _DIRECTIVE),
    ("parsing a directive", "", _DIRECTIVE),
    ("", "found duplicate YAML directive", _DIRECTIVE),
    ("", "found incompatible YAML document", _DIRECTIVE),
    ("", "duplicate tag handle", _DIRECTIVE),
    ("", "found undefined tag handle", _TAG),
    ("scanning a tag", "", _TAG),
    ("parsing a tag", "", _TAG),
    ("scanning an alias", "", _NAME),
    ("scanning an anchor", "", _NAME),
    ("scanning a block scalar", "", _BLOCK),
    ("scanning a double-quoted scalar", "", _ESCAPE),
    ("scanning a quoted scalar", "", _QUOTE),
    (
        "scanning a simple key",
        "",
        Meaning(
            "a key without a colon and a space",
            "NAME: value; a key may have 1,024 characters",
            is_at_begin=True,
        ),
    ),
    (
        "",
        "found character '\\t' that cannot start",
        Meaning("a tab is used to indent; YAML allows only spaces", "use spaces"),
    ),
    (
        "",
        "that cannot start any token",
        Meaning("this character cannot begin a value", 'put the text in quotes: "@text"'),
    ),
    (
        "",
        "sequence entries are not allowed",
        Meaning("a list cannot begin here", "put it on a line of its own, below its key"),
    ),
    (
        "",
        "mapping keys are not allowed",
        Meaning("a key cannot stand here", 'put it on a line of its own, or in quotes: "?"'),
    ),
    (
        "",
        "mapping values are not allowed",
        Meaning("a colon where none is allowed", 'put the text in quotes: "a: b"'),
    ),
    ("expected a single document", "", _SECOND),
    ("", "but found '<document start>'", _SECOND),
    (
        "parsing a block",
        "expected <block end>",
        Meaning("does not line up with the lines above", _ALIGN),
    ),
    (
        "",
        "expected '<document start>'",
        Meaning("does not belong to the value above, which has ended", _ALIGN),
    ),
    ("parsing a flow sequence", "but got '<stream end>'", Meaning("[ is not closed", _OPEN, True)),
    ("parsing a flow mapping", "but got '<stream end>'", Meaning("{ is not closed", _OPEN, True)),
    (
        "parsing a flow",
        "expected ','",
        Meaning(
            "a comma is missing before this", 'separate by commas, or put text in quotes: "a b"'
        ),
    ),
    (
        "node",
        "expected the node content",
        Meaning("a value is missing before this", 'write the value, or "" for an empty text'),
    ),
    (
        "",
        "found undefined alias",
        Meaning(
            "no &name before it has the name of this alias",
            'put text that begins with * in quotes: "*.example.com"',
        ),
    ),
    (
        "found duplicate anchor",
        "",
        Meaning("two anchors (&name) have the same name", "rename one of them"),
    ),
)


def meaning(error: yaml.MarkedYAMLError, text: str) -> Meaning:
    """Return what ``error`` means, which PyYAML found in ``text``."""
    context, problem = str(error.context or ""), str(error.problem or "")
    at = error.problem_mark.index if error.problem_mark else 0
    if text[max(at - 1, 0) : at + 1] == "${":
        return Meaning(
            "${…} inside { } or [ ] needs quotes", 'put quotes around it: "${NAME:-default}"'
        )
    for where, what, found in _MEANINGS:
        if where in context and what in problem:
            return _BEHIND if found.hint == _ALIGN and _has_before(text, at) else found
    return _UNKNOWN


def is_known(context: str, problem: str) -> bool:
    """Whether PyYAML's words have a meaning of their own here."""
    return any(where in context and what in problem for where, what, _ in _MEANINGS)


def _has_before(text: str, at: int) -> bool:
    """Whether something stands before ``at`` on its line."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return bool(line.strip(" -"))
