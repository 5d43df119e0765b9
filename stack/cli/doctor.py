"""The command ``doctor``: flags in, one examination, its findings out. No logic."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stack.cli.options import DEFAULT_FILE, File, Json, connected, new_report
from stack.errors import ConfigError

if TYPE_CHECKING:
    from stack.cli.report import Report
    from stack.diagnose.doctor.address import Typed

commands = typer.Typer()
Many = list[str] | None
MAX_MESSAGE = 64 * 1024 * 1024  # bytes


@commands.command(epilog="Example: stack doctor ws://localhost:3002/ws")
def doctor(
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="ws(s) or http(s); default: your stack.")
    ] = None,
    file: File = DEFAULT_FILE,
    header: Annotated[Many, typer.Option(metavar="'NAME: VALUE'", help="Extra header.")] = None,
    cookie: Annotated[Many, typer.Option(metavar="NAME=VALUE", help="Extra cookie.")] = None,
    origin: Annotated[str, typer.Option(metavar="ORIGIN", help="Origin of the page.")] = "",
    subprotocol: Annotated[Many, typer.Option(metavar="NAME", help="Subprotocol to offer.")] = None,
    token: Annotated[str, typer.Option(metavar="JWT", help="Send it as Bearer.")] = "",
    hop: Annotated[
        Many, typer.Option(metavar="NAME=URL", help="A hop behind the URL, in order.")
    ] = None,
    page: Annotated[str, typer.Option(metavar="URL", help="The page that opens it.")] = "",
    nginx: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The Nginx configuration in between.", readable=False),
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept any certificate.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Limit of the whole run.", min=0.1, max=600)
    ] = 10.0,
    idle: Annotated[
        float, typer.Option(metavar="SECONDS", help="Hold it open, idle.", min=0, max=7200)
    ] = 0.0,
    connections: Annotated[
        int | None,
        typer.Option(metavar="N", help="Open and hold this many at once.", min=2, max=1000),
    ] = None,
    message: Annotated[
        int | None,
        typer.Option(metavar="BYTES", help="Send a message of this size.", min=1, max=MAX_MESSAGE),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find why a WebSocket does not open, where, and what to change.

    Exits with 1 if a finding is an error.
    """
    from stack.diagnose.doctor.address import Typed

    report, measures = new_report(as_json), (connections or 0, message or 0)
    if url is not None:
        given = (url, header or (), cookie or (), origin, subprotocol or (), token, hop or (), page)
        typed = Typed(*given, insecure, timeout, idle, *measures)
        _address(typed, nginx, report)
    elif any((header, cookie, origin, subprotocol, token, hop, page, nginx, idle, *measures)):
        raise ConfigError("stack doctor: these options need a URL", "stack doctor URL --hop …")
    else:
        _own_stack(file, report)


def _address(typed: "Typed", nginx: Path | None, report: "Report") -> None:
    from stack.diagnose.doctor import address, capacity, examine
    from stack.diagnose.formats.doctor import address_document, address_lines
    from stack.diagnose.lint import inspection
    from stack.probe import listeners

    options, secrets = address.options_of(typed), address.secrets_of(typed)
    capacity.require_files(options.connections)
    route = inspection.options(None, [options.target.path.partition("?")[0]])
    if nginx:
        options = replace(options, written=inspection.written(nginx, route))
    seen = examine.examine(options, listeners.listening)
    if nginx:
        seen = examine.add_file(seen, inspection.inspect([nginx], route))
    report.findings(address_document(seen, secrets), address_lines(seen, secrets))
    if not seen.is_healthy:
        raise typer.Exit(1)


def _own_stack(file: Path, report: "Report") -> None:
    from stack.diagnose.formats.own import own_document, own_lines
    from stack.diagnose.own import conclude
    from stack.diagnose.own.gather import examine
    from stack.project.project import open_project

    project = open_project(file, os.environ)
    seen = examine(project, connected(project.owner, report), report.note)
    found = conclude.conclude(seen)
    findings = [replace(finding, fix=report.named(finding.fix)) for finding in found]
    report.findings(own_document(seen, findings), own_lines(seen, findings))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
