"""A stack.yaml and all that follows from it before an engine is asked. Runs and writes nothing."""

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stack.config.hosts import canonical
from stack.config.model import Stack
from stack.errors import ConfigError
from stack.files import read
from stack.hint import quoted
from stack.layout.compose import Labels
from stack.layout.images import NAMES, Source, nginx_version, recipe_for
from stack.layout.labels import FINGERPRINT, Owner, labels_of
from stack.layout.render import (
    generation,
    inputs_digest,
    render_compose,
    render_nginx_deploy,
    render_nginx_dev,
)
from stack.layout.topology import Topology, lay_out
from stack.probe.exchange import Target, is_local
from stack.probe.listeners import loopbacks
from stack.project import credentials, load
from stack.project.authority import authority_certificate, authority_folder
from stack.project.fingerprint import fingerprints
from stack.project.hidden import hidden_values
from stack.project.output import seen_from
from stack.project.state import State, folder_of
from stack.project.token import mint
from stack.project.variables import given_secrets


@dataclass(frozen=True)
class Project:
    """What the user wrote, and where."""

    folder: Path  # resolved: two ways to one folder are one project
    file: str  # the name of the stack file in it
    stack: Stack
    environ: Mapping[str, str]  # fills in the variables of stack.yaml and of env_files
    authority: Path  # where the user's certificate authority lives, for front.tls

    @property
    def state(self) -> State:
        """What stack keeps of it on disk."""
        return State(self.folder, self.stack.name)

    @property
    def names(self) -> tuple[str, ...]:
        """More names for the front's certificate, as far as the authority may sign for them."""
        asked = (f"{self.stack.name}.localhost", *map(canonical, self.stack.front.hosts))
        return tuple(name for name in asked if is_local(name))

    @property
    def owner(self) -> Owner:
        """The owner of all that this project makes."""
        return Owner(self.stack.name, str(self.folder), self.file)


@dataclass(frozen=True)
class Prepared:
    """What ``up`` compares with what runs: everything is content, nothing is written yet.

    ``secrets`` that do not exist yet are empty. ``compose`` is the Compose file of what will run;
    ``rendered`` names both files: equal ones need not be rendered again.
    """

    topology: Topology
    front: Target
    source: Source  # where images come from
    authority: Path | None  # what a browser has to trust
    config: str
    generation: str
    compose: str
    rendered: str
    fingerprints: Mapping[str, str]
    secrets: Mapping[str, str]
    given: Mapping[str, str]  # those of them that are the user's own values
    hidden: tuple[str, ...]  # values that must not be shown: the secrets, and the user's own


def open_project(file: Path, environ: Mapping[str, str]) -> Project:
    """Load the project of one stack.yaml. Raises ConfigError, and StackError for a bad .stack."""
    stack = load.load(file, environ)
    place = folder_of(file), file.name
    _check_writable_in_utf8(place[0] / place[1])
    project = Project(*place, stack, environ, authority_folder(environ))
    project.state.check()
    return project


def _check_writable_in_utf8(file: Path) -> None:
    """Raise ConfigError for a path that engines refuse: labels and mounts are UTF-8 text."""
    try:
        str(file).encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{file}: the name is not UTF-8, which labels and mounts of containers have to be",
            f"mv {quoted(file.parent)} {quoted(file.parent.parent / 'stack')}",
        ) from None


def topology(stack: Stack, source: Source) -> Topology:
    """Lay the stack out with images of one source."""
    return lay_out(stack, {name: recipe_for(name, source).reference for name in NAMES})


def on_machine(layout: Topology, addresses: Collection[str]) -> Topology:
    """Return the layout for a machine with only these loopback addresses."""
    bound = (
        replace(item, published=tuple(one for one in item.published if one[0] in addresses))
        for item in layout.containers
    )
    return replace(layout, containers=tuple(bound))


def derive(project: Project, source: Source) -> Prepared:
    """Derive everything from stack.yaml and the disk. Writes nothing."""
    wanted = topology(project.stack, source)
    # The fingerprint is of what was requested, whatever addresses this machine has today.
    layout = on_machine(wanted, loopbacks())
    given = given_secrets(project.stack, project.folder, project.environ)
    secrets = credentials.known(project.state, layout) | given
    own = [value for name, value in secrets.items() if value and name not in given]
    prints = fingerprints(wanted, project.folder, project.environ, secrets)
    config, compose, rendered = _rendered(project, layout, source, prints)
    return Prepared(
        topology=layout,
        front=_front(project),
        source=source,
        authority=authority_certificate(project.authority) if project.stack.front.tls else None,
        config=config,
        generation=generation(config),
        compose=compose,
        rendered=rendered,
        fingerprints=prints,
        secrets=secrets,
        given=given,
        hidden=hidden_values(project.folder, project.environ, layout, own, given),
    )


def written_source(stack: Stack) -> Source:
    """Where images in shared files come from, independent of the machine that renders them."""
    return "debian" if stack.images.source == "debian" else "registry"


def mint_token(
    secret: str, subject: str, channels: Iterable[str], seconds: float
) -> tuple[str, int]:
    """Return a development token and when it expires (seconds since 1970)."""
    now = int(time.time())
    return mint(secret, subject, channels, now, seconds), now + int(seconds)


def rendered(project: Project, target: str, out: Path) -> dict[str, str]:
    """Return the files of ``stack render`` by name; ``target`` is dev or deploy.

    ``out`` is the folder where they will lie.
    """
    if target == "deploy":
        return {"nginx.conf": render_nginx_deploy(project.stack)}
    source = written_source(project.stack)
    layout, base = topology(project.stack, source), seen_from(out, project.folder)
    return {
        "compose.yaml": render_compose(project.stack, layout, base),
        "nginx-dev.conf": render_nginx_dev(project.stack, nginx_version(source)),
    }


def _rendered(
    project: Project, layout: Topology, source: Source, fingerprints: Mapping[str, str]
) -> tuple[str, str, str]:
    """Return the Nginx configuration and the Compose file that have to exist, and their name.

    Files from the very same inputs that are still unchanged are reused: an ``up`` that has nothing
    to do does not load Jinja2.
    """
    labels = _labels(project.owner, layout, fingerprints)
    inputs = inputs_digest(project.stack, layout) + repr(labels)
    config, compose = read(project.state.config), read(project.state.compose)
    if config and compose:
        name = _digest(inputs, config, compose)
        if project.state.recall("rendered") == name:
            return config, compose, name
    config = render_nginx_dev(project.stack, nginx_version(source))
    base = seen_from(project.state.compose.parent, project.folder)
    compose = render_compose(project.stack, layout, base, labels)
    return config, compose, _digest(inputs, config, compose)


def _labels(owner: Owner, layout: Topology, fingerprints: Mapping[str, str]) -> Labels:
    """Return the labels that mark what Compose makes of the file in .stack as the stack's own."""
    own = labels_of(owner)
    return {
        "services": {name: {**own, FINGERPRINT: text} for name, text in fingerprints.items()},
        "networks": {name: own for name, _ in layout.networks},
        "volumes": dict.fromkeys(layout.volumes, own),
    }


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _front(project: Project) -> Target:
    front = project.stack.front
    trust = str(authority_certificate(project.authority)) if front.tls else ""
    return Target("", "localhost", front.port, "/", front.tls, trust)
