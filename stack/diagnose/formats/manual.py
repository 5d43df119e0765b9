"""The full description of a cause, and the list of causes, as lines for people. Pure."""

import textwrap
from collections.abc import Iterable, Iterator

from stack.finding import Cause

WIDTH = 80


def cause_lines(cause: Cause) -> list[str]:
    """Return all that is known of a cause."""
    return [
        f"{cause.code}  {cause.name}  ({cause.severity})",
        cause.title,
        "",
        *_wrapped(cause.why),
        *_example("wrong", cause.bad),
        *_example("right", cause.good),
        "",
        *_wrapped(f"fix: {cause.fix}"),
        f"more: {cause.link}",
    ]


def list_lines(causes: Iterable[Cause]) -> list[str]:
    """Return one line for each cause."""
    return [f"{cause.code}  {cause.severity:<7}  {cause.title}" for cause in causes]


def _wrapped(text: str) -> Iterator[str]:
    """Fill paragraphs; an indented text is an example and keeps its lines."""
    for line in text.split("\n"):
        if line.startswith(" ") or not line:
            yield line
        else:
            yield from textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)


def _example(title: str, text: str) -> list[str]:
    if not text:
        return []
    return [
        "",
        f"{title}:",
        *textwrap.indent(textwrap.dedent(text).strip("\n"), "    ").split("\n"),
    ]
