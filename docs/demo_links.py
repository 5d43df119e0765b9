"""Prints the addresses at which the demo page opens signed in. Run by ``make up``.

The token is in the fragment: that part of an address reaches no server and no log.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.layout.names import front_address
from stack.layout.topology import NEXTAUTH_SECRET
from stack.lifecycle.provide import ensure_secret
from stack.project.project import mint_token, open_project

CHANNEL = "room:1"
NAMES = ("alice", "bob")
HOURS = 12  # longer than a day's work


def links(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Give each user's address."""
    project = open_project(file, environ)
    front = project.stack.front
    page = front_address(front.port, tls=front.tls)
    secret = ensure_secret(project, None, NEXTAUTH_SECRET)
    tokens = {name: mint_token(secret, name, [CHANNEL], HOURS * 3600)[0] for name in NAMES}
    return {name: f"{page}/#token={token}" for name, token in tokens.items()}


def text(addresses: Mapping[str, str]) -> str:
    """Give what a terminal shows: each address alone on its line, to be clicked or copied."""
    lines = ["", f"  Open both, each in a window; they are signed in for {HOURS} hours:"]
    for name, address in addresses.items():
        lines += ["", f"  {name}", f"  {address}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(links(Path("stack.yaml"), os.environ)))
