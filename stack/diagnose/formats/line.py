"""A line of text that knows which of its parts stand out; whoever prints it decides how. Pure."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Self


class Style(Enum):
    """How a part of a line stands out."""

    BAD = auto()
    DOUBTFUL = auto()
    GOOD = auto()
    NOTABLE = auto()
    FAINT = auto()


Part = tuple[str, Style | None]


class Line(str):
    """The text of all parts, joined; ``parts`` are those with their styles."""

    __slots__ = ("parts",)
    parts: tuple[Part, ...]

    def __new__(cls, *parts: str | Part) -> Self:
        """Join the parts; a bare text has no style."""
        pairs = tuple((part, None) if isinstance(part, str) else part for part in parts)
        line = super().__new__(cls, "".join(text for text, _ in pairs))
        line.parts = pairs
        return line


def changed(line: str, change: Callable[[str], str]) -> str:
    """Change the text of each part, and keep its style."""
    if isinstance(line, Line):
        return Line(*((change(text), style) for text, style in line.parts))
    return change(line)


def of_diff(line: str) -> str:
    """Give a line of a diff as it stands out: what goes, what comes, and where."""
    for sign, style in (("-", Style.BAD), ("+", Style.GOOD), ("@@ ", Style.NOTABLE)):
        if line.lstrip(" ").startswith(sign):
            return Line((line, style))
    return line
