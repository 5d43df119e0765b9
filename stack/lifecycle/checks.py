"""Whether a command may go on: the owner of the project, and whether its services exist."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from stack.config.presets import NGINX
from stack.errors import ConfigError, StackError
from stack.hint import quoted
from stack.lifecycle.ownership import in_the_way, refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from stack.engines.docker.engine import DockerEngine
    from stack.engines.running import Running, Stranger
    from stack.layout.labels import Owner
    from stack.layout.topology import Topology
    from stack.lifecycle.locate import Located
    from stack.project.project import Project


def check_running(located: Located, running: Running, services: Collection[str]) -> None:
    """Raise ConfigError for a name of no service, neither in stack.yaml nor among what runs."""
    known = {one.service for one in running.containers}
    if located.project:
        known |= {NGINX, *located.project.stack.services}
    check_names(sorted(known), services)


def check_services(project: Project, services: Collection[str]) -> None:
    """Raise ConfigError for a name that is no service of the project."""
    check_names([NGINX, *project.stack.services], services)


def check_made(project: Project, running: Running, services: Collection[str]) -> None:
    """Raise StackError if there is nothing to restart: of a service, or of the whole project."""
    for service in services:
        if not running.of(service):
            raise StackError(f"{service}: has no container", f"stack up {quoted(service)}")
    if not running.containers:
        raise StackError(f"{project.stack.name}: nothing of it runs", "stack up")


def check_images(topology: Topology, running: Running) -> None:
    """Raise StackError if a build would take the name of an image that others made."""
    for item in topology.containers:
        seen = running.images.get(item.image)
        if item.build and seen and not seen.is_ours:
            name = quoted(item.image)
            kept = f"docker tag {name} {name}:kept && docker rmi {name}"
            raise StackError(
                f"services.{item.service}.build: an image that stack did not make has the name "
                f"{item.image}",
                f"keep it under another name: {kept}\nor choose another name: for the project",
            )


def check_in_containers(project: Project | None, services: Collection[str]) -> None:
    """Raise ConfigError for a service that is not a container: stack did not start it."""
    for name in services:
        service = project.stack.services.get(name) if project else None
        if service and service.host:
            raise ConfigError(
                f"{name}: a process of this machine on port {service.host}, not started by stack",
                "use the terminal in which you started it",
            )
        if service and service.static:
            raise ConfigError(f"{name}: a folder that nginx serves", "name nginx instead")


def check_names(known: Sequence[str], services: Collection[str]) -> None:
    """Raise ConfigError for a name that is not ``known``."""
    for name in services:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            text = f"{name}: no such service"
            raise ConfigError(
                text + (f"; did you mean {near[0]}?" if near else ""),
                f"services are: {', '.join(known)}" if known else "stack list",
            )


def check_owner(owner: Owner, running: Running, names: Collection[str] = ()) -> None:
    """Raise StackError if something of others has the project's name, or one of ``names``."""
    if found := in_the_way(owner, running, names):
        folders = {one.owner.folder for one in found if one.owner.folder}
        there = {name for name in folders if Path(name).is_dir()}
        raise refusal(owner, found, there, is_mixed=bool(running.containers))


def check_ours(owner: Owner, running: Running) -> None:
    """Raise StackError if others have the project's name and it has nothing itself.

    If the project has something itself, what others have does not prevent seeing and stopping it.
    """
    if not (running.containers or running.networks or running.volumes):
        check_owner(owner, running)


def check_gone(owner: Owner, strangers: Collection[Stranger]) -> None:
    """Raise StackError if something to adopt is of another stack whose folder still exists."""
    for one in strangers:
        if one.owner.file and Path(one.owner.folder).is_dir():
            raise refusal(owner, [one], {one.owner.folder})


def running_of(engine: DockerEngine) -> Running:
    """Return what the project has. Raises StackError if its name belongs to another owner."""
    running = engine.observe()
    check_ours(engine.owner, running)
    return running
