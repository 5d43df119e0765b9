"""What the commands share: options with one meaning, and the report that they write to."""

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stack.cli.signals import Ended
from stack.errors import ConfigError
from stack.hint import joined, quoted

if TYPE_CHECKING:
    from stack.cli.report import Form, Report
    from stack.engines.docker.engine import DockerEngine
    from stack.layout.labels import Owner
    from stack.lifecycle.outcome import Outcome
    from stack.project.state import State

LONGEST = 86400.0  # longest wait of a command, in seconds: a day
# The reader of a file reports more than typer does.
File = Annotated[
    Path,
    typer.Option("--file", "-f", metavar="FILE", help="The stack.yaml to use.", readable=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]
Services = Annotated[
    list[str] | None, typer.Argument(metavar="[SERVICE]...", help="All by default.")
]
Timeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", help="How long services may take to answer.", min=0.1, max=LONGEST
    ),
]
NoInstall = Annotated[
    bool, typer.Option("--no-install", help="Do not install or start a Docker Engine.")
]
ProjectName = Annotated[
    str, typer.Option("--project", metavar="NAME", help="One of `stack list`; ignores stack.yaml.")
]
DEFAULT_FILE = Path("stack.yaml")


def new_report(as_json: bool = False, *, plain: bool = False) -> "Report":
    """Return a report in the requested form, or the one that the terminal can show."""
    from stack.cli.report import Report

    is_github = os.environ.get("GITHUB_ACTIONS") == "true"  # a runner reads the output
    which = _which(sys.argv[1:])
    if as_json:
        return Report("json", is_github=is_github, which=which)
    is_plain = plain or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    form: Form = "plain" if is_plain or not sys.stdout.isatty() else "rich"
    return Report(form, is_github=is_github, which=which)


def _which(words: list[str]) -> str:
    """Return the option of a command line that names another stack file, ready to paste."""
    file = ""
    shorts = ["--file=", *(["-f"] if words[:1] != ["logs"] else [])]
    for word, value in itertools.pairwise([*_own(words), ""]):
        if word in {"--file", *shorts}:
            file = value
        elif short := next(filter(word.startswith, shorts), ""):
            file = word.removeprefix(short)
    return f" --file {quoted(file)}" if file else ""


def _own(words: list[str]) -> list[str]:
    """Leave out the words of the command that ``exec`` runs."""
    end = 1
    while words[:1] == ["exec"] and words[end : end + 1] and words[end].startswith("-"):
        end += 2 if words[end] in {"-f", "--file", "--project"} else 1
    return words[:end] if words[:1] == ["exec"] else words


def connected(owner: "Owner", report: "Report", *, mirror: str | None = None) -> "DockerEngine":
    """Open the selected engine, and set its name in the report."""
    from stack.lifecycle import locate

    engine = locate.connect(owner, report.aside, mirror=mirror)
    report.on_engine(engine.label)
    return engine


def confirm(question: str, without_asking: str) -> None:
    """Ask; without a terminal the answer is no."""
    if not sys.stdin.isatty():
        raise ConfigError(f"not confirmed: {question.rstrip('?')}", without_asking)
    typer.confirm(question, abort=True)


def same(command: str, file: Path, name: str = "") -> str:
    """Return a command to paste for the project of this command."""
    which = f" --project {quoted(name)}" if name else ""
    if not name and file != DEFAULT_FILE:
        which = f" --file {quoted(file)}"
    return f"stack {command}{which}"


@contextlib.contextmanager
def holding(
    state: "State", report: "Report", timeout: float, *, make: bool = True
) -> Iterator[None]:
    """Lock a project: one command at a time changes it."""
    try:
        with state.lock(timeout, lambda holder: report.note(f"waiting for {holder}"), make=make):
            yield
    except Ended as ended:
        ended.hint = f"continue with: stack {joined(sys.argv[1:])}"
        raise


def end(report: "Report", outcome: "Outcome") -> None:
    """Report what failed; then the command ends with 1."""
    for error in outcome.failures:
        report.error(error)
    if outcome.failures:
        raise typer.Exit(1)
