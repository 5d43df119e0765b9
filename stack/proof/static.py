"""Finds out why Nginx serves no page of a folder of files, by requesting its files.

A folder may be for files alone, such as one of assets: then one of them is the proof.
"""

from dataclasses import replace
from urllib.parse import quote

from stack.config.presets import NGINX
from stack.errors import EngineError
from stack.hint import quoted
from stack.layout.names import container_name, static_folder
from stack.layout.topology import FrontRoute
from stack.probe.ask import ask
from stack.probe.exchange import Exchange
from stack.proof import causes
from stack.proof.host_port import Told
from stack.proof.ready import ANSWER_WITHIN, Ready

INDEX = "index.html"  # as templates/nginx/dev.conf.j2 says


def some_file(ready: Ready, route: FrontRoute) -> Exchange | None:
    """Return the answer of the front to a file of the folder; None if there is none to request."""
    folder = static_folder(route.service)
    command = ["find", "-L", folder, "-type", "f", "-not", "-path", "*/.*", "-print", "-quit"]
    try:
        *lines, _ = ready.engine.execute(container_name(ready.project, NGINX, 1), command)
    except EngineError:  # it has ended
        return None
    if not lines:
        return None
    seen = _ask(ready, route, str(lines[0]).removeprefix(f"{folder}/"))
    return seen if seen.status == 200 else None


def explain(ready: Ready, route: FrontRoute, seen: Exchange) -> Told | None:
    """Return why Nginx refuses the page of a folder; None if its log knows better."""
    if seen.status != 403:
        return None
    index = f"{route.folder}/{INDEX}"
    answer = _ask(ready, route, INDEX)
    pairs = ((INDEX, answer.says),)
    if answer.status == 403:
        message = f"Nginx, in its container, may not read {index}"
        return Told(causes.NO_INDEX, message, f"chmod o+r {quoted(index)}", pairs)
    if answer.status != 404:
        return None
    fix = f"write {quoted(index)}, or correct stack.yaml: services.{route.service}.static"
    return Told(causes.NO_INDEX, f"{route.folder} has no {INDEX}", fix, pairs)


def _ask(ready: Ready, route: FrontRoute, name: str) -> Exchange:
    question = ready.question(route)
    target = question.target
    path = f"{target.path}{quote(name)}"
    return ask(replace(question, target=replace(target, path=path)), ANSWER_WITHIN)
