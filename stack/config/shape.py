"""Describes what the model refuses, with the place and the nearest valid word. Pure."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from stack.config.document import (
    MOST_DIGITS,
    Document,
    Interpolated,
    Path,
    Problem,
    dotted,
    shortened,
)
from stack.config.model import Model, Stack


def read_shape(content: Document) -> tuple[Stack | None, list[Problem]]:
    """Return the model of a stack.yaml, or what is wrong with its keys, types, limits, patterns."""
    try:
        return Stack.model_validate(content.value), []
    except ValidationError as error:
        return None, [_problem(content, dict(item)) for item in error.errors()]


def _problem(content: Document, error: dict[str, Any]) -> Problem:
    where = tuple(part for part in error["loc"] if part != "[key]")
    text, hint = _words(where, error["type"], error.get("ctx", {}), error)
    return Problem(where, f"{dotted(where)}: {text}", hint, content.mark(where))


def _words(
    where: Path, kind: str, context: Mapping[str, Any], error: Mapping[str, Any]
) -> tuple[str, str]:
    """Return what is wrong with a value, and the next step, in our words instead of pydantic's."""
    given = shown(error["input"])
    if kind == "extra_forbidden":
        return _unknown_key(where)
    if kind == "literal_error":
        text = f"must be one of {context['expected'].replace(chr(39), '')}, not {given}"
        near = _nearest(str(error["input"]), re.findall(r"'(.*?)'", context["expected"]))
        return text + (f"; did you mean {near}?" if near else ""), ""
    if kind == "value_error":
        return f"{given} {context['error']}", ""
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        unit = " seconds" if isinstance(error["input"], str) else ""  # only durations have units
        return f"must be {words} {context[limit]}{unit}, not {given}", ""
    if kind == "string_pattern_mismatch":
        return f"{given} is not allowed here; {PATTERNS[context['pattern']]}", ""
    if not kind.endswith(("_type", "_parsing")):
        return _SHAPES.get(kind, error["msg"]), ""
    return _of_another_type(where, kind, error)


def _of_another_type(where: Path, kind: str, error: Mapping[str, Any]) -> tuple[str, str]:
    value, given = error["input"], shown(error["input"])
    text, hint = _SHAPES.get(kind, error["msg"]), ""
    if kind == "model_type" and (short := _SHORT_FORMS.get(_model_at(where).short or "")):
        text = f"must be {short} or a mapping of keys"
        hint = f'put it in quotes: "{given}"' if isinstance(value, int | float) else ""
    if value is None:
        return f"is empty; it {text}", ""
    if kind == "list_type" and isinstance(value, str):
        text += f" like [{', '.join(value.split())}]"
    if _is_quoted(kind, value):
        hint = "drop the quotes"
    elif kind == "int_type" and _NUMBER.fullmatch(str(value)):
        text, given = "must be a smaller number", shortened(str(value))
    return f"{text}, not {given}", hint


_NUMBER = re.compile("0|[1-9][0-9]*")
_LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "more than"),
}
# The text that may stand for a whole mapping, by the key that it is for.
_SHORT_FORMS = {"to": "the name of a service", "context": "a folder"}
_SHAPES = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys",
    "model_type": "must be a mapping of keys",
    "float_type": "must be a duration like 500ms, 90s, 5m or 1h",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "too_short": "must not be empty",
}
PATTERNS = {
    r"^[a-z0-9][a-z0-9_-]{0,62}$": "use lower case letters, digits, - and _, at most 63",
    r"^[a-z0-9_-]*$": "use lower case letters, digits, - and _, or nothing at all",
    r"^([1-9][0-9]{1,5}m|[1-9][0-9]{0,3}g)$": "write a size of at least 10m, like 512m or 2g",
    r"^https?://[^\s'\"]+$": "write its address, like http://mirror.example.com/debian",
    r"^/": "it must start with /",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "use letters, digits and _, not starting with a digit",
    r"^[a-z0-9-]+(\.[a-z0-9-]+)+$": "use a full host name in lower case, like shop.example.com",
    r"^[^\s;{}$'\"]+:\d+$": "write host:port, like 10.0.0.5:3002",
    r"^[0-9a-fA-F.:\[\]]+$": "write an IP address",
    r"^1\.(2[5-9]|[3-9]\d)(\.\d+)?$": 'write a version of at least 1.25, in quotes, like "1.28"',
}
# The names of the same things in a Compose file.
_COMPOSE_WORDS = {
    "depends_on": "needs",
    "environment": "env",
    "healthcheck": "ready",
    "ports": "port",
    "scale": "replicas",
}


def _unknown_key(where: Path) -> tuple[str, str]:
    word, known = str(where[-1]).lower(), _known_keys(where)
    near = _COMPOSE_WORDS.get(word, "")
    near = near if near in known else _nearest(word, known)
    if near:
        return f"unknown key; did you mean {near}?", ""
    return "unknown key", f"known in {dotted(where[:-1]) or 'stack.yaml'}: {', '.join(known)}"


def _nearest(word: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.65)), "")


def _is_quoted(kind: str, value: object) -> bool:
    """Whether a number or a truth value is text only because of its quotes."""
    if isinstance(value, Interpolated):
        return False
    if kind == "int_type":
        is_number = isinstance(value, str) and _NUMBER.fullmatch(value)
        return (
            bool(is_number) and len(str(value)) <= MOST_DIGITS
        )  # more are text without quotes as well
    return kind == "bool_type" and value in ("true", "false")


def shown(value: object) -> str:
    """Return a value as it is written, shortened."""
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return shortened(repr(str(value) if isinstance(value, str) else value))


def _known_keys(where: tuple[str | int, ...]) -> list[str]:
    """The keys that the model allows beside the last one of ``where``."""
    return list(_model_at(where[:-1]).model_fields)


def _model_at(where: Path) -> type[Model]:
    """The model of what stands at ``where``."""
    model: type[Model] = Stack
    for part in where:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = next(_models_in(field.annotation), model)
    return model


def _models_in(annotation: object) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
