"""The commands that use what runs, whatever happened to its stack.yaml. No logic.

``down``, ``status``, ``logs`` and ``exec``: flags in, stages called, exit code out.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stack.cli.options import (
    DEFAULT_FILE,
    File,
    Json,
    ProjectName,
    Services,
    Timeout,
    confirm,
    connected,
    end,
    holding,
    new_report,
    same,
)
from stack.cli.signals import Ended
from stack.hint import quoted

if TYPE_CHECKING:
    from stack.lifecycle.locate import Located

commands = typer.Typer()


@commands.command(epilog="Example: stack down --project shop")
def down(
    file: File = DEFAULT_FILE,
    volumes: Annotated[bool, typer.Option("--volumes", help="Also delete all data.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    name: ProjectName = "",
    timeout: Timeout = 120.0,
    as_json: Json = False,
) -> None:
    """Stop the stack and remove everything except the volumes.

    Uses what runs, whatever happened to stack.yaml.
    """
    from stack.lifecycle import down, locate
    from stack.project.state import State

    report = new_report(as_json)
    for located in locate.candidates(file, os.environ, name):
        _say_problem(report.note, located)
        owner = located.owner
        state = State(Path(owner.folder), owner.project)
        with holding(state, report, timeout, make=False):
            engine = connected(owner, report)
            running = down.look(engine, state)
            if located.unread and not running.exists:
                continue
            data = [f"{owner.project}_{one}" for one in running.own_volumes]
            data += [f"{len(running.anonymous_names)} anonymous"] if running.anonymous_names else []
            if volumes and data and not yes:
                again = same("down --volumes --yes", file, name)
                confirm(f"delete all data in the volumes {', '.join(data)}?", again)
            with report.progress() as on_result:
                outcome, kept = down.down(running, engine, state, on_result, volumes=volumes)
        end(report, outcome)
        report.down(outcome, kept, same("down --volumes", file, name))
        _say_former(report.note, located)
        return


@commands.command(epilog="Example: stack status --json")
def status(file: File = DEFAULT_FILE, name: ProjectName = "", as_json: Json = False) -> None:
    """Show what runs and what the front answers.

    Exits with 1 if a container does not run or a route does not answer.
    """
    from stack.lifecycle import locate, status

    report = new_report(as_json)
    located = locate.find(file, os.environ, name)
    _say_problem(report.aside, located)
    engine = connected(located.owner, report)
    seen = status.status(located, engine, report.aside)
    _say_former(report.aside, located)
    report.status(seen)
    if not seen.is_well:
        raise typer.Exit(1)


@commands.command(epilog="Example: stack logs ws --follow")
def logs(
    services: Services = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow new lines.")] = False,
    tail: Annotated[int, typer.Option(metavar="LINES", help="Lines per container.", min=0)] = 100,
    file: Annotated[
        Path, typer.Option("--file", metavar="FILE", help="The stack.yaml to use.", readable=False)
    ] = DEFAULT_FILE,
    name: ProjectName = "",
    as_json: Json = False,
) -> None:
    """Show the logs of services."""
    from stack.lifecycle import locate
    from stack.lifecycle import logs as lines

    report = new_report(as_json)
    located = locate.find_running(file, os.environ, name)
    _say_problem(report.note, located)
    engine = connected(located.owner, report)
    _say_former(report.note, located)
    try:
        for container, line in lines.logs(located, engine, services or (), tail, is_endless=follow):
            report.log_line(container, line)
    except Ended as ended:
        if not follow:
            raise
        raise typer.Exit(ended.exit_code) from None  # the usual way to end it, so no message


@commands.command(
    "exec",
    epilog="Example: stack exec postgres psql -U postgres",
    context_settings={"allow_interspersed_args": False},
)
def execute(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its first container.")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="With its arguments.")],
    file: File = DEFAULT_FILE,
    name: ProjectName = "",
) -> None:
    """Run a command in a service's container; exits with its exit code."""
    from stack.lifecycle import execute as inside
    from stack.lifecycle import locate

    report = new_report()
    located = locate.find_running(file, os.environ, name)
    engine = connected(located.owner, report)
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    for item in inside.execute(located, engine, service, command, is_terminal=is_terminal):
        if isinstance(item, int):
            raise typer.Exit(item)
        report.text(item)


def _say_problem(say: Callable[[str], None], located: "Located") -> None:
    """Report that a stack.yaml cannot be read, if the command goes on without it."""
    if located.problem:
        say(located.problem.message)
        say(f"using what runs: {located.owner.project}")


def _say_former(say: Callable[[str], None], located: "Located") -> None:
    """Report what still runs of a stack.yaml whose name was changed."""
    from stack.lifecycle import locate

    for other in locate.former_of(located):
        say(
            f"{other.owner.project} was made from {other.owner.file} under its former name: stack "
            f"down --project {quoted(other.owner.project)}"
        )
