"""Collects the values of a project that must not be shown. Reads env_files, writes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stack.errors import ConfigError
from stack.layout.images import NAMES, recipe_for
from stack.layout.topology import Container, Topology, lay_out
from stack.project.fingerprint import told_in_file
from stack.project.variables import given_secrets
from stack.redaction.values import Pair, named, says_secret, secret_values

if TYPE_CHECKING:
    from stack.project.project import Project


def hidden_values(
    folder: Path,
    environ: Mapping[str, str],
    layout: Topology,
    own: Iterable[str],
    given: Mapping[str, str],
) -> tuple[str, ...]:
    """Return ``own``, the generated secrets, and what is secret among the values of the user.

    ``given`` are the secrets of the stack, by name, whose value is the user's. ``environ`` fills in
    the variables of env_files. Raises ConfigError for one that cannot be read.
    """
    pairs = [pair for item in layout.containers for pair in _pairs(item, folder, environ)]
    pairs += given.items()
    return (*own, *sorted(secret_values(pairs, own_names(layout))))


def known(project: "Project") -> tuple[str, ...]:
    """Return what ``hidden_values`` returns; an env_file that cannot be read is left out."""
    layout = layout_of(project)
    own = project.state.secret_values()
    try:
        given = given_secrets(project.stack, project.folder, project.environ)
        return hidden_values(project.folder, project.environ, layout, own, given)
    except ConfigError:
        pairs = (pair for item in layout.containers for pair in item.environment)
        return (*own, *secret_values(pairs, own_names(layout)))


def layout_of(project: "Project") -> Topology:
    """Lay out a project for its values and names alone, whatever the source of its images."""
    images: dict[str, str] = {name: recipe_for(name, "registry").reference for name in NAMES}
    return lay_out(project.stack, images)


def pairs_of_compose(text: str) -> Iterator[Pair]:
    """Return what a rendered Compose file holds: the last state of a broken stack.yaml."""
    import yaml  # needed only for what explains a failure

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    services = document.get("services") if isinstance(document, dict) else None
    for service in services.values() if isinstance(services, dict) else ():
        yield from said_pairs(service)
        if not isinstance(service, dict):
            continue
        build = service.get("build")
        args = build.get("args") if isinstance(build, dict) else None
        for part in (service.get("environment"), args):
            values = part.items() if isinstance(part, dict) else ()
            yield from ((name, str(value).replace("$$", "$")) for name, value in values)


def said_pairs(value: Any) -> Iterator[Pair]:
    """Return the pairs in a JSON value whose names mark them as secret."""
    return (pair for pair in named(value) if says_secret(pair[0]))


def secrets_of(environ: Mapping[str, str]) -> set[str]:
    """Return the values of this process's environment under names that mark a secret."""
    return secret_values(pair for pair in environ.items() if says_secret(pair[0]))


def own_names(layout: Topology) -> set[str]:
    """Return the names that describe a stack: without them nothing is explained."""
    names = {layout.project, *(name for name, _ in layout.networks), *layout.volumes}
    names |= {route.service for route in layout.routes} | {route.path for route in layout.routes}
    for item in layout.containers:
        repository, _, tag = item.image.partition(":")
        names |= {item.service, item.image, repository, repository.rpartition("/")[2], tag}
        names |= {value for name, value in item.environment if name.endswith(("_DB", "_USER"))}
    return names


def _pairs(item: Container, folder: Path, environ: Mapping[str, str]) -> Iterator[Pair]:
    yield from item.environment
    if item.build:
        yield from item.build.args
    yield from told_in_file(item, folder, environ).items()
    for words in (item.command, item.entrypoint, item.healthcheck):
        yield from said_pairs(list(words or ()))
