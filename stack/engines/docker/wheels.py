"""Fetches a project's Python wheels inside a throw-away container; leaves nothing behind.

A build would need the network and, on a company network, the proxy and its certificate authority:
both would end up in a layer or in the history. So the wheels are fetched outside of the build.
"""

import io
import os
import ssl
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import docker
from docker.models.containers import Container

from stack.engines.docker.context import packed
from stack.errors import EngineError

LABEL = "dev.stack.image"
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
PIP = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
BUNDLE = "tmp/ca.pem"
REQUIREMENTS = "tmp/requirements.txt"
TIME_LIMIT = 600  # seconds for all wheels together

COMMAND = (
    "pip download --only-binary :all: --require-hashes --no-cache-dir --no-input "
    f"--disable-pip-version-check --progress-bar off --dest /wheels --requirement /{REQUIREMENTS}"
)


def fetch(
    client: docker.DockerClient,
    base: str,
    requirements: bytes,
    say: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> dict[str, bytes]:
    """Return the wheels (file name to content) that ``requirements`` pins, for ``base``'s Python.

    Honours the proxies, pip's index settings and the CA bundle of ``environ``. Raises
    ``EngineError`` with pip's last lines.
    """
    say("fetching Python wheels")
    bundle = ca_bundle(environ)
    files = {REQUIREMENTS: requirements} | ({BUNDLE: bundle} if bundle else {})
    container = client.containers.create(
        base,
        COMMAND,
        entrypoint=[],
        labels={LABEL: "wheels"},
        environment=settings(environ, has_bundle=bool(bundle)),
        network_mode=network(environ) or "default",
    )
    try:
        container.put_archive("/", packed(files))
        container.start()
        if container.wait(timeout=TIME_LIMIT)["StatusCode"] != 0:
            raise failed(container)
        return dict(unpacked(container))
    finally:
        container.remove(force=True, v=True)


def ca_bundle(environ: Mapping[str, str]) -> bytes:
    """Return the host's CA bundle (PEM), or nothing if it has none in a known place."""
    default = ssl.get_default_verify_paths().cafile
    for name in (*(environ.get(key) for key in BUNDLES), default, *SYSTEM_BUNDLES):
        if name and Path(name).is_file():
            return Path(name).read_bytes()
    return b""


def settings(environ: Mapping[str, str], *, has_bundle: bool) -> dict[str, str]:
    """Return the environment of the container that runs pip."""
    pip = {key: environ[key] for key in PIP if environ.get(key)}
    bundle = dict.fromkeys(BUNDLES, f"/{BUNDLE}") if has_bundle else {}
    return proxies(environ) | pip | bundle


def proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the proxy variables that are set, in both spellings' own names."""
    keys = (*PROXIES, *(key.upper() for key in PROXIES))
    return {key: environ[key] for key in keys if environ.get(key)}


def network(environ: Mapping[str, str]) -> str | None:
    """Return ``host`` if a proxy listens on this machine's loopback, which only the host sees."""
    urls = (value for key, value in proxies(environ).items() if key.lower() != "no_proxy")
    hosts = {urlsplit(url if "//" in url else f"//{url}").hostname for url in urls}
    return None if hosts.isdisjoint({"localhost", "127.0.0.1", "::1"}) else "host"


def unpacked(container: Container) -> Iterator[tuple[str, bytes]]:
    """Return the files of the container's ``/wheels``."""
    chunks, _ = container.get_archive("/wheels")
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield Path(member.name).name, file.read()


def failed(container: Container) -> EngineError:
    """Describe a failed download by the end of pip's output."""
    lines = container.logs(tail=12).decode(errors="replace").splitlines()
    return EngineError(
        "\n  ".join(("python wheels: pip download failed:", *lines)),
        "check PIP_INDEX_URL, https_proxy and, behind a company proxy, SSL_CERT_FILE",
    )
