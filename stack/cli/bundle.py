"""The command ``bundle``, and what ``up --ci`` keeps of a failure. No logic."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stack.cli.options import DEFAULT_FILE, File, Json, connected, new_report
from stack.errors import StackError

if TYPE_CHECKING:
    from stack.bundle.collect import Scene
    from stack.bundle.summary import Summary
    from stack.cli.report import Report
    from stack.engines.docker.engine import DockerEngine
    from stack.lifecycle.locate import Located
    from stack.lifecycle.outcome import Outcome
    from stack.project.project import Project

commands = typer.Typer()


@commands.command(epilog="Example: stack bundle")
def bundle(file: File = DEFAULT_FILE, as_json: Json = False) -> None:
    """Save what explains the state of the stack, without secrets, in stack-bundle/ and a tar of it.

    Works whether the stack is up or not, and without a stack.yaml or an engine that answers.
    """
    from stack.bundle import collect as bundles
    from stack.bundle.summary import title

    report = new_report(as_json)
    folder, summary = bundles.collect(_scene(file, report), bundles.ASKED)
    report.document(
        {"folder": str(folder), "archive": f"{folder}.tar.gz", "says": title(summary)},
        [title(summary), f"saved the evidence: {folder}"],
    )
    _tell_github(report, "stack bundle", summary)


def keep_failure(
    report: "Report",
    project: "Project",
    engine: "DockerEngine",
    outcome: "Outcome | None",
    problems: tuple[StackError, ...] = (),
) -> None:
    """Save what explains a failed ``up``; whether that works changes nothing else."""
    from stack.bundle import collect as bundles
    from stack.lifecycle.locate import Located

    located = Located(project.owner, project)
    given = (project.folder, located, engine, outcome, problems, os.environ)
    scene = bundles.Scene(*given, which=report.which)
    try:
        folder, summary = bundles.collect(scene, bundles.FAILED)
    except StackError as error:
        report.note(f"no evidence is saved: {error.message}")
        return
    report.note(f"saved the evidence: {folder}")
    _tell_github(report, "stack up", summary)


@contextlib.contextmanager
def keeping_refusal(
    report: "Report", project: "Project", engine: "DockerEngine", *, is_kept: bool
) -> Iterator[None]:
    """Report what ``up`` refuses to begin with, without secrets, and save what explains it."""
    try:
        yield
    except StackError as error:
        if is_kept:
            keep_failure(report, project, engine, None, (error,))
        report.error(error)
        raise typer.Exit(error.exit_code) from None


def _tell_github(report: "Report", command: str, summary: "Summary") -> None:
    """Annotate the job with the first cause, and add the summary to its page, if it is a job."""
    from stack.bundle.summary import markdown
    from stack.cli import github
    from stack.os_errors import from_os_error

    cause = summary.first_cause
    if cause and github.is_github(os.environ):
        report.command(github.error_command(command, f"{cause.message}\n{cause.hint}"))
    try:
        github.add_summary(os.environ, markdown(summary))
    except OSError as error:
        report.note(from_os_error(error, "GITHUB_STEP_SUMMARY: not written").message)


def _scene(file: Path, report: "Report") -> "Scene":
    """Find what there is: the project, and its engine. What is missing is reported as a problem."""
    from stack.bundle.collect import Scene
    from stack.lifecycle import locate

    located: Located | None = None
    engine: DockerEngine | None = None
    problems = []
    try:
        located = locate.find(file, os.environ)
        problems += [located.problem] if located.problem else []
        engine = connected(located.owner, report)
    except StackError as error:
        problems.append(error)
    folder = file.absolute().parent
    seen = (folder, located, engine, None, tuple(problems), os.environ)
    return Scene(*seen, which=report.which)
