"""A stack.yaml and all that follows from it before an engine is asked. Runs nothing."""

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stack import credentials, load, state
from stack.authority import authority_certificate, authority_folder, ensure_certificate
from stack.diagnose.exchange import Target
from stack.diagnose.listeners import loopbacks
from stack.errors import ConfigError
from stack.fingerprint import fingerprints
from stack.hidden import hidden_values
from stack.images import NAMES, Source, nginx_version, recipe_for
from stack.model import Stack, parse_duration
from stack.output import seen_from
from stack.render import (
    generation,
    inputs_digest,
    render_compose,
    render_nginx_deploy,
    render_nginx_dev,
)
from stack.routing import Version
from stack.state import State
from stack.token import mint
from stack.topology import NEXTAUTH_SECRET, Topology, lay_out


@dataclass(frozen=True)
class Project:
    """What the user wrote, and where."""

    folder: Path
    stack: Stack
    environ: Mapping[str, str]  # fills in the variables of stack.yaml and of env_files
    state: State
    authority: Path  # where the user's certificate authority lives, for front.tls


@dataclass(frozen=True)
class Prepared:
    """What ``up`` compares with what runs: everything is content, nothing is applied yet."""

    topology: Topology
    door: Target
    authority: Path | None  # what a browser has to trust
    config: str
    generation: str
    fingerprints: Mapping[str, str]
    secrets: Mapping[str, str]
    hidden: tuple[str, ...]  # values that may be shown nowhere: the secrets, and the user's own


def open_project(file: Path, environ: Mapping[str, str]) -> Project:
    """Load the project of one stack.yaml. Raises ConfigError."""
    folder = file.absolute().parent
    stack = load.load(file, environ)
    return Project(folder, stack, environ, State(folder), authority_folder(environ))


def topology(stack: Stack, source: Source) -> Topology:
    """Lay the stack out with images of one source."""
    return lay_out(stack, {name: recipe_for(name, source).reference for name in NAMES})


def on_machine(layout: Topology, addresses: Collection[str]) -> Topology:
    """Give the layout for a machine that has only these of the loopback addresses."""
    bound = (
        replace(item, published=tuple(one for one in item.published if one[0] in addresses))
        for item in layout.containers
    )
    return replace(layout, containers=tuple(bound))


def prepare(project: Project, source: Source) -> Prepared:
    """Derive everything, make missing secrets, and write the Compose file of what will run."""
    wanted = topology(project.stack, source)
    # What was asked for is the same on every machine, and so is its fingerprint.
    layout = on_machine(wanted, loopbacks())
    secrets = _hand_over(project, layout)
    config = _live_config(project, layout, nginx_version(source))
    return Prepared(
        topology=layout,
        door=_door(project),
        authority=authority_certificate(project.authority) if project.stack.front.tls else None,
        config=config,
        generation=generation(config),
        fingerprints=fingerprints(wanted, project.folder, project.environ, secrets),
        secrets=secrets,
        hidden=hidden_values(project.folder, project.environ, layout, secrets.values()),
    )


def prepare_mounts(project: Project) -> None:
    """Put in place what the rendered Compose file mounts, so that Compose alone can start it."""
    source = _written_source(project.stack)
    _hand_over(project, topology(project.stack, source))
    if state.read(project.state.config) is None:
        config = render_nginx_dev(project.stack, nginx_version(source))
        state.write(project.state.config, config)


def mint_token(
    project: Project, subject: str, channels: Iterable[str], ttl: str
) -> tuple[str, int]:
    """Give a development token and when it expires (seconds since 1970)."""
    try:
        seconds = float(str(parse_duration(ttl)))
    except ValueError as error:
        raise ConfigError(f"--ttl: {ttl!r} {error}", "stack token --ttl 1h") from None
    project.state.prepare()
    secret = credentials.ensure_value(project.state, NEXTAUTH_SECRET)
    now = int(time.time())
    return mint(secret, subject, channels, now, seconds), now + int(seconds)


def rendered(project: Project, target: str, out: Path) -> dict[str, str]:
    """Give the files of ``stack render`` by name; ``target`` is dev or deploy.

    ``out`` is the folder where they will lie.
    """
    if target == "deploy":
        return {"nginx.conf": render_nginx_deploy(project.stack)}
    source = _written_source(project.stack)
    layout, base = topology(project.stack, source), seen_from(out, project.folder)
    return {
        "compose.yaml": render_compose(project.stack, layout, base),
        "nginx-dev.conf": render_nginx_dev(project.stack, nginx_version(source)),
    }


def _written_source(stack: Stack) -> Source:
    """Where images of files that are written for everybody come from, whoever renders them."""
    return "debian" if stack.images == "debian" else "registry"


def _live_config(project: Project, layout: Topology, nginx: Version) -> str:
    """Give the Nginx configuration that has to run, and write the Compose file beside it.

    Files that were made from the very same inputs, and are still as they were made, are taken as
    they are, so that an ``up`` that has nothing to do need not load Jinja2.
    """
    inputs = inputs_digest(project.stack, layout)
    config, compose = state.read(project.state.config), state.read(project.state.compose)
    if config and compose and project.state.recall("rendered") == _digest(inputs, config, compose):
        return config
    config = render_nginx_dev(project.stack, nginx)
    base = seen_from(project.state.compose.parent, project.folder)
    compose = render_compose(project.stack, layout, base)
    state.write(project.state.compose, compose)
    project.state.remember("rendered", _digest(inputs, config, compose))
    return config


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _hand_over(project: Project, layout: Topology) -> dict[str, str]:
    project.state.prepare()
    if project.stack.front.tls:
        ensure_certificate(project.state, project.authority)
    secrets = credentials.ensure(project.state, layout)
    credentials.hand_over(project.state, layout, secrets)
    return secrets


def _door(project: Project) -> Target:
    front = project.stack.front
    trust = str(authority_certificate(project.authority)) if front.tls else ""
    return Target("", "localhost", front.port, "/", front.tls, trust)
