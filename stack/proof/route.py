"""Proves a route through the front as a browser would use it, once. Changes nothing.

A service on this machine is usually a dev server: it may compile first, listen where containers
cannot reach it, or refuse its hot-reload socket, without which a page may not work.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from stack.config.presets import NGINX
from stack.engines.steps import AwaitRoute
from stack.errors import EngineError, StoppedError
from stack.hint import quoted
from stack.layout.names import container_name
from stack.layout.routing import HOST_GATEWAY
from stack.layout.topology import FrontRoute
from stack.probe.ask import ask
from stack.probe.exchange import Exchange, Question, Target
from stack.probe.listeners import is_listening, listening
from stack.proof import causes, devserver, direct, hot_reload, static
from stack.proof.host_port import Attempts, Told, explain
from stack.proof.pauses import with_pauses
from stack.proof.ready import (
    ANSWER_WITHIN,
    PAUSE,
    NotReadyError,
    Ready,
    is_refusal,
    is_unreachable,
    route_problem,
)

COMPILES_WITHIN = 30.0  # seconds that the first answer of a dev server may take
RECOVERS_WITHIN = 3.0  # seconds for a server error at the start to disappear
TELL_AFTER = 2.0  # seconds of silence until that is reported
PAGE = 16 * 1024  # bytes of a page that identify its dev server
_PLACES = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Proof:
    """What the front answered on a route; ``problem`` is empty if that is correct.

    ``told`` has more on a service on this machine, or on a folder: the cause, and the step that
    fixes it. ``file`` is the one that proves a folder without a page.
    """

    route: FrontRoute
    seen: Exchange
    problem: str = ""
    told: Told | None = None
    file: str = ""

    @property
    def says(self) -> str:
        """The answer as a table shows it."""
        return self.problem or (f"{self.file}: " if self.file else "") + self.seen.says

    @property
    def warning(self) -> NotReadyError:
        """What to report of a route that does not answer correctly, while the rest is up."""
        told, route = self.told, self.route
        return NotReadyError(
            f"{route.path}: {told.message if told else self.problem}",
            told.fix if told else f"stack logs {route.log_of}",
            probe=f"{route.path} through the front",
            answer=self.says,
        )


def await_route(ready: Ready, step: AwaitRoute) -> Proof:
    """Wait until the route of a container answers; ask a service on this machine once.

    Raises NotReadyError for a container that never answers. A server error is an answer, but not a
    success: it has a moment to disappear.
    """
    route = step.route
    if route.source == "host":
        return prove(ready, route, min(COMPILES_WITHIN, max(ANSWER_WITHIN, ready.watch.left())))
    until = time.monotonic() + RECOVERS_WITHIN
    while True:
        seen = ready.await_route(step)
        is_late = time.monotonic() > until or ready.watch.stop.is_set()
        if is_late or route.source == "static" or not route_problem(route, seen):
            return _judged(ready, route, seen)
        time.sleep(PAUSE)


def prove(ready: Ready, route: FrontRoute, within: float = COMPILES_WITHIN) -> Proof:
    """Ask the front once and, for a service on this machine, all that its page needs."""
    if route.source != "host":
        return _judged(ready, route, ready.ask_route(route))
    seen = _ask_patiently(ready, route, within)
    problem = route_problem(route, seen)
    if is_unreachable(seen):
        return Proof(route, seen, problem, explain(route.service, _attempts(ready, route)))
    if refused := _refused(ready.front, route, seen):
        return Proof(route, seen, refused.message, refused)
    if problem:
        return Proof(route, seen, problem, _fails(ready.front, route, seen, problem))
    dead = None if route.websocket else hot_reload.examine(ready.front, route.path, seen)
    return Proof(route, seen, f"{seen.says}, {dead.message}" if dead else "", dead)


def _judged(ready: Ready, route: FrontRoute, seen: Exchange) -> Proof:
    """Return what an answer of a container or of a folder means."""
    problem = route_problem(route, seen)
    if route.source != "static" or not is_refusal(route, seen):
        return Proof(route, seen, problem)
    if route.path != "/" and (other := static.some_file(ready, route)):
        return Proof(route, other, file=other.question.target.path)
    told = static.explain(ready, route, seen)
    return Proof(route, seen, f"{problem}: {told.message}" if told else problem, told)


def _ask_patiently(ready: Ready, route: FrontRoute, within: float) -> Exchange:
    """Ask, and report it if it takes long. Raises StoppedError if the wait is called off."""
    question = ready.question(route)
    if not route.websocket:
        question = replace(question, patience=1.0, size=PAGE)

    def once() -> Iterator[Exchange]:
        yield ask(question, within)

    began, is_told = time.monotonic(), False
    for seen in with_pauses(once(), PAUSE):
        if seen is not None:
            return seen
        if ready.watch.stop.is_set():
            break
        if not is_told and time.monotonic() - began > TELL_AFTER:
            is_told = True
            ready.watch.say(f"{route.path}: no answer of {route.service} yet (still compiling?)")
    raise StoppedError(f"{route.path}: not waited for")


def _refused(front: Target, route: FrontRoute, seen: Exchange) -> Told | None:
    """Return what refuses the host name of the front, and the line that allows it."""
    if not (refused := devserver.refusal(seen, front.host)):
        return None
    who, line = refused
    message = f"{who} refuses the address {front.origin}: {seen.says}"
    return Told(causes.DEV_REFUSES, message, f"write: {line}", ((route.path, seen.says),))


def _fails(front: Target, route: FrontRoute, seen: Exchange, problem: str) -> Told:
    pairs = ((route.path, problem),)
    if seen.failure == "silent":
        message = f"port {route.port} accepts the connection and is {seen.detail}"
        fix = "check the terminal of your dev server; when it is done: stack status"
        return Told(causes.DEV_FAILS, message, fix, pairs)
    if route.websocket:
        address = f"{'wss' if front.tls else 'ws'}://{front.authority}{route.path}"
        return Told(causes.DEV_FAILS, problem, f"stack doctor {quoted(address)}", pairs)
    fix = "check the terminal of your dev server: the answer is its own"
    return Told(causes.DEV_FAILS, problem, fix, pairs)


def _attempts(ready: Ready, route: FrontRoute) -> Attempts:
    """Inspect a port of this machine: what listens, what answers here, and what to a container."""
    port, found = route.port or 0, listening()
    open_at = next((host for host in _PLACES if is_listening(host, port)), "")
    if not open_at and not any(item.port == port for item in found):
        return Attempts(port, found, "", is_open=False)
    place = Target("", open_at or _PLACES[0], port, "/")
    headers = (("Connection", "close"),)
    plain = Question(place, "", headers, size=PAGE, host=f"localhost:{port}")
    secure = replace(plain, target=replace(place, tls=True), checks=False)
    page = ask(plain, ANSWER_WITHIN)
    tls = page if page.head else ask(secure, ANSWER_WITHIN)
    return Attempts(
        port,
        found,
        _from_inside(ready, route),
        is_open=bool(open_at),
        is_tls=bool(tls.head) and not page.head,
        server=devserver.recognised(tls),
    )


def _from_inside(ready: Ready, route: FrontRoute) -> str:
    """Return what Nginx's own container gets from the port; empty if it cannot be asked."""
    nginx, place = container_name(ready.project, NGINX, 1), (HOST_GATEWAY, route.port or 0)
    try:
        return direct.ask(ready.engine, nginx, place, route, ready.question(route)).says
    except EngineError:
        return ""
