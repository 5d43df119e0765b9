"""The commands about findings: ``lint`` and ``explain``. No logic."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stack.cli.options import Json, new_report

commands = typer.Typer()


@commands.command(epilog="Example: stack lint nginx.conf --nginx-version 1.26.3")
def lint(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Nginx configurations or snippets.", readable=False),
    ],
    nginx_version: Annotated[
        str | None, typer.Option(metavar="V", help="Judge for this Nginx version: 1.26.3")
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="This path is a WebSocket route; repeatable."),
    ] = None,
    form: Annotated[
        Literal["text", "json", "github", "sarif"], typer.Option("--format", help="Output format.")
    ] = "text",
    fix: Annotated[bool, typer.Option("--fix", help="Write the edits that are safe.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show them; alone, write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Find what breaks or degrades WebSockets in Nginx configurations.

    Exits with 1 if a finding is an error, with 2 if a file cannot be read.
    """
    from importlib.metadata import version

    from stack.diagnose.formats import lint as formats
    from stack.diagnose.lint import inspection

    options = inspection.options(nginx_version, route or ())
    answer = inspection.inspect(files, options, diff=diff, fix=fix)
    form = "json" if as_json else form
    report = new_report(as_json=form in {"json", "sarif"})
    value, lines = formats.value(answer, form, version("stack")), formats.lines(answer, form)
    report.findings(value, lines, commands=form == "github")
    if answer.has_errors:
        raise typer.Exit(1)


@commands.command(epilog="Example: stack explain WS001")
def explain(
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="A code or name; default: list all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Explain what a finding means, and how to fix it."""
    from dataclasses import asdict

    from stack.diagnose import catalogue
    from stack.diagnose.formats.manual import cause_lines, list_lines

    report = new_report(as_json)
    if code is None:
        causes = catalogue.all_causes()
        report.document([asdict(cause) for cause in causes], list_lines(causes))
    else:
        cause = catalogue.find(code)
        report.document(asdict(cause), cause_lines(cause))
