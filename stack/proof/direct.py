"""Asks a service itself, without the front, from Nginx's container. Concludes nothing.

The script receives the request in its environment: it may hold a token, and arguments are visible
to all users of the machine.
"""

from dataclasses import replace

from stack import assets
from stack.engines.base import Engine
from stack.layout.topology import FrontRoute
from stack.probe.exchange import Exchange, Headers, Question, Target, is_foreign, parse_head

ANSWER_WITHIN = 6  # seconds for all of it; the script itself waits 2 for a line


def ask(
    engine: Engine, nginx: str, place: tuple[str, int], route: FrontRoute, question: Question
) -> Exchange:
    """Send Nginx's form of a question on the route, from inside its container, to a place.

    ``place`` is a host and a port. Raises EngineError if that container is gone.
    """
    front = question.target
    headers = (*_forwarded(route, front), *question.headers)
    asked = replace(question, target=replace(front, path=route.inner_path), headers=headers)
    script = assets.PACKAGE.joinpath("proof/direct.sh").read_text(encoding="utf-8")
    command = ["timeout", str(ANSWER_WITHIN), "bash", "-c", script, "direct"]
    command += [place[0], str(place[1])]
    *lines, code = engine.execute(nginx, command, {"REQUEST": asked.bytes().decode()})
    if code != 0:
        last = str(lines[-1]) if lines else "no answer"
        return Exchange(asked, "unreachable", last.rpartition(": ")[2].lower())
    return _read([str(line) for line in lines], asked)


def _read(lines: list[str], question: Question) -> Exchange:
    raw, seconds = ("\r\n".join(lines[1:]) + "\r\n").encode(), int(lines[0]) / 1e6
    if parsed := parse_head(raw):
        return Exchange(question, raw=raw, head=parsed[0], body=parsed[1], seconds=seconds)
    if is_foreign(raw) or b"\r\n\r\n" in raw:
        return Exchange(question, raw=raw, seconds=seconds)
    cut = "the answer ends in the middle of its header"
    return Exchange(question, "closed", cut, raw=raw, seconds=seconds)


def _forwarded(route: FrontRoute, front: Target) -> Headers:
    """What templates/nginx/blocks.j2 adds, as far as it may change the answer of a service."""
    headers = (
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "https" if front.tls else "http"),
        ("X-Forwarded-Host", front.authority),
        ("X-Forwarded-Port", str(front.port)),
    )
    return (*headers, ("X-Forwarded-Prefix", route.path)) if route.strip_prefix else headers
