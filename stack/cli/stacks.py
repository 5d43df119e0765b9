"""The commands ``list`` and ``adopt``: flags in, the stacks of this machine out. No logic."""

import os
from typing import Annotated

import typer

from stack.cli.options import (
    DEFAULT_FILE,
    File,
    Json,
    confirm,
    connected,
    holding,
    new_report,
    same,
)
from stack.errors import StackError

commands = typer.Typer()


@commands.command("list", epilog="Example: stack list --json")
def list_stacks(as_json: Json = False) -> None:
    """Show all stacks of this machine: name, folder, front address and state."""
    from stack.engines.docker.opening import engine_name, stacks

    report = new_report(as_json)
    found = stacks()
    report.on_engine(engine_name())
    report.stacks(found)


@commands.command(epilog="Example: stack adopt")
def adopt(
    file: File = DEFAULT_FILE,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Take over what another folder or another tool made under this project's name.

    Its networks and its named volumes are kept and used; its containers are removed, and stack up
    creates its own.
    """
    from stack.lifecycle import adopt as adoption
    from stack.lifecycle import derive
    from stack.lifecycle.checks import check_gone
    from stack.lifecycle.ownership import consequences
    from stack.lifecycle.provide import WAIT, take_secrets
    from stack.project.project import open_project

    report = new_report(as_json)
    project = open_project(file, os.environ)
    engine = connected(project.owner, report)
    strangers, names = derive.strangers(project, engine)
    if not strangers:
        report.document(
            {"adopted": []}, [(f"no other stack or tool uses the name {project.stack.name}")]
        )
        return
    check_gone(project.owner, strangers)
    lines = consequences(project.stack.name, strangers, names)
    again = same("adopt", file)
    if not yes:
        for line in lines:
            report.note(line)
        confirm("adopt all of it?", f"{again} --yes")
    with holding(project.state, report, WAIT):
        if {*derive.strangers(project, engine)[0]} != {*strangers}:
            raise StackError(f"{project.stack.name}: changed meanwhile", again)
        take_secrets(project, engine, strangers)
        adoption.adopt(project.state, engine, strangers)
    report.document(
        {"adopted": lines}, [*(f"  {line}" for line in lines), "", f"  next: {same('up', file)}"]
    )
