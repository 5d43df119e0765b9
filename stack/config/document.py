"""Reads YAML text into plain values with the place of each. Knows nothing of stacks.

Interpolation happens here, on the scalars: a value can never change the structure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from stack.config import syntax

Path = tuple[str | int, ...]
Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None

MAX_NODES = 50_000
MAX_DEPTH = 40
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?[-?])(?P<rest>[^}]*))?\}"
    r"|(?P<bad>\{[^}]*\}?))"
)
MOST_DIGITS = 18  # of a number; what has more is text
_DECIMAL = re.compile(rf"[-+]?(?:0|[1-9][0-9]{{0,{MOST_DIGITS - 1}}})")
_UNUSABLE = re.compile("[\0\ud800-\udfff]")  # no environment, argument or file can contain these
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_SCALARS = {"str", "int", "float", "bool", "null", "timestamp", "value", "merge"}


class Interpolated(str):
    """Text that came from ``${…}``: it counts as a number where a number is expected."""

    __slots__ = ()


@dataclass(frozen=True)
class Mark:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """One problem: at which keys, what, the next step, and its place in the file.

    Without a ``path`` it is about the text and not about a value.
    """

    path: Path
    text: str
    hint: str = ""
    mark: Mark | None = None


@dataclass
class Document:
    """Plain values, the place of each key and value, and what was wrong while reading.

    ``is_whole`` is false when the text could not be read to its end.
    """

    value: Value = None
    marks: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    is_whole: bool = False

    def mark(self, path: Path) -> Mark | None:
        """Return the place of ``path``, or of the nearest thing around it."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path)


def dotted(path: Path) -> str:
    """Return a path in words: ``services.web.needs.0``."""
    return ".".join(shortened(_printable(str(part))) for part in path)


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)[1:-1]


def shortened(text: str, most: int = 60) -> str:
    """Shorten text that is too long to read."""
    return text if len(text) <= most else f"{text[:most]}…"


def read(
    text: str, environ: Mapping[str, str], is_verbatim: Callable[[Path], bool] = lambda _: False
) -> Document:
    """Read one YAML document and fill in ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?text}``.

    Scalars for whose path ``is_verbatim`` holds stay text: ``1.10`` and ``yes`` as written. Numbers
    are decimal: ``010`` and ``1:30``, which YAML 1.1 reads as 8 and 90, stay text. Never raises:
    problems (syntax, duplicate keys, custom tags, too many aliases, unset variables) are in
    ``problems`` of the answer.
    """
    document = Document()
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                document.value = _Reader(document, environ, is_verbatim).read(node, ())
            document.is_whole = True
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax_problem(error, text))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        document.problems.append(
            Problem(
                (),
                f"the character U+{int(error.character):04X} is not allowed in YAML",
                'remove it, or write it as an escape in double quotes: "\\e"',
                Mark(line, column),
            )
        )
    except _TooBigError as error:
        document.problems.append(Problem((), str(error), mark=error.mark))
    return document


class _TooBigError(Exception):
    def __init__(self, text: str, mark: Mark | None) -> None:
        super().__init__(text)
        self.mark = mark


class _Loader(yaml.SafeLoader):
    """PyYAML's reader, stopped early: it needs the square of the depth, and recursion."""

    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._check()
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def fetch_flow_collection_start(self, token: Any) -> None:
        self._check(self.flow_level)
        super().fetch_flow_collection_start(token)

    def scan_flow_scalar(self, style: str) -> Any:
        begin = self.get_mark()
        try:
            return super().scan_flow_scalar(style)
        except (OverflowError, ValueError):  # "\\UFFFFFFFF": by chr(), which PyYAML trusts
            context = "while scanning a double-quoted scalar"
            raise yaml.scanner.ScannerError(context, begin, "no such character", begin) from None

    def _check(self, more: int = 0) -> None:
        self.nodes += 1
        if max(self.depth, more) > MAX_DEPTH:
            raise _TooBigError("nested too deep", Mark(self.line + 1, self.column + 1))
        if self.nodes > MAX_NODES:
            raise _TooBigError("has too many values", Mark(self.line + 1, self.column + 1))


