"""Describes in Markdown what a bundle has: what failed, the first cause, the next step. Pure.

GitHub shows it on the page of a job. Foreign text is formatted as code, where it stays text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

Row = tuple[str, str, bool, str]  # a name, its state, whether that is healthy, the next step if not
LOG_LINES = 20  # of the container that failed first


@dataclass(frozen=True)
class Failure:
    """One thing that failed: what, the step that fixes it, and the end of a log."""

    message: str
    hint: str = ""
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class Summary:
    """What a bundle reports first. ``is_well``: everything runs and every route answers."""

    project: str
    failures: Sequence[Failure] = ()
    services: Sequence[Row] = ()
    routes: Sequence[Row] = ()
    front_log: Sequence[str] = ()
    changes: Sequence[str] = ()
    versions: dict[str, str] = field(default_factory=dict)
    is_well: bool = False

    @property
    def first_cause(self) -> Failure | None:
        """What failed first, or does not run or answer now; None if all is known to be well."""
        if self.failures:
            return self.failures[0]
        for what, rows in (("service", self.services), ("route", self.routes)):
            for name, state, is_well, step in rows:
                if not is_well:
                    return Failure(f"{what} {name}: {state}", step)
        return None if self.is_well else Failure("what runs was not seen", "stack status")


def title(summary: Summary) -> str:
    """Return the state of the stack in one line."""
    cause = summary.first_cause
    if cause is None:
        return f"stack {summary.project}: everything runs and every route answers"
    return f"stack {summary.project}: {cause.message.splitlines()[0]}"


def markdown(summary: Summary) -> str:
    """Return the whole summary."""
    cause = summary.first_cause
    parts = [f"## Stack {code(summary.project)}", *_cause(cause)]
    if len(summary.failures) > 1:
        parts += [
            "### What else failed",
            *(_block([item.message]) for item in summary.failures[1:]),
        ]
    parts += _table("Services", summary.services) + _table("Routes", summary.routes)
    if summary.front_log:
        parts += ["### What the front wrote last", _block(summary.front_log)]
    if summary.changes:
        parts += ["### What `stack up` would change", _block(summary.changes)]
    said = ", ".join(f"{name} {code(value)}" for name, value in summary.versions.items())
    return "\n\n".join([*parts, said] if said else parts) + "\n"


def code(text: str) -> str:
    """Return one line as inline code, whatever backticks and bars it has."""
    line = " ".join(text.split()) or "-"
    fence = "`" * (_longest_run(line) + 1)
    edge = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{edge}{line}{edge}{fence}".replace("|", "\\|")


def _cause(cause: Failure | None) -> list[str]:
    if cause is None:
        return ["Everything runs, and every route answers."]
    parts = ["**First cause**", _block([cause.message])]
    if cause.log:
        parts += ["Its last log lines:", _block(cause.log[-LOG_LINES:])]
    if cause.hint:
        parts += ["**Next step**", _block([cause.hint])]
    return parts


def _table(name: str, rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    lines = [
        f"| {'✓' if is_well else '✗'} | {code(who)} | {code(how)} |"
        for who, how, is_well, _ in rows
    ]
    return ["\n".join([f"| | {name} | |", "|---|---|---|", *lines])]


def _block(lines: Sequence[str]) -> str:
    text = "\n".join(lines)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
