"""The Docker Engine: observes a project and carries out steps. Plans nothing, prints nothing."""

import contextlib
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from stack.engines.base import Exit, Holder
from stack.engines.docker import request
from stack.engines.docker.connect import translated
from stack.errors import EngineError
from stack.plan import container_name
from stack.running import Running, SeenContainer, SeenImage
from stack.steps import (
    CreateNetwork,
    CreateVolume,
    MakeImage,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    RestartContainer,
    RunContainer,
    StartContainer,
    Step,
)
from stack.topology import Container

CONFLICT = 409  # the engine is at it already
STOP_TIMEOUT = 10  # seconds between the stop signal and SIGKILL


class DockerEngine:
    """Satisfies ``engines.base.Engine`` for one project, through the docker SDK.

    ``label`` names the engine where it is not the default one.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        project: str,
        folder: Path,
        environment_of: Callable[[Container], dict[str, str]],
        make_image: Callable[[MakeImage], None],
        label: str = "",
    ) -> None:
        self.client = client
        self.api = client.api
        self.project = project
        self.folder = folder
        self.environment_of = environment_of
        self.make_image = make_image
        self.label = label

    def observe(self, images: Collection[str] = ()) -> Running:
        """See the project's containers, networks and volumes, and which of ``images`` are there."""
        mine = {"label": f"{request.PROJECT}={self.project}"}
        with translated("docker"), ThreadPoolExecutor(8) as pool:
            containers = pool.submit(self.api.containers, all=True, filters=mine)
            networks = pool.submit(self.api.networks, filters=mine)
            volumes = pool.submit(self.api.volumes, filters=mine)
            # One by one: the engine takes ten times as long to list all that it has.
            found = pool.map(self._seen_image, images)
            return Running(
                containers=tuple(
                    _seen(summary)
                    for summary in containers.result()
                    if summary["Labels"].get(request.ONE_OFF) != "True"
                ),
                networks={
                    network["Labels"].get(request.NETWORK, network["Name"]): network["Internal"]
                    for network in networks.result()
                },
                volumes=frozenset(
                    volume["Labels"].get(request.VOLUME, volume["Name"])
                    for volume in volumes.result()["Volumes"] or ()
                ),
                images={name: image for name, image in zip(images, found, strict=True) if image},
            )

    def _seen_image(self, reference: str) -> SeenImage | None:
        try:
            # The stubs of the SDK give this method no types.
            image = self.api.inspect_image(reference)  # type: ignore[no-untyped-call]
        except NotFound:
            return None
        labels = image["Config"]["Labels"] or {}
        return SeenImage(image["Id"], labels.get(request.CONTEXT, ""))

    def apply(self, step: Step) -> None:
        """Carry out one step. Raises EngineError; TypeError for a step that is not the engine's."""
        with translated(step.key):
            match step:
                case MakeImage():
                    self.make_image(step)
                case CreateNetwork():
                    self._create_network(step)
                case RemoveNetwork():
                    self.api.remove_network(f"{self.project}_{step.name}")
                case CreateVolume():
                    self._create_volume(step)
                case RemoveVolume():
                    self.api.remove_volume(f"{self.project}_{step.name}")
                case RemoveContainer():
                    self._remove(step.seen.id, with_data=step.with_data)
                case RunContainer():
                    self._run(step)
                case StartContainer():
                    self.api.start(step.seen.id)
                case RestartContainer():
                    self.api.restart(step.seen.id, timeout=STOP_TIMEOUT)
                case _:
                    raise TypeError(step)

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
        """Give how a container's process ended; None while it lives, -1 if it is gone."""
        try:
            with translated(container):
                state = self.api.inspect_container(container)["State"]
        except EngineError:
            return -1
        return None if state["Running"] else int(state["ExitCode"])

    def logs(self, container: str, tail: int) -> list[str]:
        """Give the last ``tail`` lines of a container's log; empty if it is gone."""
        try:
            with translated(container):
                data: bytes = self.api.logs(container, tail=tail)
        except EngineError:
            return []
        return data.decode(errors="replace").splitlines()

    def follow(self, container: str, tail: int | None) -> Iterator[str]:
        """Yield the last lines of a log, and its new ones until the container ends.

        Without a ``tail``: all since it was started last.
        """
        with translated(container):
            which: dict[str, Any] = {"tail": tail}
            if tail is None:
                started = self.api.inspect_container(container)["State"]["StartedAt"]
                which = {"since": datetime.fromisoformat(started).timestamp()}
            yield from _lines(self.api.logs(container, stream=True, follow=True, **which))

    def exits(self, on_exit: Callable[[Exit], None]) -> Callable[[], None]:
        """Call ``on_exit`` whenever a container of the project ends; the answer stops that."""
        filters = {"label": f"{request.PROJECT}={self.project}", "event": "die"}
        stream = self.api.events(decode=True, filters=filters)

        def watch() -> None:
            # Closing the stream ends the read with whatever error the socket has at hand.
            try:
                for event in stream:
                    attributes: Mapping[str, str] = event["Actor"]["Attributes"]
                    on_exit(Exit(attributes["name"], int(attributes.get("exitCode", -1))))
            except Exception:  # noqa: S110
                pass

        threading.Thread(target=watch, daemon=True, name="exits").start()
        return stream.close

    def published(self, container: str) -> list[tuple[str, int, int]]:
        """Give the ports that are really open: address, port of this machine, container port."""
        with translated(container):
            ports = self.api.inspect_container(container)["NetworkSettings"]["Ports"] or {}
        return [
            (binding["HostIp"], int(binding["HostPort"]), int(inner.partition("/")[0]))
            for inner, bindings in ports.items()
            for binding in bindings or ()
        ]

    def holder_of(self, port: int) -> Holder | None:
        """Find the container that publishes ``port`` on this machine."""
        with translated("docker"):
            for summary in self.api.containers():
                if any(item.get("PublicPort") == port for item in summary["Ports"]):
                    labels = summary["Labels"]
                    return Holder(
                        summary["Names"][0].lstrip("/"),
                        labels.get(request.PROJECT, ""),
                        labels.get(request.FOLDER, "") if request.FINGERPRINT in labels else "",
                    )
        return None

    def inspect(self, container: str) -> dict[str, Any]:
        """Give all that the engine tells about a container."""
        with translated(container):
            found: dict[str, Any] = self.api.inspect_container(container)
        return found

    def _create_network(self, step: CreateNetwork) -> None:
        labels = {request.PROJECT: self.project, request.NETWORK: step.name}
        name = f"{self.project}_{step.name}"
        # Without the check an engine makes two of one name, and then refuses both as ambiguous.
        self.api.create_network(
            name, "bridge", internal=step.internal, labels=labels, check_duplicate=True
        )

    def _create_volume(self, step: CreateVolume) -> None:
        name = f"{self.project}_{step.name}"
        labels = {request.PROJECT: self.project, request.VOLUME: step.name}
        made = self.api.create_volume(name, labels=labels)  # gives the one that exists already
        owner = (made["Labels"] or {}).get(request.PROJECT, self.project)
        if owner != self.project:
            raise EngineError(
                f"volume {name} belongs to the project {owner}",
                "choose another name for this project in stack.yaml",
            )

    def _remove(self, container: str, *, with_data: bool) -> None:
        try:
            self.api.stop(container, timeout=STOP_TIMEOUT)
            self.api.remove_container(container, force=True, v=with_data)
        except NotFound:
            return  # somebody else removed it: that is what was wanted
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
            with contextlib.suppress(NotFound):  # somebody else is removing it
                self.api.wait(container, timeout=STOP_TIMEOUT, condition="removed")

    def _run(self, step: RunContainer) -> None:
        item, version = step.container, self.api.api_version
        name = container_name(self.project, item.service, step.number)
        labels = request.container_labels(
            self.project, self.folder, item, step.number, step.fingerprint
        )
        wanted = request.container_request(
            version, self.project, self.folder, item, step.number, self.environment_of(item)
        )
        created = self.api.create_container(name=name, labels=labels, **wanted)
        for network in item.networks[1:]:
            endpoint = request.endpoint_config(version, self.project, item, step.number)
            self.api.connect_container_to_network(
                created["Id"], f"{self.project}_{network}", aliases=endpoint["Aliases"]
            )
        self.api.start(created["Id"])


def _seen(summary: Mapping[str, Any]) -> SeenContainer:
    labels = summary["Labels"]
    return SeenContainer(
        id=summary["Id"],
        name=summary["Names"][0].lstrip("/"),
        service=labels.get(request.SERVICE, ""),
        number=int(labels.get(request.NUMBER, "1")),
        state=summary["State"],
        status=summary["Status"],
        fingerprint=labels.get(request.FINGERPRINT, ""),
        image_id=summary["ImageID"],
        folder=labels.get(request.FOLDER, ""),
        published=frozenset(
            (port["PublicPort"], port["PrivatePort"])
            for port in summary["Ports"]
            if "PublicPort" in port
        ),
    )


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = re.split(rb"\r?\n", rest + chunk)
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
