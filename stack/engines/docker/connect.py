"""Connects to the selected Docker Engine; turns its errors into ours. Decides nothing."""

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException

from stack import os_errors
from stack.engines.docker import endpoint
from stack.engines.docker.endpoint import Endpoint
from stack.errors import EngineError

TIMEOUT = 60  # seconds for one answer of the engine
POOL = 32  # connections that are kept


class _Api(docker.APIClient):
    def merge_environment_settings(self, *given: Any) -> Any:
        # Else REQUESTS_CA_BUNDLE would take precedence over the certificates of the engine's
        # context.
        self.trust_env = False
        return super().merge_environment_settings(*given)


class _Client(docker.DockerClient):
    def __init__(self, **given: Any) -> None:
        self.api = _Api(**given)


def connect(found: Endpoint | None = None) -> docker.DockerClient:
    """Connect to the engine that the ``docker`` command would use.

    Raises EngineError if it does not answer, ConfigError if there is none of that name.
    """
    found = found or endpoint.find(os.environ)
    with translated(f"engine {found.label}" if found.label else "docker"):
        tls = found.tls if found.url.startswith("tcp:") else None
        given: dict[str, Any] = {"tls": tls} if tls else {}
        return _Client(
            base_url=found.url, timeout=TIMEOUT, version="auto", max_pool_size=POOL, **given
        )


def answers() -> bool:
    """Whether an engine can be reached."""
    try:
        connect().close()
    except EngineError:
        return False
    return True


@contextlib.contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what the SDK raises inside into EngineError ``where: what``.

    A limit of this process is StackError: another engine would not help.
    """
    try:
        yield
    except APIError as error:
        raise EngineError(f"{where}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException) as error:
        if "Too many open files" in str(error):
            raise os_errors.from_os_error(OSError(errno.EMFILE, ""), where) from error
        raise EngineError(f"{where}: {_plain(error)}") from error


def _plain(error: Exception) -> str:
    text = str(error)
    for sign, meaning in _MEANINGS.items():
        if sign in text:
            return meaning
    return text


_MEANINGS = {
    "FileNotFoundError": "no engine answers",
    "Connection refused": "no engine answers",
    "PermissionError": "no permission to use the engine's socket",
    "Permission denied": "no permission to use the engine's socket",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not signed by the authority of ca.pem",
    "CERTIFICATE_REQUIRED": "it requires a client certificate: cert.pem and key.pem",
    "HTTP request to an HTTPS server": (
        "it speaks TLS, but TLS is not configured: DOCKER_TLS_VERIFY=1"
    ),
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "NameResolutionError": "no machine has this name",
    "Failed to resolve": "no machine has this name",
    "ConnectTimeoutError": f"no answer within {TIMEOUT} s",
    "Read timed out": f"no answer within {TIMEOUT} s",
}
