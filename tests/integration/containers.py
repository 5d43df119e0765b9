"""Containers for tests: hardened as stack runs them, labelled, and always removed."""

import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.models.containers import Container

from stack.engines.docker.build import ensure
from stack.layout.images import Recipe
from tests.locks import locked

T = TypeVar("T")

LABEL = "dev.stack.test"
HARDENED: dict[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
}


@dataclass
class OwnContainers:
    """Starts containers and volumes that carry one label of their own."""

    client: docker.DockerClient
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def run(
        self, image: str, *command: str, port: int = 0, at: int | None = None, **options: Any
    ) -> Container:
        """Start a container; ``port`` is published on a free port of 127.0.0.1.

        That is another one after a restart, unless ``at`` names it.
        """
        ports: Any = {f"{port}/tcp": ("127.0.0.1", at)} if port else {}
        container = self.client.containers.create(
            image, list(command) or None, labels={LABEL: self.mark}, ports=ports, **options
        )
        container.start()
        return container

    def volume(self) -> str:
        """Make an empty volume and give its name."""
        return str(self.client.volumes.create(labels={LABEL: self.mark}).name)

    def clear(self) -> None:
        """Remove all that was started."""
        mine: dict[str, Any] = {"label": f"{LABEL}={self.mark}"}
        for container in self.client.containers.list(all=True, filters=mine):
            container.remove(force=True, v=True)
        for volume in self.client.volumes.list(filters=mine):
            volume.remove(force=True)


def building() -> AbstractContextManager[None]:
    """Be the only test process that makes images: another one would make the same again."""
    return locked(Path(tempfile.gettempdir()) / f"stack-tests-{os.getuid()}.lock")


def made(client: docker.DockerClient, recipe: Recipe) -> str:
    """Make an image exist and give its name."""
    with building():
        ensure(client, recipe, print)
    return recipe.reference


@contextmanager
def own_containers(client: docker.DockerClient) -> Iterator[OwnContainers]:
    """Give a place for containers, and clear it whatever happens."""
    place = OwnContainers(client)
    try:
        yield place
    finally:
        place.clear()


def published(container: Container, port: int) -> int:
    """Give the port of this machine that leads to a container's port."""
    container.reload()
    bindings = container.ports[f"{port}/tcp"] or []
    return int(bindings[0]["HostPort"])


_END = "-- this was all --"


def shell(container: Container, script: str, **options: Any) -> str:
    """Run a script in a container, and give its output; it has to succeed.

    A busy engine loses the output of a command now and then. Then it runs again, so a script has to
    stand that.
    """
    for _ in range(5):
        code, output = container.exec_run(["sh", "-ec", f"{script}\necho {_END}"], **options)
        text = b"".join([output] if isinstance(output, bytes) else output).decode()
        assert code == 0, text
        if _END in text:
            break
    return text.rpartition(_END)[0].strip()


def eventually(attempt: Callable[[], T], limit: float = 20.0) -> T:
    """Give what ``attempt`` returns as soon as it does not raise; at most ``limit`` seconds."""
    deadline = time.monotonic() + limit
    while True:
        try:
            return attempt()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def ended(container: Container) -> None:
    """Return when the process is gone that ran when the container was looked up.

    The engine may have started another by then: somebody may have changed the restart policy.
    """
    before = container.attrs["State"]["Pid"]

    def attempt() -> None:
        container.reload()
        assert container.attrs["State"]["Pid"] != before

    eventually(attempt, 60)


def logs(container: Container) -> str:
    """Give all that a container printed."""
    return container.logs().decode()


def printed(container: Container, text: str) -> str:
    """Wait until a container printed ``text``, then give all that it printed.

    A line reaches the engine's log a moment after the answer that it belongs to.
    """

    def attempt() -> str:
        written = logs(container)
        assert text in written, written
        return written

    return eventually(attempt)
