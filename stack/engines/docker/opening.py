"""Opens the Docker Engine for one project, after getting one to answer where it can."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stack.engines.docker.connect import answers, connect
from stack.engines.docker.endpoint import Endpoint, find
from stack.engines.docker.engine import DockerEngine
from stack.engines.docker.observe import standing
from stack.errors import EngineError
from stack.layout.images import NAMES, Pull, Recipe, Source, recipe_for

if TYPE_CHECKING:
    import docker

    from stack.engines.base import Say
    from stack.engines.running import Standing
    from stack.engines.steps import MakeImage
    from stack.layout.labels import Owner
    from stack.layout.topology import Container

SOURCES: tuple[Source, ...] = ("registry", "debian")


def stacks() -> list[Standing]:
    """Return every stack that the engine has something of. Raises EngineError if none answers."""
    return standing(_client(find(os.environ)).api)


def engine_name() -> str:
    """Name the engine that was meant; empty for the default one. Raises ConfigError."""
    return find(os.environ).label


def open_engine(
    owner: Owner,
    adopted: Callable[[], Collection[str]],
    say: Say,
    *,
    environ: Mapping[str, str] = os.environ,
    mirror: str | None = None,
) -> DockerEngine:
    """Connect to the engine for one project. Raises EngineError if none can be had.

    ``adopted`` names what others made and the project may use; ``environ`` fills in the variables
    of env_files; ``mirror`` is where packages of Debian images come from, if the user said so.
    """
    folder = Path(owner.folder)
    endpoint = find(os.environ)
    client = _client(endpoint)

    def make_image(step: MakeImage) -> None:
        from stack.engines.docker import build

        container = step.container
        if container.build is None:
            build.ensure(client, recipe_of(container.image), say, mirror)
            return
        build.build_context(
            client,
            container.image,
            folder / container.build.context,
            container.build.dockerfile,
            dict(container.build.args),
            say,
            target=container.build.target,
            is_forced=step.is_forced,
        )

    def environment_of(item: Container) -> dict[str, str]:
        from stack.project.fingerprint import environment  # with YAML's parser

        return environment(item, folder, environ)

    return DockerEngine(client, owner, adopted, environment_of, make_image, endpoint.label)


def _client(endpoint: Endpoint) -> docker.DockerClient:
    try:
        return _connection(endpoint)
    except EngineError as error:
        if not endpoint.is_default:
            raise EngineError(
                error.message,
                f"start that engine, or use the default one of this machine: {endpoint.undo}",
            ) from error
        # Loaded only here and below: what is seldom needed must not slow every command down.
        from stack.engines import machine

        raise machine.refusal(machine.observe()) from error


def ensure_engine(say: Say) -> None:
    """Get an engine to answer, if it is the default one of this machine that was meant."""
    endpoint = find(os.environ)
    if not endpoint.is_default:
        return
    try:
        _connection(endpoint)
    except EngineError:
        from stack.engines import install

        install.ensure_engine(answers, say)


@cache
def _connection(endpoint: Endpoint) -> docker.DockerClient:
    """Connect once in a process: each connection first asks the engine for its version."""
    return connect(endpoint)


def choose_source(engine: DockerEngine, remembered: str, say: Say) -> Source:
    """Decide for ``images: auto``: the registry if its images are there or can be had.

    A choice once made stays, so that an outage of the registry never replaces running services.
    """
    for source in SOURCES:
        if source == remembered:
            return source
    from stack.engines.docker import build

    references = [_first_pull(recipe_for(name, "registry")) for name in NAMES]
    if all(build.existing(engine.client, reference) for reference in references):
        return "registry"
    if build.registry_answers(engine.client, references[0]):
        return "registry"
    say("no image registry can be reached: the same services are built from Debian packages")
    return "debian"


def recipe_of(reference: str) -> Recipe:
    """Find the recipe behind a reference; a reference that is not ours is pulled."""
    recipes = (recipe_for(name, source) for source in SOURCES for name in NAMES)
    return next((found for found in recipes if found.reference == reference), Pull(reference))


def _first_pull(recipe: Recipe) -> str:
    """The reference that the registry has to give for this recipe."""
    while not isinstance(recipe, Pull):
        base = getattr(recipe, "base", None)
        if base is None:
            return recipe.reference
        recipe = base
    return recipe.reference
