"""Makes a bare Debian image from Debian packages, where no registry helps; builds nothing on it."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from json import loads
from pathlib import Path
from shutil import which
from typing import IO

import docker

from stack.engines import install
from stack.errors import EngineError
from stack.images import RootFs

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = ("mmdebstrap", "debian-archive-keyring")
MIB = 1 << 20
ELSEWHERE = (
    "make a registry reachable (docker login, a registry mirror in /etc/docker/daemon.json), "
    "or run `stack images` as root on Debian or Ubuntu"
)


def make(client: docker.DockerClient, recipe: RootFs, say: Callable[[str], None]) -> None:
    """Import the root file system as ``recipe.reference``.

    Raises ``EngineError`` where mmdebstrap cannot run, with its last lines where it fails.
    """
    need_mmdebstrap(recipe, say)
    say(f"making {recipe.reference} from Debian packages (half a minute, once)")
    command = [*recipe.command[:1], f"--keyring={KEYRING}", *recipe.command[1:]]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        # Untagged until mmdebstrap is known to have come to its end: a tar that was cut off
        # imports just as well.
        answer = client.api.import_image(
            src=chunks(process), stream_src=True, changes=["LABEL dev.stack.image=debian"]
        )
        image = loads(answer.splitlines()[-1])["status"]
        if process.wait() != 0:
            client.images.remove(image)
            raise failed(recipe, log)
    client.images.get(image).tag(*recipe.reference.split(":"))


def chunks(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Give the output of a process in MiB; a pipe given to the SDK itself is read by lines."""
    while process.stdout and (chunk := process.stdout.read(MIB)):
        yield chunk


def need_mmdebstrap(recipe: RootFs, say: Callable[[str], None]) -> None:
    """Install mmdebstrap and Debian's keys where they are missing and that is possible."""
    if which("mmdebstrap") and KEYRING.exists():
        return
    host = install.observe()
    if not (host.is_debian and host.is_root):
        raise EngineError(
            f"image {recipe.reference}: no registry answers, and a Debian image can only be made "
            "as root on Debian or Ubuntu (or where mmdebstrap and debian-archive-keyring are "
            "installed)",
            ELSEWHERE,
        )
    install.apt_install(PACKAGES, say)


def failed(recipe: RootFs, log: IO[bytes]) -> EngineError:
    """Describe a failed mmdebstrap by the end of its log."""
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()[-12:]
    return EngineError(
        "\n  ".join((f"image {recipe.reference}: mmdebstrap failed:", *lines)),
        "check that http://deb.debian.org can be reached (http_proxy is honoured), "
        "or make a registry reachable",
    )
