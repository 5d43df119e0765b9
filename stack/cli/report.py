"""Says what happened: rich on a terminal, plain lines without one, JSON for programs.

The only module that prints. All three forms come from the same values.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from stack.diagnose.formats.line import Line, Style
from stack.errors import StackError
from stack.hint import joined, naming

if TYPE_CHECKING:  # rich takes a tenth of a second to load, and plain output has no use for it
    from stack.cli.board import Board
    from stack.engines.running import Standing
    from stack.engines.steps import Plan
    from stack.layout.topology import FrontRoute
    from stack.lifecycle.down import Kept
    from stack.lifecycle.outcome import Outcome
    from stack.lifecycle.run import Finished, Result
    from stack.lifecycle.status import Status

Form = Literal["rich", "plain", "json"]
Row = tuple[str, ...]


# Control characters but for tab and line feed, line breaks of Unicode, what turns the direction
# of text around (CVE-2021-42574), and half characters that no terminal can be sent.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Spell out control characters, so that no text can steer the terminal."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


_COLOURS = {
    Style.BAD: 31,
    Style.DOUBTFUL: 33,
    Style.GOOD: 32,
    Style.NOTABLE: 36,
    Style.FAINT: 2,
}  # ECMA-48 SGR


def coloured(line: str) -> str:
    """Give one line for a terminal: each part spelled out, and in the colour of its style."""
    parts = line.parts if isinstance(line, Line) else ((line, None),)
    return "".join(
        f"\x1b[{_COLOURS[style]}m{printable(text)}\x1b[0m" if style else printable(text)
        for text, style in parts
    )


class Report:
    """Where a command says what happened. ``form`` is rich, plain or json.

    ``is_github``: a runner reads the output and carries out what looks like a command to it.
    ``which``: the option that a hint needs to be about the same stack file.
    """

    def __init__(
        self,
        form: Form,
        out: TextIO | None = None,
        err: TextIO | None = None,
        *,
        is_github: bool = False,
        which: str = "",
    ) -> None:
        self.form = form
        self.which = which
        self.is_github = is_github
        self._hidden: tuple[str, ...] | None = None
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.engine = ""
        self._board: Board | None = None
        self._asides: list[str] = []

    def on_engine(self, name: str) -> None:
        """Name the engine that is spoken to; empty for the default one, which needs no name."""
        self.engine = name
        if name and self.form != "json":
            self.note(f"engine: {name}")

    def hide(self, secrets: Iterable[str]) -> None:
        """Take these values, and what looks secret, out of all that is said from now on."""
        self._hidden = tuple(secrets)

    def command(self, line: str) -> None:
        """Give a workflow command to GitHub's runner; among JSON there is no place for one."""
        if self.form != "json":
            print(printable(self._masked(line)), file=self.out, flush=True)

    def named(self, hint: str) -> str:
        """Let the commands of a hint be about the stack file that this command is about."""
        return naming(hint, self.which)

    def note(self, text: str) -> None:
        """Say in passing what is going on."""
        if self.form == "json":
            self._event("note", text=text)
        elif self._board:
            self._board.note(printable(text))
        else:
            self._print(f"  {text}")

    def aside(self, text: str) -> None:
        """Say something beside one answer: a note, or as JSON a part of that one document."""
        if self.form == "json":
            self._asides.append(text)
        else:
            self.note(text)

    def error(self, error: StackError) -> None:
        """Say what went wrong, where, and the next step."""
        evidence: tuple[str, ...] = getattr(error, "evidence", ())
        hints = self.named(error.hint).splitlines()
        if self.form == "json":
            more = {"log": list(evidence)} if evidence else {}
            self._event("error", message=error.message, hint="\n".join(hints), **more)
            return
        lines = [f": {error.message}"]
        if evidence:
            lines.append("  its last log lines:")
            lines += [f"  │ {line}" for line in evidence]
        lines += [f"  hint: {hint}" for hint in hints]
        print(self._red("error") + self._safe("\n".join(lines)), file=self.err)

    def document(self, value: object, lines: Iterable[str]) -> None:
        """Give one answer: ``value`` as JSON, or ``lines`` as text."""
        if self.form == "json":
            if isinstance(value, dict):
                engine = {"engine": self.engine} if self.engine else {}
                notes = {"notes": self._asides} if self._asides else {}
                value = {**engine, **value, **notes}
            self._print(json.dumps(value))
        else:
            self._print("\n".join(lines))

    def findings(self, value: object, lines: Iterable[str], *, commands: bool = False) -> None:
        """Give a diagnosis as ``document`` does, with colours on a terminal.

        ``commands`` are for GitHub's runner, and whoever made the lines escaped what is in them.
        """
        if commands:
            print(printable("\n".join(lines)), file=self.out, flush=True)
        elif self.form == "rich":
            print("\n".join(map(coloured, lines)), file=self.out, flush=True)
        else:
            self.document(value, lines)

    def text(self, text: str) -> None:
        """Give text as it is (a file, a token), in every form."""
        self.out.write(text if text.endswith("\n") else f"{text}\n")
        self.out.flush()

    def table(self, names: Row, rows: Sequence[Row]) -> None:
        """Give rows under names, aligned; a list of objects as JSON."""
        values = [dict(zip(names, row, strict=True)) for row in rows]
        self.document(values, aligned([tuple(name.upper() for name in names), *rows]))

    @contextmanager
    def progress(self) -> Iterator[Callable[["Result"], None]]:
        """Show results as they happen: a live board on a terminal, else lines."""
        if self.form != "rich":
            yield self._result
            return
        from stack.cli.board import Board

        with Board() as board:
            self._board = board
            try:
                yield board.show
            finally:
                self._board = None

    def plan(self, plan: "Plan") -> None:
        """Say what ``up`` would do."""
        steps = [step.says for step in plan.changes]
        lines = steps or ["nothing to change"]
        self.document({"steps": steps}, [f"  {line}" for line in lines])

    def up(self, outcome: "Outcome") -> None:
        """Say that the stack is up and where, and which routes do not answer as wanted."""
        url = outcome.url
        seconds = round(outcome.seconds, 2)
        rows = [
            (_address(url, check.route), check.route.service, check.says)
            for check in outcome.routes
        ]
        if self.form == "json":
            names = ("url", "service", "answer")
            routes = [
                dict(zip(names, row, strict=True)) | {"ok": check.is_well}
                for row, check in zip(rows, outcome.routes, strict=True)
            ]
            warnings = [
                {"message": one.message, "hint": self.named(one.hint)} for one in outcome.warnings
            ]
            values = {"ok": outcome.is_well, "url": url, "seconds": seconds}
            self._event("up", **values, routes=routes, warnings=warnings)
            return
        self._print(*self._headline(outcome))
        self._print("\n".join(f"  {line}" for line in aligned(rows)))
        if outcome.authority:
            self._print(f"\n  trust this authority once, in your browser: {outcome.authority}")
        for warning in outcome.warnings:
            hints = [f"  hint: {line}" for line in self.named(warning.hint).splitlines()]
            self._print("\n".join([f"\n  {warning.message}", *hints]))

    def _headline(self, outcome: "Outcome") -> tuple[str, str]:
        """Give the first line of ``up`` and its mark: green only if every route is as wanted."""
        name, seconds = outcome.project, f"in {outcome.seconds:.1f} s\n"
        bad = sum(not check.is_well for check in outcome.routes)
        if bad:
            verb = "does" if bad == 1 else "do"
            text = f"{bad} of {len(outcome.routes)} routes {verb} not answer as wanted"
            return f" {name} is up; {text}, {seconds}", self._red("!")
        what = "is up" if outcome.plan.changes else "is up to date"
        return f" {name} {what} {seconds}", self._green("✓")

    def down(self, outcome: "Outcome", kept: "Kept", again: str) -> None:
        """Say what ``down`` removed and which volumes it kept.

        ``again`` is the command that removes those of the project.
        """
        removed = [f"{step.key.kind} {step.key.name}" for step in outcome.plan.steps]
        seconds = round(outcome.seconds, 2)
        if self.form == "json":
            names = [*kept.own, *kept.lent, *kept.anonymous, *kept.lost]
            self._event("down", ok=True, seconds=seconds, removed=removed, kept=names)
            return
        if removed:
            self._print(f" {len(removed)} removed in {seconds:.1f} s", self._green("✓"))
        else:
            self._print("nothing to remove")
        lent = joined(f"{outcome.project}_{name}" for name in kept.lent)
        for names, remove in (
            ([*kept.own, *_anonymous(kept.anonymous)], again),
            ([*kept.lent], f"docker volume rm {lent}"),
            (_anonymous(kept.lost), f"docker volume rm {joined(kept.lost)}"),
        ):
            if names:
                self._print(f"  volumes kept: {', '.join(names)} ({remove} removes them)")

    def status(self, status: "Status") -> None:
        """Say what runs and what the front answers."""
        rows = [replace(row, detail=self.named(row.detail)) for row in status.services]
        value = {
            "ok": status.is_well,
            "services": [asdict(row) for row in rows],
            "routes": [asdict(row) for row in status.routes],
        }
        services = [(row.service, row.container, row.state, row.detail) for row in rows]
        routes = [(row.route, row.service, row.answer, f"{row.ms} ms") for row in status.routes]
        lines = aligned([("SERVICE", "CONTAINER", "STATE", "DETAIL"), *services])
        if routes:
            names = ("ROUTE", "SERVICE", "THE FRONT ANSWERS", "IN")
            lines += ["", *aligned([names, *routes])]
        self.document(value, lines)

    def stacks(self, stacks: Sequence["Standing"]) -> None:
        """Say which stacks this machine has."""
        value = [
            {**asdict(one.owner), "front": one.front, "state": one.state, "volumes": one.volumes}
            for one in stacks
        ]
        rows = [(one.owner.project, one.state, one.front, one.owner.folder) for one in stacks]
        table = aligned([("NAME", "STATE", "FRONT", "FOLDER"), *rows])
        self.document({"stacks": value}, table if rows else ["no stack on this machine"])

    def log_line(self, container: str, line: str) -> None:
        """Give one line of a container's log."""
        if self.form == "json":
            self._print(json.dumps({"container": container, "line": line}))
        else:
            self._print(f"{container} | {line}")

    def drift(self, drift: Mapping[str, list[str]]) -> None:
        """Say how files differ from what would be rendered."""
        lines = [line for diff in drift.values() for line in diff]
        hint = ["", f"  hint: {self.named('stack render')} writes them anew"]
        self.document({"drift": dict(drift)}, [*lines, *hint] if lines else ["nothing differs"])

    def written(self, names: list[str], changed: list[str], folder: Path) -> None:
        """Say which files were written and which were right already."""
        lines = [f"  {'wrote' if name in changed else 'kept '} {folder / name}" for name in names]
        self.document({"files": names, "written": changed}, lines)

    def timing(self, chain: list["Finished"], total: float) -> None:
        """Give the steps that the run could not have been shorter than."""
        rows = [
            (str(item.step.key), f"{item.start:.2f}", f"{item.end - item.start:.2f}")
            for item in chain
        ]
        if self.form == "json":
            names = ("step", "start", "seconds")
            self._event("timing", steps=[dict(zip(names, row, strict=True)) for row in rows])
            return
        self._print(f"\n  critical path ({total:.2f} s)")
        table = aligned([("STEP", "START", "SECONDS"), *rows])
        self._print("\n".join(f"  {line}" for line in table))

    def _result(self, result: "Result") -> None:
        from stack.lifecycle.run import Finished

        seconds = round(result.end - result.start, 3) if isinstance(result, Finished) else None
        if self.form == "json":
            more = {} if seconds is None else {"seconds": seconds}
            name = "started" if seconds is None else "finished"
            self._event(name, step=str(result.step.key), **more)
        elif isinstance(result, Finished):
            mark = "failed" if result.error else "ok"
            self._print(f"  {mark:<6} {seconds:6.2f} s  {result.step.key}")

    def _event(self, name: str, **values: Any) -> None:
        on = {"engine": self.engine} if self.engine else {}
        event: Mapping[str, Any] = {"event": name, "time": round(time.time(), 3), **on, **values}
        if self._hidden is not None:
            from stack.redaction.redact import cleaned

            event = cleaned(event, self._hidden)
        self._print(json.dumps(event))

    def _print(self, text: str, mark: str = "") -> None:
        print(mark + self._safe(text), file=self.out, flush=True)

    def _safe(self, text: str) -> str:
        """Spell out what would steer a terminal or GitHub's runner, and mask what is hidden."""
        if self.form == "json":  # made of escaped texts, without a secret
            return text.replace("##[", "#\\u0023[") if self.is_github else text
        text = printable(self._masked(text))
        if not self.is_github:
            return text
        from stack.diagnose.formats.github import harmless

        return harmless(text)

    def _masked(self, text: str) -> str:
        if self._hidden is None:
            return text
        from stack.redaction.redact import redact

        return redact(text, self._hidden)

    def _green(self, text: str) -> str:
        return f"\x1b[32m{text}\x1b[0m" if self.form == "rich" else text

    def _red(self, text: str) -> str:
        return f"\x1b[31m{text}\x1b[0m" if self.form == "rich" and self.err.isatty() else text


def aligned(rows: Sequence[Row]) -> list[str]:
    """Give rows as lines whose columns begin at the same place."""
    if not rows:
        return []
    rows = [tuple(printable(cell).replace("\n", "\\n") for cell in row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _anonymous(volumes: Sequence[str]) -> list[str]:
    return [f"{len(volumes)} anonymous"] if volumes else []


def _address(url: str, route: "FrontRoute") -> str:
    return (url.replace("http", "ws", 1) if route.websocket else url) + route.path
