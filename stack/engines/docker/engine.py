"""The Docker Engine: observes a project and carries out steps. Plans nothing, prints nothing."""

from __future__ import annotations

import contextlib
import re
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound
from docker.types import Mount

from stack.engines.base import GONE, Exit, Holder
from stack.engines.docker import request
from stack.engines.docker.connect import translated
from stack.engines.docker.leftovers import forget
from stack.engines.docker.observe import observe, owner_of
from stack.engines.docker.refusals import explained
from stack.engines.running import Running, SeenContainer, Stranger, shown
from stack.engines.steps import (
    CreateNetwork,
    CreateVolume,
    MakeImage,
    RemoveAnonymous,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    RestartContainer,
    RunContainer,
    StartContainer,
    Step,
)
from stack.errors import EngineError
from stack.hint import joined, quoted
from stack.layout.labels import Owner, labels_of
from stack.layout.names import container_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    import docker

    from stack.layout.topology import Container

CONFLICT = 409  # the engine is already doing it
STOP_TIMEOUT = 10  # seconds between the stop signal and SIGKILL
_FRONT_ADDRESSES = {"", "0.0.0.0", "::", "127.0.0.1", "::1"}  # noqa: S104 - those of others


class DockerEngine:
    """Implements ``engines.base.Engine`` for one project, through the docker SDK.

    ``label`` names the engine if it is not the default one.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        owner: Owner,
        adopted: Callable[[], Collection[str]],
        environment_of: Callable[[Container], dict[str, str]],
        make_image: Callable[[MakeImage], None],
        label: str = "",
    ) -> None:
        self.client = client
        self.api = client.api
        self.owner = owner
        self.adopted = adopted
        self.environment_of = environment_of
        self.make_image = make_image
        self.label = label

    @property
    def project(self) -> str:
        """The name that containers, networks and volumes begin with."""
        return self.owner.project

    def version(self) -> str:
        """Return the version of the engine."""
        with translated("docker"):
            return str(self.api.version()["Version"])

    def observe(self, images: Collection[str] = ()) -> Running:
        """Return what the project has, what else has its name, and which of ``images`` exist."""
        return observe(self.api, self.owner, self.adopted(), images)

    def existing(self, volumes: Collection[str]) -> frozenset[str]:
        """Return which of these volumes the engine has."""
        with translated("docker"):
            return frozenset(name for name in volumes if self._has_volume(name))

    def _has_volume(self, name: str) -> bool:
        try:
            self.api.inspect_volume(name)
        except NotFound:
            return False
        return True

    def apply(self, step: Step) -> None:
        """Carry out one step. Raises EngineError; TypeError for a step that is not the engine's."""
        with translated(str(step.key)):
            match step:
                case MakeImage():
                    self.make_image(step)
                case CreateNetwork():
                    self._create_network(step)
                case RemoveNetwork():
                    self._remove_network(step)
                case CreateVolume():
                    self._create_volume(step)
                case RemoveVolume() | RemoveAnonymous():
                    self._remove_volume(step)
                case RemoveContainer():
                    self._remove_container(step)
                case RunContainer():
                    with explained(step):
                        self._run(step)
                case StartContainer():
                    self._start(step.seen)
                case RestartContainer():
                    self.api.restart(step.seen.id, timeout=STOP_TIMEOUT)
                case _:
                    raise TypeError(step)

    def take_away(self, stranger: Stranger) -> None:
        """Remove a container of another owner; the user agreed to that."""
        with translated(f"container {stranger.name}"):
            self._remove(stranger.id)

    def execute(
        self, container: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> Iterator[str | int]:
        """Run a command in a container: lines of its output, at the end the exit code."""
        with translated(container):
            created = self.api.exec_create(container, command, environment=dict(environment or {}))
            stream = self.api.exec_start(created["Id"], stream=True)
            yield from _lines(stream)
            yield int(self.api.exec_inspect(created["Id"])["ExitCode"])

    def signal(self, container: str, name: str) -> None:
        """Send a signal to a container's first process."""
        with translated(container):
            self.api.kill(container, name)

    def exit_code(self, container: str) -> int | None:
        """Return how a container's process ended; None while it lives, GONE if it is gone."""
        try:
            with translated(container):
                state = self.api.inspect_container(container)["State"]
        except EngineError:
            return GONE
        return None if state["Running"] else int(state["ExitCode"])

    def logs(self, container: str, tail: int) -> list[str]:
        """Return the last ``tail`` lines of a container's log; empty if it is gone."""
        try:
            with translated(container):
                data: bytes = self.api.logs(container, tail=tail)
        except EngineError:
            return []
        return data.decode(errors="replace").splitlines()

    def follow(self, container: str, tail: int | None) -> Iterator[str]:
        """Yield the last lines of a log, and its new ones until the container ends.

        Without a ``tail``: all since its last start.
        """
        with translated(container):
            which: dict[str, Any] = {"tail": tail}
            if tail is None:
                which = _this_life(self.api.inspect_container(container)["State"])
            yield from _lines(self.api.logs(container, stream=True, follow=True, **which))

    def exits(self, on_exit: Callable[[Exit], None]) -> Callable[[], None]:
        """Call ``on_exit`` whenever a container of the project ends; the returned function stops
        that.
        """
        filters = {"label": f"{request.PROJECT}={self.project}", "event": "die"}
        stream = self.api.events(decode=True, filters=filters)

        def watch() -> None:
            # Closing the stream ends the read with whatever error the socket has.
            try:
                for event in stream:
                    attributes: Mapping[str, str] = event["Actor"]["Attributes"]
                    on_exit(Exit(attributes["name"], int(attributes.get("exitCode", -1))))
            except Exception:  # noqa: S110
                pass

        threading.Thread(target=watch, daemon=True, name="exits").start()
        return stream.close

    def published(self, container: str) -> list[tuple[str, int, int]]:
        """Return the ports that are really open: address, port of this machine, container port."""
        with translated(container):
            ports = self.api.inspect_container(container)["NetworkSettings"]["Ports"] or {}
        return [
            (binding["HostIp"], int(binding["HostPort"]), int(inner.partition("/")[0]))
            for inner, bindings in ports.items()
            for binding in bindings or ()
        ]

    def holder_of(self, port: int) -> Holder | None:
        """Find the container that publishes the TCP ``port`` where the front would listen."""
        with translated("docker"):
            for summary in self.api.containers():
                if any(_is_held(item, port) for item in summary["Ports"]):
                    return Holder(summary["Names"][0].lstrip("/"), owner_of(summary))
        return None

    def inspect(self, container: str) -> dict[str, Any]:
        """Return all that the engine reports about a container."""
        with translated(container):
            found: dict[str, Any] = self.api.inspect_container(container)
        return found

    def _create_network(self, step: CreateNetwork) -> None:
        own = {request.PROJECT: self.project, request.NETWORK: step.name}
        labels = own | labels_of(self.owner)
        name = f"{self.project}_{step.name}"
        # Without the check an engine creates two with one name, and then refuses both as ambiguous.
        self.api.create_network(
            name, "bridge", internal=step.internal, labels=labels, check_duplicate=True
        )

    def _create_volume(self, step: CreateVolume) -> None:
        own = {request.PROJECT: self.project, request.VOLUME: step.name}
        # An engine returns an existing one of that name, whoever made it.
        made = self.api.create_volume(
            f"{self.project}_{step.name}", labels=own | labels_of(self.owner)
        )
        if owner_of(made) != self.owner:
            raise EngineError(
                f"volume {made['Name']}: was created by another program just now",
                "stack up shows its owner",
            )

    def _remove_network(self, step: RemoveNetwork) -> None:
        name = f"{self.project}_{step.name}"
        try:
            self.api.remove_network(name)
        except NotFound:
            return  # another program removed it, which is the intended result
        except APIError:
            users = sorted(
                one["Name"] for one in (self.api.inspect_network(name)["Containers"] or {}).values()
            )
            if not users:
                raise
            cut = f"docker network disconnect --force {name}"
            leave = "; ".join(f"{cut} {quoted(one)}" for one in users)
            what = f"network {name}: is still used by {', '.join(users)}"
            raise EngineError(what, leave) from None

    def _remove_volume(self, step: RemoveVolume | RemoveAnonymous) -> None:
        name = f"{self.project}_{step.name}" if isinstance(step, RemoveVolume) else step.volume
        try:
            self.api.remove_volume(name)
        except NotFound:
            return  # another program removed it, which is the intended result
        except APIError:
            found = self.api.containers(all=True, filters={"volume": name})
            users = sorted(str(one["Names"][0]).lstrip("/") for one in found)
            if not users:
                raise
            what = f"volume {shown(name)}: is still used by {', '.join(users)}"
            end = f"docker rm --force {joined(users)}\nstack down --volumes"
            raise EngineError(what, end) from None

    def _start(self, seen: SeenContainer) -> None:
        if seen.state == "paused":
            self.api.unpause(seen.id)
        else:
            self.api.start(seen.id)

    def _remove_container(self, step: RemoveContainer) -> None:
        self._remove(step.seen.id)
        if step.is_built:  # a new one may have taken the name of its image
            forget(self.client, step.seen.image_id)

    def _remove(self, container: str) -> None:
        try:
            self.api.stop(container, timeout=STOP_TIMEOUT)
            self.api.remove_container(container, force=True)
        except NotFound:
            return  # another program removed it, which is the intended result
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
            with contextlib.suppress(NotFound):  # another program is removing it
                self.api.wait(container, timeout=STOP_TIMEOUT, condition="removed")

    def _run(self, step: RunContainer) -> None:
        item, version = step.container, self.api.api_version
        name = container_name(self.project, item.service, step.number)
        labels = request.container_labels(self.owner, item, step.number, step.fingerprint)
        folder, environment = Path(self.owner.folder), self.environment_of(item)
        wanted = request.container_request(
            version, self.project, folder, item, step.number, environment
        )
        wanted["host_config"].setdefault("Mounts", []).extend(self._inherited(step))
        created = self.api.create_container(name=name, labels=labels, **wanted)
        for network in item.networks[1:]:
            endpoint = request.endpoint_config(version, self.project, item, step.number, network)
            self.api.connect_container_to_network(
                created["Id"], f"{self.project}_{network}", aliases=endpoint["Aliases"]
            )
        self.api.start(created["Id"])

    def _inherited(self, step: RunContainer) -> list[Mount]:
        """Return the anonymous volumes that continue, as in Compose: where the image has one."""
        if not step.inherited:
            return []
        # The stubs of the SDK give this method no types.
        image = self.api.inspect_image(step.container.image)  # type: ignore[no-untyped-call]
        places = {*(image["Config"]["Volumes"] or ())} - {m.target for m in step.container.mounts}
        return [Mount(at, name, type="volume") for at, name in step.inherited if at in places]


def _is_held(published: Mapping[str, Any], port: int) -> bool:
    is_there = published.get("IP", "") in _FRONT_ADDRESSES
    return published.get("PublicPort") == port and published["Type"] == "tcp" and is_there


def _this_life(state: Mapping[str, str]) -> dict[str, Any]:
    """Return which lines of a log are from the container's current run.

    What it writes at once can be older than the engine's time of its start, so the end of the
    previous run counts, if there was one.
    """
    started, ended = (datetime.fromisoformat(state[key]) for key in ("StartedAt", "FinishedAt"))
    if ended.year == 1:  # it never ended
        return {"tail": "all"}
    return {"since": min(started, ended).timestamp()}


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = re.split(rb"\r?\n", rest + chunk)
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
