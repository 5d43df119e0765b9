"""The command line: flags in, stages called, errors caught once, exit code out. No logic.

Stages are imported inside the commands: ``stack --help`` must not wait for Docker's SDK.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stack.cli import bundle, doctor, lint, operate, stacks, streams
from stack.cli.ending import ending
from stack.cli.options import (
    DEFAULT_FILE,
    File,
    Json,
    NoInstall,
    Services,
    Timeout,
    connected,
    end,
    holding,
    new_report,
    same,
)
from stack.cli.signals import listen_for_signals
from stack.errors import ConfigError

if TYPE_CHECKING:
    from stack.cli.report import Report
    from stack.engines.docker.engine import DockerEngine
    from stack.project.project import Project

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
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a commented stack.yaml to start from."""
    from stack.project.starter import write_starter

    write_starter(file, force=force)
    new_report().note(f"wrote {file}; next: {same('up', file)}")


@app.command(epilog="Example: stack up --timing")
def up(
    services: Services = None,
    file: File = DEFAULT_FILE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    build: Annotated[bool, typer.Option("--build", help="Rebuild Dockerfiles.")] = False,
    timing: Annotated[bool, typer.Option("--timing", help="Show what took the time.")] = False,
    timeout: Timeout = 120.0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail unless every route answers correctly.")
    ] = False,
    ci: Annotated[
        bool, typer.Option("--ci", help="Plain lines; strict; saves stack-failure/ on failure.")
    ] = False,
    no_install: NoInstall = False,
    as_json: Json = False,
) -> None:
    """Start the stack and prove every route through the front."""
    from stack.lifecycle import derive, up
    from stack.lifecycle.outcome import Options
    from stack.lifecycle.run import critical_path
    from stack.project import hidden

    report = new_report(as_json, plain=ci)
    if dry_run:
        project = _project(file)
        engine = connected(project.owner, report)
        planned = derive.plan_project(project, engine, report.note, services or (), build=build)
        report.plan(planned.whole)
        return
    with _locked(file, report, timeout, may_install=not no_install) as (project, engine):
        if ci:
            report.hide(hidden.known(project))
        options = Options(timeout, tuple(services or ()), build=build)
        with (
            bundle.keeping_refusal(report, project, engine, is_kept=ci or strict),
            report.progress() as on_result,
        ):
            outcome = up.up(project, engine, options, on_result, report.note)
        is_failure = (strict or ci) and not outcome.is_well
        if outcome.prepared and is_failure:
            report.hide(outcome.prepared.hidden)
            bundle.keep_failure(report, project, engine, outcome)
    end(report, outcome)
    report.up(outcome)
    if timing:
        report.timing(critical_path(outcome.results), outcome.seconds)
    if is_failure:
        raise typer.Exit(1)


@app.command(epilog="Example: stack restart ws")
def restart(
    services: Services = None,
    file: File = DEFAULT_FILE,
    timeout: Timeout = 120.0,
    as_json: Json = False,
) -> None:
    """Restart services and wait until the front answers again."""
    from stack.lifecycle import restart
    from stack.lifecycle.outcome import Options

    report = new_report(as_json)
    with _locked(file, report, timeout, make=False) as (project, engine):
        options = Options(timeout, tuple(services or ()))
        with report.progress() as on_result:
            outcome = restart.restart(project, engine, options, on_result, report.note)
    end(report, outcome)
    report.up(outcome)


@app.command(epilog="Example: stack render --check")
def render(
    target: Annotated[Literal["dev", "deploy"], typer.Option(help="What to write.")] = "dev",
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder to write to.", readable=False)
    ] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Only show the differences.")] = False,
    file: File = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Write the files made from stack.yaml."""
    from stack.lifecycle import derive, locate, provide
    from stack.project import output, project

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
        with holding(opened.state, report, provide.WAIT):
            provide.prepare_mounts(opened, locate.connect_if_any(opened.owner))
        for said in derive.exposed(opened):
            report.note(said)
    report.written(sorted(files), written, out)


@app.command(epilog="Example: stack images")
def images(
    source: Annotated[
        Literal["auto", "registry", "debian"] | None,
        typer.Option(help="Always use this source from now on (for images: auto)."),
    ] = None,
    file: File = DEFAULT_FILE,
    no_install: NoInstall = False,
    as_json: Json = False,
) -> None:
    """Fetch or build all images and show where each comes from."""
    from stack.lifecycle import images

    report = new_report(as_json)
    with _locked(file, report, 120.0, may_install=not no_install) as (project, engine):
        if source:
            project.state.remember("images", source)
        with report.progress() as on_result:
            outcome, rows = images.images(project, engine, on_result, report.note)
    end(report, outcome)
    report.table(("service", "image", "from"), rows)


@app.command(epilog="Example: stack token --sub alice --channel room:1 --ttl 1h")
def token(
    sub: Annotated[str, typer.Option(metavar="NAME", help="User of the token.")] = "dev",
    channel: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANNEL", help="What it opens, like room:1 or room:*; repeatable."),
    ] = None,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it is valid.")] = "1h",
    file: File = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Create a development token, signed with the stack's own secret."""
    from stack.config.model import parse_duration
    from stack.lifecycle import provide
    from stack.project.project import mint_token

    try:
        seconds = float(str(parse_duration(ttl)))
    except ValueError as error:
        raise ConfigError(f"--ttl: {ttl!r} {error}", "stack token --ttl 1h") from None
    if seconds < 1:
        raise ConfigError(f"--ttl: must be at least 1s, not {ttl}", "stack token --ttl 1h")
    secret = provide.signing_secret(_project(file))
    text, expires = mint_token(secret, sub, channel or (), seconds)
    new_report(as_json).document({"token": text, "expires": expires}, [text])


@app.command(epilog="Example: stack schema > stack.schema.json")
def schema() -> None:
    """Print the JSON Schema of stack.yaml, for editors."""
    from stack.config.schema import json_schema

    new_report().text(json_schema())


# A module of commands adds its line here.
app.registered_commands += bundle.commands.registered_commands
app.registered_commands += lint.commands.registered_commands
app.registered_commands += doctor.commands.registered_commands
app.registered_commands += operate.commands.registered_commands
app.registered_commands += stacks.commands.registered_commands


def main() -> None:
    """Run the command line: errors are reported once, and every ending has its exit code."""
    streams.prepare()
    listen_for_signals()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:  # signals as well
        code = ending(error)
    sys.exit(code)


def _project(file: Path) -> "Project":
    from stack.project.project import open_project

    return open_project(file, os.environ)


@contextlib.contextmanager
def _locked(
    file: Path,
    report: "Report",
    timeout: float,
    *,
    may_install: bool = False,
    make: bool = True,
) -> Iterator[tuple["Project", "DockerEngine"]]:
    """Open the project exclusively: one command at a time changes it."""
    project = _project(file)
    with holding(project.state, report, timeout, make=make):
        if may_install:
            from stack.engines.docker.opening import ensure_engine

            ensure_engine(report.aside)
        mirror = project.stack.images.mirror
        yield project, connected(project.owner, report, mirror=mirror)