class _Reader:
    """Walks the nodes of one document; ``read`` gives the plain value of a node."""

    def __init__(
        self,
        document: Document,
        environ: Mapping[str, str],
        is_verbatim: Callable[[Path], bool],
    ) -> None:
        self.document = document
        self.environ = environ
        self.is_verbatim = is_verbatim
        self.nodes = 0
        self.around: list[yaml.Node] = []

    def read(self, node: yaml.Node, path: Path) -> Value:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            text = "has too many values; aliases (*name) multiply what they stand for"
            raise _TooBigError(text, _mark(node))
        if isinstance(node, yaml.ScalarNode):
            self.document.marks[path] = _mark(node)
            return self._scalar(node, path)
        if node in self.around:
            return self._refuse("contains itself, through an alias (*name)", node, path)
        if node.tag not in {f"{_TAG}map", f"{_TAG}seq"}:
            return self._refuse(f"the tag {_tag(node)} is not supported", node, path)
        self.around.append(node)
        value: Value
        if isinstance(node, yaml.MappingNode):
            value = self._mapping(node, path)
        else:
            value = [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        self.around.pop()
        self.document.marks[path] = _mark(node)
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Value:
        values: dict[str, Value] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                values = {**self._merged(value_node, path), **values}
        first: dict[str, Mark] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem("a key must be plain text", key_node, path)
                continue
            key = str(key_node.value)
            below = (*path, key)
            if key in first:
                text = f"written twice; first on line {first[key].line}"
                self._problem(text, key_node, below)
                continue
            if _UNUSABLE.search(key):
                self._problem("a key has an invalid character", key_node, path)
                continue
            values[key] = self.read(value_node, below)
            first[key] = self.document.marks[below] = _mark(key_node)
        return values

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, Value]:
        """Return what ``<<: *name`` or ``<<: [*one, *two]`` adds; the first one wins."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        values: dict[str, Value] = {}
        for item in nodes:
            if not isinstance(item, yaml.MappingNode):
                self._problem("<<: must stand before mappings of keys", item, path)
                continue
            found = self.read(item, path)
            values = {**(found if isinstance(found, dict) else {}), **values}
        return values

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Value:
        kind = node.tag.removeprefix(_TAG)
        if kind not in _SCALARS:
            return self._refuse(f"the tag {_tag(node)} is not supported", node, path)
        text = str(node.value)
        filled = text
        if "$" in text:
            filled = _VARIABLE.sub(lambda found: self._variable(found, node, path), text)
        if found := _UNUSABLE.search(filled):
            what = f"the character U+{ord(found[0]):04X} cannot be used"
            return self._refuse(what, node, path)
        if filled != text.replace("$$", "$"):
            return Interpolated(filled)
        return filled if self.is_verbatim(path) else _plain(kind, filled)

    def _variable(self, found: re.Match[str], node: yaml.Node, path: Path) -> str:
        if found["escaped"]:
            return "$"
        if bad := found["bad"]:
            what = f"${shortened(_printable(bad))} is not a variable"
            what = what if bad.endswith("}") else "${ is not closed"
            forms = "write ${NAME}, ${NAME:-default} or ${NAME:?text}, and $$ for a dollar sign"
            self._problem(what, node, path, forms)
            return ""
        name, how, rest = found["name"], found["how"] or "", found["rest"] or ""
        if "${" in rest:
            self._problem(f"the default of ${{{name}}} cannot contain another ${{…}}", node, path)
            return ""
        value = self.environ.get(name)
        if value or (value is not None and not how.startswith(":")):
            return value
        if how.endswith("-"):
            return rest
        what = _printable(rest) or f"the environment variable {name} is not set"
        self._problem(what, node, path, f"export {name}=…, or write ${{{name}:-default}}")
        return ""

    def _refuse(self, text: str, node: yaml.Node, path: Path) -> Value:
        """Return the value of what cannot be read: nothing."""
        self._problem(text, node, path)
        return None

    def _problem(self, text: str, node: yaml.Node, path: Path, hint: str = "") -> None:
        where = f"{dotted(path)}: " if path else ""
        self.document.problems.append(Problem(path, f"{where}{text}", hint, _mark(node)))


def _plain(kind: str, text: str) -> Value:
    if kind == "null":
        return None
    if kind == "bool":
        return yaml.SafeLoader.bool_values.get(text.lower(), text)
    if kind == "int":
        return int(text) if _DECIMAL.fullmatch(text) else text
    if kind == "float":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _tag(node: yaml.Node) -> str:
    return node.tag.replace(_TAG, "!!")


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    found = syntax.meaning(error, text)
    marks = [error.problem_mark, error.context_mark]
    mark = next(filter(None, reversed(marks) if found.is_at_begin else marks), None)
    place = Mark(mark.line + 1, mark.column + 1) if mark else None
    return Problem((), found.text, found.hint, place)
