"""The text of an env_file → its values, as every Docker Compose v2 reads them. Pure.

The rules are those of compose-go, written down in its code alone (``dotenv/parser.go`` and
``template/template.go``); tests ask Compose itself. What Compose reads differently depending on
version, folder or typing mistake is refused with its line.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stack.config.document import Mark, Problem

_BLANK = "\t\v\f\r \x85\xa0"  # what compose-go treats as space within a line
_SPACE = f"{_BLANK}\n\u1680\u2028\u2029\u202f\u205f\u3000"  # Go's unicode.IsSpace
_SPACE += "".join(map(chr, range(0x2000, 0x200B)))
_BETWEEN = re.compile(rf"(?:[{_SPACE}]++|#[^\n]*+)*+")
_HEAD = re.compile(rf"(?:export[\t\f\r ][{_BLANK}]*)?(?P<key>[^=:\n]*)(?P<sign>[=:]?)[{_BLANK}]*")
_KEY = re.compile(r"[\w.\-\[\]]+")
_QUOTED = re.compile(r"""(?s)(?:'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)")""")
_BEHIND = re.compile(rf"[{_BLANK}]*(?:#[^\n]*)?(?=\n|\Z)")
_PAIR = re.compile(r"(?s)\\(.)")
_LINE = re.compile(r"[^\n]*")
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_MEANING = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_MEANING |= {"\\": "\\", '"': '"', "$": "$$"}
_NAME = "[_a-zA-Z\u017f\u212a][_a-zA-Z0-9\u017f\u212a]*"  # Go's (?i) folds these two as well
_VARIABLE = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<named>{_NAME})"
    rf"|\{{(?:(?P<name>{_NAME})(?:(?P<how>:?[-+?])(?P<rest>.*))?\}}|(?P<bad>)))"
)
_MOST_NESTED = 100
_MOST_CHARACTERS = 1 << 17  # Linux accepts no longer string for a process (MAX_ARG_STRLEN)
_TOO_LONG = "a value is longer than 128 KiB, which is the limit of a process"
_LITERALLY = "write single quotes around the value to keep each $ as it is"
_OWN_VARIABLE = "COMPOSE_PROJECT_NAME"  # Compose sets it if the user did not


@dataclass(frozen=True)
class Variables:
    """Where the values of variables come from, besides the lines above.

    ``others`` are values by their source, which only some versions of Compose, or Compose started
    in some folders, would prefer to those of the file.
    """

    environ: Mapping[str, str]
    others: Mapping[str, Mapping[str, str]]


def read_env_file(text: str, variables: Variables) -> tuple[dict[str, str], list[Problem]]:
    """Return the values of KEY=VALUE lines, and what is wrong with lines (without their values)."""
    values: dict[str, str] = {}
    problems = []
    for statement in _statements(text):
        try:
            values[statement.key] = _value(statement, _Lookup(variables, values))
        except _RefusedError as refused:
            what, hint = refused.args
            # A line that is not an assignment may be a part of a secret: it is not shown.
            named = f"{statement.key}: " if statement.key and statement.is_assignment else ""
            problems.append(Problem((), f"{named}{what}", hint, Mark(statement.line, 1)))
    return values, problems


class _RefusedError(Exception):
    """What is wrong, and a hint."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what, hint)


@dataclass(frozen=True)
class _Statement:
    """One ``KEY=VALUE``: ``value`` is None for a key alone, ``quote`` is empty without one."""

    line: int
    key: str
    value: str | None = None
    quote: str = ""
    problem: str = ""

    @property
    def is_assignment(self) -> bool:
        """Whether there is a sign behind the key."""
        return self.value is not None or bool(self.problem)


@dataclass
class _Lookup:
    variables: Variables
    above: Mapping[str, str]
    given: int = 0  # characters

    def find(self, name: str) -> str | None:
        """Return a variable's value, or None; refuse one that Compose might read differently."""
        value = self._find(name)
        self.given += len(value or "")
        if self.given > _MOST_CHARACTERS:
            raise _RefusedError(_TOO_LONG)
        return value

    def _find(self, name: str) -> str | None:
        environ = self.variables.environ
        if name in environ:
            return environ[name]
        value = self.above.get(name)
        for where, values in self.variables.others.items():
            if values.get(name, value) != value:
                what = f"a variable here has another value in {where}, which Compose may prefer"
                raise _RefusedError(what, f"set the same value in both, or export it: {name}")
        if name == _OWN_VARIABLE:
            raise _RefusedError(f"{name} is set by Compose alone", "write the project's name")
        return value


