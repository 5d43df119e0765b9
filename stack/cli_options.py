"""What the commands share: options of one meaning, and the report that they speak through."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stack.engines.docker.engine import DockerEngine
    from stack.project import Project
    from stack.report import Report

File = Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="The stack.yaml to use.")]
Json = Annotated[bool, typer.Option("--json", help="Say everything as JSON.")]
Services = Annotated[
    list[str] | None, typer.Argument(metavar="[SERVICE]...", help="All without a name.")
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", help="How long services may take to answer.", min=0.1)
]
NoInstall = Annotated[
    bool, typer.Option("--no-install", help="Install and start no Docker Engine.")
]
DEFAULT_FILE = Path("stack.yaml")


def new_report(as_json: bool = False, *, plain: bool = False) -> "Report":
    """Give a report in the form that was asked for, or that the terminal can show."""
    from stack.report import Report

    if as_json:
        return Report("json")
    is_plain = plain or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Report("plain" if is_plain or not sys.stdout.isatty() else "rich")


def connected(project: "Project", report: "Report", *, may_install: bool = False) -> "DockerEngine":
    """Open the engine that was meant, and let the report name it."""
    from stack import workflow

    engine = workflow.connect(project, report.note, may_install=may_install)
    report.on_engine(engine.label)
    return engine
