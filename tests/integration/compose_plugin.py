"""Finds Docker Compose v2, or unpacks Debian's package into a cache. Installs nothing."""

import contextlib
import hashlib
import lzma
import os
import platform
import shutil
import subprocess
import tempfile
import urllib.request
from functools import cache
from pathlib import Path

from stack.engines.docker.apt import debian_sources

VERSION = "2.26.1-4"  # Debian 13
POOL = "pool/main/d/docker-compose"
SHA256 = {  # from the Packages index of trixie
    "amd64": "47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea",
    "arm64": "bbafaa666f3e7fa00ad36f2a8bab889f1c791ca8743d674e7267a3d07203869c",
}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
BINARY = "usr/libexec/docker/cli-plugins/docker-compose"


@cache
def compose_command() -> tuple[str, ...]:
    """Give the words that ``docker compose`` begins with on this machine."""
    installed = ("docker", "compose")
    if _is_v2(installed):
        return installed
    binary = unpacked(cache_folder())
    return as_plugin(binary) if shutil.which("docker") else (str(binary),)


def cache_folder() -> Path:
    """Where downloads of the tests stay: outside of the checkout, and not in ``~/.docker``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "stack-tests"


def unpacked(folder: Path) -> Path:
    """Give the plugin's binary below ``folder``; it also works as a command of its own."""
    target = folder / f"docker-compose-{VERSION}"
    if not target.exists():
        architecture = ARCHITECTURES[platform.machine()]
        package = f"{POOL}/docker-compose_{VERSION}_{architecture}.deb"
        _unpack(package, SHA256[architecture], target)
    return target


def newest(folder: Path) -> Path:
    """Give the binary of the newest version that Debian has, once fetched for ever the same."""
    target = folder / "docker-compose-newest"
    if not target.exists():
        _unpack(*_listed(), target)
    return target


def _unpack(package: str, digest: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        place = Path(name)
        (place / "package.deb").write_bytes(_download(package, digest))
        subprocess.run(["dpkg", "-x", place / "package.deb", place], check=True)
        (place / BINARY).rename(target)  # whole or not there, whoever else does the same


def _listed() -> tuple[str, str]:
    """Give the path and the digest of the package in Debian's list of unstable packages."""
    architecture = ARCHITECTURES[platform.machine()]
    url = f"{_mirror()}/dists/sid/main/binary-{architecture}/Packages.xz"
    with (
        urllib.request.urlopen(url, timeout=120) as answer,  # noqa: S310 - a fixed address
        lzma.open(answer, "rt", encoding="utf-8") as lines,
    ):
        for line in lines:
            if line == "Package: docker-compose\n":
                break
        stanza = iter(lines.readline, "\n")
        found = dict(line.rstrip().split(": ", 1) for line in stanza if ": " in line)
    return found["Filename"], found["SHA256"]


def as_plugin(binary: Path) -> tuple[str, ...]:
    """Give the words that let the ``docker`` command find ``binary``, as users call it."""
    configuration = binary.parent / "docker"
    plugin = configuration / "cli-plugins" / "docker-compose"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        plugin.symlink_to(binary)
    return ("docker", "--config", str(configuration), "compose")


def _download(path: str, digest: str) -> bytes:
    url = f"{_mirror()}/{path}"
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 - its content is checked
        package: bytes = answer.read()
    found = hashlib.sha256(package).hexdigest()
    assert found == digest, f"{url}: is not the package that was wanted: {found}"
    return package


def _is_v2(command: tuple[str, ...]) -> bool:
    with contextlib.suppress(OSError):
        asked = [*command, "version", "--short"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False)
        version = said.stdout.strip().removeprefix("v").partition(".")[0]
        return said.returncode == 0 and version.isdigit() and int(version) >= 2
    return False


def _mirror() -> str:
    """Where this machine gets Debian's packages."""
    return debian_sources("trixie", None)[0].split()[1]