def _statements(text: str) -> Iterator[_Statement]:
    at, line, counted = 0, 1, 0
    while (at := _match(_BETWEEN, text, at).end()) < len(text):
        line, counted = line + text.count("\n", counted, at), at
        statement, at = _statement(text, at, line)
        yield statement


def _statement(text: str, at: int, line: int) -> tuple[_Statement, int]:
    """Read what begins at ``at``; return where it ends as well."""
    head = _match(_HEAD, text, at)
    key, start = head["key"].rstrip(_BLANK), head.end()
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    is_last = end == len(text)  # without an end, it is a key alone, which is never intended
    if not _KEY.fullmatch(key) or (is_last and not head["sign"]):
        return _Statement(line, "", problem="expected KEY=VALUE"), end
    if not head["sign"]:
        return _Statement(line, key), end
    if text[start : start + 1] not in {"'", '"'} or start == len(text):
        return _Statement(line, key, text[start:end].partition(" #")[0].rstrip(_SPACE)), end
    found = _QUOTED.match(text, start)
    if not found:
        return _Statement(line, key, problem="the quote is not closed"), len(text)
    behind = _BEHIND.match(text, found.end())
    if not behind:
        problem = "text behind the closing quote"
        return _Statement(line, key, problem=problem), _match(_LINE, text, found.end()).end()
    quote = text[start]
    inner = found[0][1:-1]
    if "\\" in inner:
        inner = _PAIR.sub(lambda pair: quote if pair[1] == quote else pair[0], inner)
    return _Statement(line, key, inner, quote), behind.end()


def _match(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    """Match a pattern that also matches nothing."""
    found = pattern.match(text, at)
    if found is None:
        raise ValueError(pattern)
    return found


def _value(statement: _Statement, lookup: _Lookup) -> str:
    if statement.problem:
        raise _RefusedError(statement.problem)
    if statement.value is None:
        value = lookup.variables.environ.get(statement.key)
        if value is None:
            raise _RefusedError("expected KEY=VALUE, or a name that is set in the environment")
    elif statement.quote == "'":
        value = statement.value
    else:
        text = statement.value
        value = _filled(_ESCAPE.sub(_unescaped, text) if statement.quote else text, lookup)
    if "\0" in value:
        raise _RefusedError("a value cannot contain U+0000")
    if len(value) > _MOST_CHARACTERS:
        raise _RefusedError(_TOO_LONG)
    return value


def _unescaped(found: re.Match[str]) -> str:
    """Return the meaning of a backslash and what follows it, as Go's UnquoteChar does."""
    code = found[0][1:]
    if code.startswith("0"):
        digits = code[1:]
        is_octal = re.fullmatch("[0-3][0-7]{2}", digits)
        return chr(int(digits, 8)) if is_octal else f"\\{digits}"
    return _MEANING.get(code, found[0])


def _filled(text: str, lookup: _Lookup, depth: int = 0) -> str:
    """Fill in variables."""
    if depth > _MOST_NESTED:
        raise _RefusedError("has too many nested variables")
    return _VARIABLE.sub(lambda found: _variable(found, lookup, depth), text)


def _variable(found: re.Match[str], lookup: _Lookup, depth: int) -> str:
    if found["escaped"]:
        return "$"
    if found["bad"] is not None:
        raise _RefusedError("has ${ without a name and a }", _LITERALLY)
    if found["named"] or not found["how"]:
        return _needed(lookup.find(found["named"] or found["name"]))
    whole = found[0]
    end = _closing(whole)
    inner, behind = (whole[:end], whole[end + 1 :]) if end >= 0 else (whole[:-1], "")
    word = _filled(inner[found.start("rest") - found.start() :], lookup, depth + 1)
    value = lookup.find(found["name"])
    is_set = bool(value) if found["how"].startswith(":") else value is not None
    match found["how"][-1]:
        case "?" if not is_set:
            raise _RefusedError("has ${…?…}, and that variable is not set", "export it")
        case "+":
            value = word if is_set else value
        case "-" if not is_set:
            value = word
    return (value or "") + _filled(behind, lookup, depth + 1)


def _needed(value: str | None) -> str:
    if value is None:
        what = "has a $ with a name that is set neither above nor in the environment"
        raise _RefusedError(what, _LITERALLY)
    return value


def _closing(text: str) -> int:
    """Find the } of the first ${, counting as compose-go does; -1 if there is none."""
    opened, at = 0, 0
    while at < len(text):
        if text[at] == "}":
            opened -= 1
            if opened == 0:
                return at
        if text[at] == "{":
            opened += 1
            at += 1
        at += 1
    return -1
