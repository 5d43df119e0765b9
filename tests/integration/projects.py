"""Projects for tests: a folder, a name and a port of their own, and the real `stack` command."""

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import yaml
from docker.errors import APIError
from docker.models.containers import Container

from stack.engines.docker.request import PROJECT
from stack.layout.labels import Owner
from tests.integration.compose_plugin import compose_command

ECHO = Path(__file__).with_name("echo")
STACK = Path(sys.executable).with_name("stack")  # the console script, as users run it
Services = Mapping[str, Mapping[str, Any]]
Routes = Mapping[str, Any]
ROOM = {
    "allow_publish_for_subscriber": True,
    "allow_presence_for_subscriber": True,
    "allow_history_for_subscriber": True,
    "presence": True,
    "join_leave": True,
    "history_size": 100,
    "history_ttl": "1h",
    "force_recovery": True,
}
NAMESPACES = {"room": ROOM, "": {"allow_publish_for_subscriber": True}}
REALTIME: Services = {
    "ws": {"preset": "realtime", "replicas": 2, "namespaces": NAMESPACES},
    "redis": {"preset": "redis"},
    "postgres": {"preset": "postgres"},
}
WS_ROUTE: Routes = {"/ws": {"to": "ws", "websocket": True}}
SITE: Services = {"site": {"static": "./site"}}


def free_port() -> int:
    """Give a port that is free now on IPv4 and IPv6.

    Below the range that the kernel takes for outgoing connections, or one of those could have it
    by the time it is wanted. Each test process of a run has ports of its own, or two of them could
    find the same one free.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    for port in random.sample(range(20000 + worker, 32000, workers), 100):
        if all(is_free(family, port) for family in (socket.AF_INET, socket.AF_INET6)):
            return port
    raise RuntimeError("no free port")


def is_free(family: socket.AddressFamily, port: int) -> bool:
    """Whether this machine lets us listen there, or has no such address family."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1" if family == socket.AF_INET else "::1", port))
    except OSError as error:
        return error.errno not in {13, 98}  # EACCES, EADDRINUSE
    return True


@dataclass(frozen=True)
class Project:
    """A stack.yaml in a folder, and what can be done with it. Nothing global is touched."""

    client: docker.DockerClient
    folder: Path
    images: str  # where images come from: registry or debian
    name: str = field(default_factory=lambda: f"it-{uuid.uuid4().hex[:10]}")
    port: int = field(default_factory=free_port)
    command: Path = STACK

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://localhost:{self.port}/ws"

    @property
    def owner(self) -> Owner:
        return Owner(self.name, str(self.folder.resolve()), "stack.yaml")

    @property
    def state(self) -> Path:
        return self.folder / ".stack" / self.name

    def write(self, services: Services, routes: Routes, **more: Any) -> None:
        """Write stack.yaml, and the folders that the services of this module use."""
        site = self.folder / "site"
        site.mkdir(exist_ok=True)
        (site / "index.html").write_text("<p>the static page</p>\n")
        if not (self.folder / "echo").exists():
            shutil.copytree(ECHO, self.folder / "echo", ignore=shutil.ignore_patterns("__*"))
        whole = {"name": self.name, "images": self.images, "front": {"port": self.port}} | more
        text = yaml.safe_dump({**whole, "services": services, "routes": routes}, sort_keys=False)
        (self.folder / "stack.yaml").write_text(text)

    def run(self, *args: str, limit: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `stack` without a terminal, whatever its exit code."""
        return subprocess.run(
            [str(self.command), *args],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )

    def stack(self, *args: str) -> str:
        """Run `stack`, which has to succeed, and give what it printed."""
        done = self.run(*args)
        assert done.returncode == 0, f"stack {' '.join(args)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *args: str) -> Any:
        """Run `stack … --json` and give the one document that it printed."""
        return json.loads(self.stack(*args, "--json"))

    def events(self, *args: str) -> list[dict[str, Any]]:
        """Run `stack … --json`, whatever its exit code, and give the lines that it printed."""
        return [json.loads(line) for line in self.run(*args, "--json").stdout.splitlines()]

    def fails(self, *args: str, code: int = 1) -> str:
        """Run `stack`, which has to fail with that exit code, and give its error output."""
        done = self.run(*args)
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stderr

    def token(self, *channels: str, sub: str = "alice", ttl: str = "1h") -> str:
        """Mint a token with the stack's own secret."""
        options = [f"--channel={channel}" for channel in channels]
        return self.stack("token", "--sub", sub, "--ttl", ttl, *options).strip()

    def containers(self, service: str = "") -> list[Container]:
        """Give the project's containers, or those of one service, by name."""
        found = self.client.containers.list(all=True, filters=labelled(self.name))
        mine = [each for each in found if not service or f"-{service}-" in f"{each.name}-"]
        return sorted(mine, key=lambda each: str(each.name))

    def container(self, service: str, number: int = 1) -> Container:
        """Give one container."""
        return self.client.containers.get(f"{self.name}-{service}-{number}")

    def secrets(self) -> set[str]:
        """Give every generated value."""
        paths = (self.state / "secrets").rglob("*")
        return {path.read_text() for path in paths if path.is_file()}

    def remove(self) -> None:
        """Take everything away, by label: `stack down` has tests of its own, and waits."""
        remove_labelled(self.client, self.name)


@contextlib.contextmanager
def project_in(client: docker.DockerClient, folder: Path, images: str) -> Iterator[Project]:
    """Give a project in the folder, and take everything away whatever happens."""
    project = Project(client, folder, images)
    try:
        yield project
    finally:
        project.remove()


def labelled(name: str) -> dict[str, Any]:
    """Give the filter for what belongs to a project."""
    return {"label": f"{PROJECT}={name}"}


def remove_labelled(client: docker.DockerClient, name: str) -> None:
    """Remove what carries a project's label, and the images that it built."""

    def remove(container: Container) -> None:
        with contextlib.suppress(APIError):
            container.remove(force=True, v=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(remove, client.containers.list(all=True, filters=labelled(name))))
    for network in client.networks.list(filters=labelled(name)):
        with contextlib.suppress(APIError):
            network.remove()
    for volume in client.volumes.list(filters=labelled(name)):
        with contextlib.suppress(APIError):
            volume.remove(force=True)
    for image in client.images.list(filters={"reference": f"{name}-*"}):
        # By its name: another project may have built the same image, and it has one id.
        for tag in image.tags:
            if tag.startswith(f"{name}-"):
                with contextlib.suppress(APIError):
                    client.images.remove(tag, force=True)


def echo_service(image: str, **more: Any) -> dict[str, Any]:
    """Describe the echo service without a build: its program in a mounted folder."""
    command = ["python", "/echo/echo.py"]
    return {"image": image, "command": command, "volumes": ["./echo:/echo:ro"], "port": 8000} | more


def environment() -> dict[str, str]:
    """Give this process's environment without what would steer stack, Docker or colours."""
    steering = ("STACK_", "COMPOSE_", "PYTHON", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")
    return {key: value for key, value in os.environ.items() if not key.startswith(steering)}


def compose(project: Project, *args: str, cwd: str | None = None) -> str:
    """Run Compose on the project by name, and its rendered file where there is one."""
    command = [*compose_command(), "--project-name", project.name, *args]
    done = subprocess.run(
        command, cwd=cwd or project.folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def everything(project: Project) -> list[object]:
    """Give all that carries the project's label."""
    client, mine = project.client, labelled(project.name)
    networks, volumes = client.networks.list(filters=mine), client.volumes.list(filters=mine)
    return [*project.containers(), *networks, *volumes]
