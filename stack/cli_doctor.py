"""The command ``doctor``: flags in, one examination, its findings out. No logic."""

from pathlib import Path
from typing import Annotated

import typer

from stack.cli_options import Json, new_report

commands = typer.Typer()
Many = list[str] | None


@commands.command(epilog="Example: stack doctor ws://localhost:3002/ws")
def doctor(
    url: Annotated[str, typer.Argument(metavar="URL", help="ws, wss, http or https.")],
    header: Annotated[Many, typer.Option(metavar="'NAME: VALUE'", help="Send it too.")] = None,
    cookie: Annotated[Many, typer.Option(metavar="NAME=VALUE", help="Send it too.")] = None,
    origin: Annotated[str, typer.Option(metavar="ORIGIN", help="Of the page.")] = "",
    subprotocol: Annotated[Many, typer.Option(metavar="NAME", help="Offer it.")] = None,
    token: Annotated[str, typer.Option(metavar="JWT", help="Send it as Bearer.")] = "",
    hop: Annotated[
        Many, typer.Option(metavar="NAME=URL", help="A hop behind the URL, in order.")
    ] = None,
    page: Annotated[str, typer.Option(metavar="URL", help="The page that opens it.")] = "",
    nginx: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The Nginx configuration in between.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Trust any certificate.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="For the whole run.", min=0.1, max=600)
    ] = 10.0,
    idle: Annotated[
        float, typer.Option(metavar="SECONDS", help="Hold it open in silence.", min=0, max=7200)
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Say why a WebSocket does not open, where, and what to change.

    Exits with 1 if a finding is an error.
    """
    from stack.diagnose import address, doctor, inspection, listeners
    from stack.diagnose.formats.doctor import address_document, address_lines

    typed = address.Typed(
        *(url, header or (), cookie or (), origin, subprotocol or (), token, hop or (), page),
        *(insecure, timeout, idle),
    )
    options, secrets = address.options_of(typed), address.secrets_of(typed)
    seen = doctor.examine(options, listeners.listening)
    if nginx:
        route = inspection.options(None, [options.target.path.partition("?")[0]])
        seen = doctor.add_file(seen, inspection.inspect([nginx], route))
    new_report(as_json).document(address_document(seen, secrets), address_lines(seen, secrets))
    if not seen.is_healthy:
        raise typer.Exit(1)
