"""Removes unused images of ours. Never one that others made."""

from contextlib import suppress

import docker
from docker import errors

from stack.layout.labels import CONTEXT, IMAGE


def forget(client: docker.DockerClient, image: str) -> None:
    """Remove an image of ours that lost its name, unless a container or an image still needs it."""
    with suppress(errors.APIError):
        found = client.images.get(image)
        if not found.tags and not {CONTEXT, IMAGE}.isdisjoint(found.labels):
            client.images.remove(image)
