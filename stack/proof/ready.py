"""Waits until services answer in their own protocol and the front on every route.

Asks every 50 to 100 ms; a container that ends is noticed at once. Starts and changes nothing.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NoReturn

from stack import assets
from stack.config.preset.kind import REFUSED
from stack.config.preset.postgres import RENEW
from stack.config.presets import DATA_FOLDERS, NGINX, PRESETS
from stack.engines.base import GONE, Engine, Exit
from stack.engines.steps import AwaitReady, AwaitRoute
from stack.errors import EngineError, StackError, StoppedError
from stack.layout.names import container_name
from stack.layout.topology import Container, FrontRoute
from stack.probe.ask import ask, new_key
from stack.probe.exchange import Exchange, Question, Target
from stack.probe.handshake import upgrade_headers
from stack.proof.pauses import with_pauses

PAUSE = 0.05  # seconds between two questions
ANSWER_WITHIN = 2.0  # seconds that one answer may take
BODY_WITHIN = 1.0  # seconds that the beginning of its body may take after its header
HAS_TO_LIVE = 1.0  # seconds that a process without a port has to live
LOG_LINES = 20
# The first question costs almost nothing: a client uses processor time of a starting store.
_LOOP = """while :; do
  if (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; then answer=$( {{ {probe}
  }} 2>&1 ) && exit
  else answer='nothing listens on port {port}'; (exit 1); fi
  code=$?; echo "$answer"; [ $code != {refused} ] || exit $code; sleep {pause}
done"""
DOWN_HEADER = "x-stack-down"  # on the pages that Nginx writes itself when an upstream is down


class NotReadyError(StackError):
    """Something did not answer in time. ``evidence`` is the end of its container's log."""

    def __init__(
        self, message: str, hint: str, *, probe: str, answer: str, evidence: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint)
        self.probe = probe
        self.answer = answer
        self.evidence = evidence


class RefusedError(NotReadyError):
    """A store accepts connections, but not our password: its data was created with another one."""


@dataclass
class Watch:
    """What all waits of one ``up`` share: the time limit, ended containers, and whether to stop.

    ``say`` receives what takes long.
    """

    deadline: float  # on the monotonic clock
    exits: dict[str, Exit] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    say: Callable[[str], None] = lambda _: None
    begun: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds until the time limit, at least zero."""
        return max(0.0, self.deadline - time.monotonic())

    def note(self, ended: Exit) -> None:
        """Record that a container ended."""
        self.exits[ended.container] = ended


@dataclass(frozen=True)
class Ready:
    """Waits for the containers and routes of one project.

    ``generation`` is the configuration that Nginx has to report as loaded; ``token`` opens
    WebSocket routes. ``hidden`` values are removed from the output of services before it is shown.
    """

    engine: Engine
    project: str
    front: Target
    generation: str
    token: Callable[[], str]
    watch: Watch
    hidden: tuple[str, ...] = ()

    def await_container(self, step: AwaitReady) -> None:
        """Return when the container answers. Raises NotReadyError."""
        name = container_name(self.project, step.container.service, step.number)
        try:
            self._await(name, step.container)
        except EngineError as error:  # asked inside a container that has ended by then
            if self.engine.exit_code(name) is None:
                raise
            self._give_up(name, "inside its container", error.message)

    def _await(self, name: str, container: Container) -> None:
        if container.service == NGINX:
            self._check_published(name)
            self._poll(name, "its configuration", self._front_problem)
        elif container.ready and container.ready.log:
            self._await_log(name, container.ready.log)
        elif container.ready and container.ready.command:
            self._await_command(name, container.ready.command)
        elif command := self._loop(name, container):
            self._await_loop(name, container, *command)
        else:
            self._await_settled(name)

    def _await_settled(self, name: str) -> None:
        """Watch a process without a port live a moment, or end with 0. Raises NotReadyError."""
        until = time.monotonic() + HAS_TO_LIVE - self._age(name)
        while time.monotonic() < until:
            if self.watch.stop.is_set():
                raise StoppedError(f"{name}: not waited for")
            # The one that ended may be its predecessor: the engine knows.
            if name in self.watch.exits and self.engine.exit_code(name) is not None:
                break
            time.sleep(PAUSE)
        if code := self.engine.exit_code(name):
            raise self.ended(name, code)

    def _age(self, name: str) -> float:
        """Return for how many seconds a container has been running, if both clocks agree."""
        state: Any = self.engine.inspect(name)["State"]
        started = datetime.fromisoformat(state["StartedAt"]).timestamp()
        return max(0.0, time.time() - started)

    def ended(self, name: str, code: int) -> NotReadyError:
        """Return the error of a container that ended soon after its start."""
        service = self._service(name)
        return NotReadyError(
            f"{service}: ended with exit code {code} soon after its start",
            f"stack logs {service}",
            probe="its process",
            answer=f"exit code {code}",
            evidence=self._evidence(name),
        )

    def await_route(self, step: AwaitRoute) -> Exchange:
        """Return the answer of the front on the route of a container. Raises NotReadyError."""
        route = step.route
        name = container_name(self.project, route.service, 1) if route.is_container else NGINX
        what = "the WebSocket handshake" if route.websocket else "HTTP"
        text = f"{what} on {route.path} through the front"
        while True:
            seen = self.ask_route(route)
            problem = route_problem(route, seen)
            if not problem or is_refusal(route, seen):
                return seen
            self._check_time(name, text, problem)
            time.sleep(PAUSE)

    def _poll(self, name: str, what: str, ask: Callable[[], str]) -> None:
        while problem := ask():
            self._check_time(name, what, problem)
            time.sleep(PAUSE)

    def _check_time(self, name: str, what: str, answer: str) -> None:
        if self.watch.stop.is_set():
            raise StoppedError(f"{name}: not waited for")
        if self.watch.left() <= 0:
            self._give_up(name, what, answer)
        # The container that ended may be its predecessor: the engine knows.
        if name in self.watch.exits and self.engine.exit_code(name) is not None:
            self._give_up(name, what, answer)

    def _give_up(self, name: str, what: str, answer: str) -> NoReturn:
        code, answer = self.engine.exit_code(name), self._without_secrets(answer)
        service = self._service(name)
        fate = "did not answer in time" if code is None else f"ended with exit code {code}"
        fate = "its container is gone" if code == GONE else fate
        raise NotReadyError(
            f"{service}: {fate}; asked {what}, last answer: {answer or 'none'}",
            "stack up" if code == GONE else self._next_step(name, service, is_alive=code is None),
            probe=what,
            answer=answer,
            evidence=self._evidence(name),
        )

    def _next_step(self, name: str, service: str, *, is_alive: bool) -> str:
        """Return what helps: only a process that ran before may be frozen or altered by hand."""
        if is_alive and self._age(name) > time.monotonic() - self.watch.begun:
            return f"stack restart {service}\nstack logs {service}"
        return f"stack logs {service}"

    def _without_secrets(self, text: str) -> str:
        from stack.redaction.redact import redact  # many patterns, only for what failed

        return redact(text, self.hidden)

    def _service(self, name: str) -> str:
        return name.removeprefix(f"{self.project}-").rpartition("-")[0] or name

    def _evidence(self, name: str) -> tuple[str, ...]:
        lines = "\n".join(self.engine.logs(name, LOG_LINES))
        return tuple(self._without_secrets(lines).splitlines())

    def _check_published(self, name: str) -> None:
        """Check that the front port is really open: an engine can lose it (moby#51758)."""
        opened = self.engine.published(name)
        wanted = (self.front.port, PRESETS[NGINX].port)
        if wanted not in {item[1:] for item in opened} and name not in self.watch.exits:
            raise NotReadyError(
                f"nginx: the engine started it without port {self.front.port}",
                "stack up recreates it",
                probe="the published port",
                answer=f"published: {opened or 'nothing'}",
                evidence=self._evidence(name),
            )

    def _front_problem(self) -> str:
        seen = loaded_generation(self.front)
        return "" if seen == self.generation else f"configuration {seen or 'not there'}"

    def ask_route(self, route: FrontRoute) -> Exchange:
        """Ask the front once, as a browser would."""
        question = self.question(route)
        seen = ask(question, ANSWER_WITHIN)
        if seen.status >= 400 and not route.websocket:  # its body has the generation
            seen = ask(replace(question, patience=BODY_WITHIN), ANSWER_WITHIN)
        return seen

    def question(self, route: FrontRoute) -> Question:
        """Return what a page of ours would send on the route; only the answer's header counts."""
        # Nginx redirects a request for a folder by its bare name there, so a page arrives there.
        path = f"{route.path.rstrip('/')}/" if route.source == "static" else route.path
        asked = replace(_plain(self.front, path), patience=0.0)
        if not route.websocket:
            return asked
        key = new_key()
        headers = upgrade_headers(key) | {"Origin": self.front.origin}
        if route.source == "preset" and (token := self.token()):
            headers["Authorization"] = f"Bearer {token}"
        return replace(asked, headers=tuple(headers.items()), key=key, idle=0.0)

    def _await_command(self, name: str, command: list[str]) -> None:
        answer = ""
        while True:
            code: int | None = None
            last = "no output"
            for item in with_pauses(self.engine.execute(name, command), PAUSE):
                if item is None:
                    self._check_time(name, "its command", answer or f"{last} (it does not end)")
                elif isinstance(item, int):
                    code = item
                else:
                    last = item
            if code == 0:
                return
            answer = f"exit code {code}: {last}"
            self._check_time(name, "its command", answer)
            time.sleep(PAUSE)

    def _loop(self, name: str, container: Container) -> tuple[str, list[str], str] | None:
        """Return where to ask, the command that asks until there is an answer, and its name."""
        seconds = str(max(1, round(self.watch.left())))
        if container.probe and not container.ready:
            loop = _LOOP.format(
                port=container.port, probe=container.probe, pause=PAUSE, refused=REFUSED
            )
            return name, ["timeout", seconds, "bash", "-c", loop], "its own protocol"
        front = container_name(self.project, NGINX, 1)
        script = assets.PACKAGE.joinpath("proof/probe.sh").read_text(encoding="utf-8")
        command = ["timeout", seconds, "bash", "-c", script, "probe"]
        ready, port = container.ready, str(container.port)
        if ready and ready.tcp:
            return front, [*command, "tcp", name, str(ready.tcp), ""], f"TCP port {ready.tcp}"
        if ready and ready.websocket:
            path = ready.websocket
            return front, [*command, "websocket", name, port, path], f"a handshake on {path}"
        path = (ready.http if ready else "") or container.ready_path
        if path:
            return front, [*command, "http", name, port, path], f"HTTP on {path}"
        return None

    def _await_loop(
        self, name: str, container: Container, where: str, command: list[str], what: str
    ) -> None:
        answer, code = "", None
        for item in with_pauses(self.engine.execute(where, command), PAUSE):
            if isinstance(item, int):
                code = item
                break
            answer = answer if item is None else item
            self._check_time(name, what, answer)
        if code == REFUSED:
            self._refuse(name, container, what, answer)
        if code != 0:
            self._settle(name)
            self._give_up(name, what, answer)

    def _refuse(self, name: str, container: Container, what: str, answer: str) -> NoReturn:
        service, answer = container.service, self._without_secrets(answer)
        mount = next(item for item in container.mounts if item.target in DATA_FOLDERS)
        kept, delete = f"the folder {mount.source}", f"empty {mount.source}"
        if mount.is_volume:
            kept, delete = f"the volume {self.project}_{mount.source}", "stack down --volumes"
        renew = RENEW.format(project=self.project, service=service)
        raise RefusedError(
            f"{service}: {answer}: {kept} was created with other secrets",
            f"restore .stack/{self.project}/secrets, which it was created with\nor keep the data "
            f"with a new password: {renew}\nor delete all data: {delete}",
            probe=what,
            answer=answer,
            evidence=self._evidence(name),
        )

    def _settle(self, name: str) -> None:
        """Allow a container that ends the time to end: what asks inside ends before it."""
        for _ in range(20):
            if self.engine.exit_code(name) is not None:
                return
            time.sleep(PAUSE)

    def _await_log(self, name: str, pattern: str) -> None:
        wanted, what, last = re.compile(pattern), f"for {pattern!r} in its log", ""
        for line in with_pauses(self.engine.follow(name, None), PAUSE):
            if line and wanted.search(line):
                return
            last = line or last
            self._check_time(name, what, last)
        self._settle(name)
        self._give_up(name, what, last)


def _plain(front: Target, path: str) -> Question:
    return Question(replace(front, path=path), "", (("Connection", "close"),))


def loaded_generation(front: Target) -> str:
    """Ask the front which configuration it has loaded; empty if it does not say."""
    seen = ask(_plain(front, "/.stack/generation"), ANSWER_WITHIN)
    return seen.text.strip() if seen.status == 200 else ""


def is_unreachable(seen: Exchange) -> bool:
    """Whether Nginx reports that it could not reach the service of the route."""
    return bool(seen.head and seen.head.get(DOWN_HEADER))


def route_problem(route: FrontRoute, seen: Exchange) -> str:
    """Return why the front does not answer correctly on the route; empty if it does."""
    if is_unreachable(seen):
        return f"{seen.says}: Nginx cannot reach {route.service}"
    return seen.says if is_refusal(route, seen) else seen.problem


def is_refusal(route: FrontRoute, seen: Exchange) -> bool:
    """Whether an answer is an error: a server error, or an error page of Nginx itself.

    A 401, 403 or 404 of an application may be intended, and so is Nginx's 401, which asks for a
    password.
    """
    if route.websocket or is_unreachable(seen):
        return False
    is_page = seen.is_page_of_nginx and seen.status != 401
    return seen.status >= (400 if is_page or route.source == "static" else 500)
