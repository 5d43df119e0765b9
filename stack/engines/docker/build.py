"""Makes images exist on a Docker engine; ``stack.layout.images`` decides what they contain."""

import io
import os
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker import errors
from docker.models.images import Image

from stack.engines.base import Say
from stack.engines.docker import apt, rootfs, wheels
from stack.engines.docker.connect import translated
from stack.engines.docker.context import context_digest, packed, sent
from stack.engines.docker.leftovers import forget
from stack.errors import EngineError
from stack.layout.images import REGISTRY, Build, Pull, Recipe, RootFs
from stack.layout.labels import CONTEXT, IMAGE

LAST_LINES = 20
STAGE = re.compile(r"^FROM\s+\S+\s+AS\s+(\S+)", re.IGNORECASE | re.MULTILINE)

_guard = threading.Lock()
_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def ensure(
    client: docker.DockerClient, recipe: Recipe, say: Say, mirror: str | None = None
) -> None:
    """Make the image of a recipe exist, bases first; does nothing if it exists.

    ``mirror`` is where Debian's packages come from, instead of the source of this machine's apt.

    Safe to be called by several threads at once. Raises ``EngineError`` with the last lines of what
    failed.
    """
    with _guard:
        lock = _locks[recipe.reference]
    with lock, translated(f"image {recipe.reference}"):
        if existing(client, recipe.reference):
            return
        match recipe:
            case Pull():
                pull(client, recipe.reference, say)
            case RootFs():
                rootfs.make(client, recipe, say, mirror)
            case Build():
                ensure(client, recipe.base, say, mirror)
                build(client, recipe, say)


def registry_answers(client: docker.DockerClient, reference: str, limit: float = 4.0) -> bool:
    """Whether the engine can reach the registry of ``reference``, within ``limit`` seconds.

    False for anything that prevents it: no network, a rate limit, an unknown certificate.
    """
    answers: list[bool] = []

    def ask() -> None:
        with suppress(Exception):
            client.api.inspect_distribution(reference)  # type: ignore[no-untyped-call] # stubs
            answers.append(True)

    # The SDK's own timeout belongs to the whole client, and the engine may retry for a minute.
    asking = threading.Thread(target=ask, name="registry", daemon=True)
    asking.start()
    asking.join(limit)
    return bool(answers)


def pull(client: docker.DockerClient, reference: str, say: Say) -> None:
    """Pull one image. Raises ``EngineError`` with the message of the registry or the network."""
    say(f"pulling {reference}")
    try:
        events = client.api.pull(reference, stream=True, decode=True)
        refusal = next((event["error"] for event in events if "error" in event), "")
    except errors.APIError as error:
        refusal = error.explanation or str(error)
    if refusal:
        hint = "check its name and the network, or run `docker login`"
        own = "; `images: debian` in stack.yaml builds it here instead"
        raise EngineError(
            f"image {reference}: cannot be pulled: {refusal}",
            hint + (own if reference in REGISTRY.values() else ""),
        )


def build(client: docker.DockerClient, recipe: Build, say: Say) -> None:
    """Build one image of ours; its base exists."""
    origin = "from Debian packages" if isinstance(recipe.base, RootFs) else "from its Dockerfile"
    say(f"building {recipe.reference} {origin}")
    files = {name: (recipe.context / name).read_bytes() for name in recipe.files}
    # Only apt needs the network. The proxy variables are arguments that the engine knows by itself:
    # unlike others they are kept out of the history and of the cache key.
    proxies = apt.proxies(os.environ)
    online: dict[str, Any] = {
        "network_mode": wheels.network(proxies),
        "buildargs": proxies | recipe.args,
    }
    if recipe.requirements:
        pinned = files["requirements.txt"]
        found = wheels.fetch(client, recipe.base.reference, pinned, say)
        files |= {f"wheels/{name}": content for name, content in found.items()}
        online = {"network_mode": "none", "buildargs": recipe.args, "use_config_proxy": False}
    options = {**online, "custom_context": True, "labels": {IMAGE: recipe.name}}
    context = packed(files)
    # The classic builder leaves every stage behind as a dangling image. With a name, the next build
    # finds it in the cache, and replaces it.
    for stage in STAGE.findall(files["Dockerfile"].decode()):
        name = f"stack/{recipe.name}:{stage}"
        build_image(client, name, fileobj=io.BytesIO(context), target=stage, **options)
    build_image(client, recipe.reference, fileobj=io.BytesIO(context), **options)


def build_context(
    client: docker.DockerClient,
    reference: str,
    context: Path,
    dockerfile: str,
    args: Mapping[str, str],
    say: Say,
    *,
    target: str | None = None,
    is_forced: bool = False,
) -> str:
    """Build a user's own folder as ``reference``, and return the image's id.

    Built only if its label ``dev.stack.context`` is not the ``context_digest`` of the same
    arguments, or if ``is_forced``. Raises ``EngineError`` with the last lines of the build.
    """
    key = context_digest(context, dockerfile, args, target)
    with translated(f"image {reference}"):
        old = existing(client, reference)
        if old and old.labels.get(CONTEXT) == key and not is_forced:
            return str(old.id)
        say(f"building {reference} from {context}")
        archive, recipe = sent(context, dockerfile)
        return build_image(
            client,
            reference,
            fileobj=archive,
            custom_context=True,
            dockerfile=recipe,
            buildargs=dict(args),
            labels={CONTEXT: key},
            target=target,
        )


def existing(client: docker.DockerClient, reference: str) -> Image | None:
    """Return the image of that reference, if it exists."""
    try:
        return client.images.get(reference)
    except errors.ImageNotFound:
        return None


def build_image(client: docker.DockerClient, reference: str, **options: Any) -> str:
    """Run one classic build, and return the image's id; an older one of ours with that name is
    removed.
    """
    old = existing(client, reference)
    try:
        image, _ = client.images.build(tag=reference, rm=True, forcerm=True, **options)
    except errors.BuildError as error:
        lines = last_lines(error.build_log)
        raise EngineError(
            "\n  ".join((f"image {reference}: the build failed: {str(error.msg).strip()}", *lines)),
            hint_for(str(error.msg)),
        ) from error
    if old and old.id != image.id:
        forget(client, str(old.id))
    return str(image.id)


def last_lines(log: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the end of a build's output."""
    text = "".join(str(event.get("stream", "")) for event in log)
    return [line.rstrip() for line in text.splitlines() if line.strip()][-LAST_LINES:]


def hint_for(reason: str) -> str:
    """Return the next step for the reason of a failed build."""
    if "BuildKit" in reason or "buildx" in reason:
        return (
            "this Dockerfile needs BuildKit: build it with `docker buildx build --tag NAME .` "
            "and write `image: NAME` instead of `build:`"
        )
    if "network" in reason or "pull access" in reason or "no such host" in reason:
        return "its base image cannot be pulled: check the network, or `docker login`"
    return "correct the step that failed, then run the command again: steps before it are cached"
