"""Makes a bare Debian image from Debian packages, without a registry; builds nothing on it."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from json import loads
from pathlib import Path
from shutil import which
from typing import IO

import docker

from stack.engines import install, machine
from stack.engines.docker import apt
from stack.errors import EngineError
from stack.layout.images import RootFs

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = ("mmdebstrap", "debian-archive-keyring")
MIB = 1 << 20
ELSEWHERE = (
    "make a registry reachable (docker login, a registry mirror in /etc/docker/daemon.json), "
    "or run `stack images` as root on Debian or Ubuntu"
)


def make(
    client: docker.DockerClient,
    recipe: RootFs,
    say: Callable[[str], None],
    mirror: str | None = None,
) -> None:
    """Import the root file system as ``recipe.reference``.

    ``mirror`` is where its packages come from, instead of the source of this machine's apt.

    Raises ``EngineError`` if mmdebstrap cannot run, with its last lines if it fails.
    """
    need_mmdebstrap(recipe, say)
    say(f"making {recipe.reference} from Debian packages (half a minute, once)")
    sources = apt.debian_sources(recipe.suite, mirror)
    options = [f"--keyring={KEYRING}"]
    if any("https://" in line for line in sources):
        options.append("--include=ca-certificates")  # for what is installed on top of it
    command = recipe.command(sources, *options)
    environment = {**os.environ, **apt.proxies(os.environ, apt.hosts_of(sources))}
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
        ) as process,
    ):
        # Untagged until mmdebstrap is known to have finished: a truncated tar imports just as well.
        answer = client.api.import_image(
            src=chunks(process), stream_src=True, changes=["LABEL dev.stack.image=debian"]
        )
        image = loads(answer.splitlines()[-1])["status"]
        if process.wait() != 0:
            client.images.remove(image)
            raise failed(recipe, sources, log)
    client.images.get(image).tag(*recipe.reference.split(":"))


def chunks(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Return the output of a process in MiB; the SDK itself would read a pipe by lines."""
    while process.stdout and (chunk := process.stdout.read(MIB)):
        yield chunk


def need_mmdebstrap(recipe: RootFs, say: Callable[[str], None]) -> None:
    """Install mmdebstrap and Debian's keys if they are missing and that is possible."""
    if which("mmdebstrap") and KEYRING.exists():
        return
    host = machine.observe()
    if not (host.is_debian and host.is_root):
        raise EngineError(
            f"image {recipe.reference}: no registry answers, and a Debian image can only be made "
            "as root on Debian or Ubuntu (or where mmdebstrap and debian-archive-keyring are "
            "installed)",
            ELSEWHERE,
        )
    install.apt_install(PACKAGES, say)


def failed(recipe: RootFs, sources: Sequence[str], log: IO[bytes]) -> EngineError:
    """Describe a failed mmdebstrap by the end of its log."""
    log.seek(0)
    place = sources[0].split()[1] if sources else "Debian's mirror"
    lines = log.read().decode(errors="replace").splitlines()[-12:]
    return EngineError(
        "\n  ".join((f"image {recipe.reference}: mmdebstrap failed:", *lines)),
        f"check that {place} can be reached (apt.conf and http_proxy are honoured), name another "
        f"mirror that has {recipe.suite} in stack.yaml (`images: {{ mirror: http://… }}`), "
        "or make a registry reachable",
    )
