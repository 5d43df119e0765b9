"""What was measured, what was wanted, and both as a table or JSON. Measures nothing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

HEAD = ("what", "stack", "compose", "ratio", "wanted", "met")
RIGHT = range(1, 5)  # the columns with figures


@dataclass(frozen=True)
class Figure:
    """One line of the table: seconds of every run.

    With runs of Compose, ``wanted`` is the ratio of the medians; without, seconds; 0.0 is no wish.
    """

    what: str
    stack: Sequence[float]
    compose: Sequence[float] = ()
    wanted: float = 0.0

    @property
    def ratio(self) -> float | None:
        """How much of Compose's time stack takes."""
        return median(self.stack) / median(self.compose) if self.compose else None

    @property
    def is_met(self) -> bool:
        """Whether the wish came true, if there is one."""
        value = self.ratio if self.compose else median(self.stack)
        return not self.wanted or (value or 0.0) <= self.wanted

    @property
    def cells(self) -> tuple[str, ...]:
        """What the table shows."""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        unit = "x" if self.compose else "s"
        wish = f"<= {self.wanted:g} {unit}" if self.wanted else ""
        met = ("yes" if self.is_met else "NO") if self.wanted else ""
        compose = seconds(median(self.compose)) if self.compose else ""
        return self.what, seconds(median(self.stack)), compose, ratio, wish, met


def seconds(value: float) -> str:
    """Write a time so that three digits of it matter."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def table(figures: Sequence[Figure]) -> str:
    """Give the figures as lines of columns."""
    rows = [HEAD, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(_line(row, widths) for row in rows)


def as_json(figures: Sequence[Figure]) -> str:
    """Give the figures with every single run, in seconds."""
    shown = [
        {**asdict(figure), "ratio": figure.ratio, "is_met": figure.is_met} for figure in figures
    ]
    return json.dumps(shown, indent=2)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column in RIGHT else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
