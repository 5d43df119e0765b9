"""Finds the Docker Engine and speaks to it; turns its errors into ours. Decides nothing."""

import contextlib
import os
from collections.abc import Iterator

import docker
import docker.context
import requests
from docker.errors import APIError, DockerException

from stack.errors import EngineError

TIMEOUT = 60  # seconds for one answer of the engine


def connect() -> docker.DockerClient:
    """Connect to the engine that the ``docker`` command would use.

    Raises EngineError if none answers. The SDK alone looks at DOCKER_HOST only; Docker Desktop
    and Colima register a context instead.
    """
    with translated("docker"):
        if not os.environ.get("DOCKER_HOST"):
            context = docker.context.ContextAPI.get_current_context()
            if context is not None and context.name != "default":
                return docker.DockerClient(context.Host, timeout=TIMEOUT, version="auto")
        return docker.from_env(timeout=TIMEOUT, version="auto", max_pool_size=32)


def answers() -> bool:
    """Whether an engine can be reached."""
    try:
        connect().close()
    except EngineError:
        return False
    return True


@contextlib.contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what the SDK raises inside into EngineError ``where: what``."""
    try:
        yield
    except APIError as error:
        raise EngineError(f"{where}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException) as error:
        raise EngineError(f"{where}: {_plain(error)}") from error


def _plain(error: Exception) -> str:
    text = str(error)
    if "FileNotFoundError" in text or "Connection refused" in text:
        return "no engine answers"
    if "PermissionError" in text or "Permission denied" in text:
        return "no permission to use the engine's socket"
    return text
