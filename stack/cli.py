"""The command line: flags in, stages called, errors caught once, exit code out. No logic.

Stages are imported inside the commands: ``stack --help`` must not wait for Docker's SDK.
"""

import contextlib
import io
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stack import cli_diagnose, cli_doctor
from stack.cli_options import (
    DEFAULT_FILE,
    File,
    Json,
    NoInstall,
    Services,
    Timeout,
    connected,
    new_report,
)
from stack.errors import ConfigError, StackError

if TYPE_CHECKING:
    from stack.engines.docker.engine import DockerEngine
    from stack.project import Project
    from stack.report import Report
    from stack.workflow import Outcome

app = typer.Typer(
    name="stack",
    help="One stack.yaml: Nginx, your app and a WebSocket server on one origin.",
    epilog="Example: stack init && stack up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        new_report().text(version("stack"))
        raise typer.Exit


@app.callback()
def stack(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """One stack.yaml: Nginx, your app and a WebSocket server on one origin."""


@app.command(epilog="Example: stack init")
def init(
    file: File = DEFAULT_FILE,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented stack.yaml to start from."""
    from stack.starter import write_starter

    write_starter(file, force=force)
    new_report().note(f"wrote {file}; next: stack up")


@app.command(epilog="Example: stack up --timing")
def up(
    services: Services = None,
    file: File = DEFAULT_FILE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    build: Annotated[bool, typer.Option("--build", help="Build Dockerfiles again.")] = False,
    timing: Annotated[bool, typer.Option("--timing", help="Say what took the time.")] = False,
    timeout: Timeout = 120.0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail unless every route answers as wanted.")
    ] = False,
    ci: Annotated[
        bool, typer.Option("--ci", help="Plain lines; strict, and leaves stack-failure/ behind.")
    ] = False,
    no_install: NoInstall = False,
    as_json: Json = False,
) -> None:
    """Start the stack and prove every route through the front door."""
    from stack import workflow
    from stack.run import critical_path

    report = new_report(as_json, plain=ci)
    may_install = not (no_install or dry_run)
    with _locked(file, report, timeout, may_install=may_install) as (project, engine):
        if dry_run:
            report.plan(workflow.plan_project(project, engine, report.note, services or ())[1])
            return
        options = workflow.Options(timeout, tuple(services or ()), build=build)
        with report.progress() as on_result:
            outcome = workflow.up(project, engine, options, on_result, report.note)
        is_failure = (strict or ci) and not outcome.is_well
        if is_failure:
            from stack import bundle

            report.note(f"what explains it: {bundle.collect(project, engine, outcome)}")
    _end(report, outcome)
    report.up(outcome)
    if timing:
        report.timing(critical_path(outcome.results), outcome.seconds)
    if is_failure:
        raise typer.Exit(1)


@app.command(epilog="Example: stack down")
def down(
    file: File = DEFAULT_FILE,
    volumes: Annotated[bool, typer.Option("--volumes", help="Also delete all data.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    timeout: Timeout = 120.0,
    as_json: Json = False,
) -> None:
    """Stop the stack and remove all of it but the volumes."""
    from stack import workflow

    report = new_report(as_json)
    with _locked(file, report, timeout) as (_, engine):
        names = sorted(engine.observe().volumes)
        if volumes and names and not yes:
            _confirm(f"delete all data in {', '.join(names)}?", "stack down --volumes --yes")
        with report.progress() as on_result:
            outcome = workflow.down(engine, on_result, volumes=volumes)
    _end(report, outcome)
    report.down(outcome, () if volumes else names)


@app.command(epilog="Example: stack restart ws")
def restart(
    services: Services = None,
    file: File = DEFAULT_FILE,
    timeout: Timeout = 120.0,
    as_json: Json = False,
) -> None:
    """Restart services and wait until the front door answers again."""
    from stack import workflow

    report = new_report(as_json)
    with _locked(file, report, timeout) as (project, engine):
        options = workflow.Options(timeout, tuple(services or ()))
        with report.progress() as on_result:
            outcome = workflow.restart(project, engine, options, on_result, report.note)
    _end(report, outcome)
    report.up(outcome)


@app.command(epilog="Example: stack status --json")
def status(file: File = DEFAULT_FILE, as_json: Json = False) -> None:
    """Show what runs and what the front door answers.

    Exits with 1 if a container does not run or a route does not answer.
    """
    from stack import workflow

    report = new_report(as_json)
    project = _project(file)
    seen = workflow.status(project, connected(project, report), report.note)
    report.status(seen)
    if not seen.is_well:
        raise typer.Exit(1)


@app.command(epilog="Example: stack logs ws --follow")
def logs(
    services: Services = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    tail: Annotated[
        int, typer.Option(metavar="LINES", help="How many of each container.", min=0)
    ] = 100,
    file: Annotated[
        Path, typer.Option("--file", metavar="FILE", help="The stack.yaml to use.")
    ] = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Show the logs of services."""
    from stack import workflow

    report = new_report(as_json)
    project = _project(file)
    engine = connected(project, report)
    for name, line in workflow.logs(project, engine, services or (), tail, is_endless=follow):
        report.log_line(name, line)


@app.command(
    "exec",
    epilog="Example: stack exec postgres psql -U postgres",
    context_settings={"allow_interspersed_args": False},
)
def execute(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its first container.")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="With its arguments.")],
    file: File = DEFAULT_FILE,
) -> None:
    """Run a command in a service's container; its exit code is ours."""
    from stack import workflow

    report = new_report()
    project = _project(file)
    engine = workflow.connect(project, report.note)
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    for item in workflow.execute(project, engine, service, command, is_terminal=is_terminal):
        if isinstance(item, int):
            raise typer.Exit(item)
        report.text(item)


@app.command(epilog="Example: stack render --check")
def render(
    target: Annotated[Literal["dev", "deploy"], typer.Option(help="What to write.")] = "dev",
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to.")] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Only show what differs.")] = False,
    file: File = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Write the files made from stack.yaml."""
    from stack import output, project

    report = new_report(as_json)
    opened = _project(file)
    files = project.rendered(opened, target, out)
    if check:
        drift = output.drift(files, out)
        report.drift(drift)
        if drift:
            raise typer.Exit(1)
        return
    written = output.write_all(files, out)
    if target == "dev":
        project.prepare_mounts(opened)
    report.written(sorted(files), written, out)


@app.command(epilog="Example: stack images")
def images(
    source: Annotated[
        Literal["auto", "registry", "debian"] | None,
        typer.Option(help="Use this source from now on (for images: auto)."),
    ] = None,
    file: File = DEFAULT_FILE,
    no_install: NoInstall = False,
    as_json: Json = False,
) -> None:
    """Fetch or build all images and show where each comes from."""
    from stack import workflow

    report = new_report(as_json)
    with _locked(file, report, 120.0, may_install=not no_install) as (project, engine):
        if source:
            project.state.remember("images", source)
        with report.progress() as on_result:
            outcome, rows = workflow.images(project, engine, on_result, report.note)
    _end(report, outcome)
    report.table(("service", "image", "from"), rows)


@app.command(epilog="Example: stack token --sub alice --channel room:1 --ttl 1h")
def token(
    sub: Annotated[str, typer.Option(metavar="NAME", help="Who the token is for.")] = "dev",
    channel: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANNEL", help="What it opens, like room:1 or room:*; repeatable."),
    ] = None,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it is valid.")] = "1h",
    file: File = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Mint a development token, signed with the stack's own secret."""
    from stack import project

    text, expires = project.mint_token(_project(file), sub, channel or (), ttl)
    new_report(as_json).document({"token": text, "expires": expires}, [text])


@app.command(epilog="Example: stack schema > stack.schema.json")
def schema() -> None:
    """Print the JSON Schema of stack.yaml, for editors."""
    from stack.schema import json_schema

    new_report().text(json_schema())


# A module of commands adds its line here.
app.registered_commands += cli_diagnose.commands.registered_commands
app.registered_commands += cli_doctor.commands.registered_commands


def main() -> None:
    """Run the command line: errors are said once, and every ending has its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may know only ASCII
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except StackError as error:
        new_report(_wants_json()).error(error)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        new_report(_wants_json()).error(
            StackError("interrupted", "stack up goes on from here, stack down removes it")
        )
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except Exception as error:
        code = _wrong_usage(error)
    sys.exit(code)


def _wrong_usage(error: Exception) -> int:
    """Say what the command line itself refuses (2); anything else is a bug in stack (3)."""
    from stack import crash

    as_json = _wants_json()
    refusal: Any = error if hasattr(error, "format_message") else None  # by typer, whichever one
    if refusal and as_json:
        new_report(as_json).error(ConfigError(refusal.format_message(), "stack --help"))
        return 2
    if refusal:
        refusal.show()
        return 2
    file = crash.write_log(error, sys.argv)
    new_report(as_json).error(
        StackError(f"stack: a bug: {type(error).__name__}", f"please report it with {file}")
    )
    return 3


def _wants_json() -> bool:
    """Tell from the words alone: what typer refuses never reaches a command."""
    pairs = itertools.pairwise(sys.argv)
    return "--json" in sys.argv or "--format=json" in sys.argv or ("--format", "json") in pairs


def _project(file: Path) -> "Project":
    from stack.project import open_project

    return open_project(file, os.environ)


@contextlib.contextmanager
def _locked(
    file: Path, report: "Report", timeout: float, *, may_install: bool = False
) -> Iterator[tuple["Project", "DockerEngine"]]:
    """Open the project alone: one command at a time changes it."""
    project = _project(file)
    try:
        with project.state.lock(timeout, lambda holder: report.note(f"waiting for {holder}")):
            yield project, connected(project, report, may_install=may_install)
    except KeyboardInterrupt:
        raise typer.Abort from None  # typer itself would end in silence


def _end(report: "Report", outcome: "Outcome") -> None:
    for error in outcome.failures:
        report.error(error)
    if outcome.failures:
        raise typer.Exit(1)


def _confirm(question: str, without_asking: str) -> None:
    """Ask; without a terminal nothing is asked and nothing is done."""
    if not sys.stdin.isatty():
        raise ConfigError(f"not confirmed: {question.rstrip('?')}", without_asking)
    typer.confirm(question, abort=True)
