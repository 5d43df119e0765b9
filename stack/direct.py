"""Asks a service itself, without the front door, from where Nginx stands. Concludes nothing.

The request goes to the script by its environment: it may hold a token, and arguments are seen by
everybody on the machine.
"""

import base64
import os
from collections.abc import Mapping

from stack import assets
from stack.diagnose.handshake import (
    parse_answer,
    request_bytes,
    upgrade_headers,
    upgrade_problem,
)
from stack.diagnose.probe import Door, Exchange
from stack.engines.base import Engine
from stack.topology import FrontRoute

ANSWER_WITHIN = 6  # seconds for all of it; the script itself waits 2 for a line


def ask(
    engine: Engine,
    nginx: str,
    place: tuple[str, int],
    route: FrontRoute,
    door: Door,
    headers: Mapping[str, str],
) -> Exchange:
    """Send what Nginx would send on the route to a host and port, from inside Nginx' container.

    Raises EngineError when that container is gone.
    """
    key = base64.b64encode(os.urandom(16)).decode() if route.websocket else ""
    upgrade = upgrade_headers(key) if key else {"Connection": "close"}
    host, sent = f"{door.host}:{door.port}", {**_forwarded(route, door), **upgrade, **headers}
    request = request_bytes(host, route.inner_path, sent)
    script = assets.PACKAGE.joinpath("direct.sh").read_text(encoding="utf-8")
    command = ["timeout", str(ANSWER_WITHIN), "bash", "-c", script, "direct"]
    command += [place[0], str(place[1])]
    *lines, code = engine.execute(nginx, command, {"REQUEST": request.decode()})
    if code != 0:
        last = str(lines[-1]) if lines else "no answer"
        return Exchange(None, last.rpartition(": ")[2].lower(), 0.0)
    return _read([str(line) for line in lines], key)


def _read(lines: list[str], key: str) -> Exchange:
    seconds = int(lines[0]) / 1e6
    try:
        answer = parse_answer(("\r\n".join(lines[1:]) + "\r\n").encode())
    except ValueError as error:
        return Exchange(None, str(error), seconds)
    return Exchange(answer, upgrade_problem(answer, key) if key else "", seconds)


def _forwarded(route: FrontRoute, door: Door) -> dict[str, str]:
    """What templates/nginx/blocks.j2 adds, as far as a service may answer otherwise for it."""
    prefix = {"X-Forwarded-Prefix": route.path} if route.strip_prefix else {}
    return {
        "X-Forwarded-For": door.host,
        "X-Forwarded-Proto": "https" if door.context else "http",
        "X-Forwarded-Host": f"{door.host}:{door.port}",
        "X-Forwarded-Port": str(door.port),
        **prefix,
    }
