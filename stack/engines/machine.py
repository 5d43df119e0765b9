"""Says why no engine answers on this machine, and what may be done about it. Changes nothing."""

import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stack.errors import EngineError

SocketState = Literal["missing", "denied", "silent"]


Action = Literal["install", "start"]


DOCS = "https://docs.docker.com/engine/install/"


SOCKET = Path("/var/run/docker.sock")


# Command on PATH: the Debian package that brings it.
NEEDED = {"dockerd": "docker.io", "iptables": "iptables"}


@dataclass(frozen=True)
class Situation:
    """What matters of a machine on which no engine answers."""

    platform: str  # as sys.platform: linux, darwin, win32
    distributions: frozenset[str]  # ID and ID_LIKE of /etc/os-release
    is_root: bool
    missing: tuple[str, ...]  # Debian packages that the engine needs and the machine lacks
    socket: SocketState

    @property
    def is_debian(self) -> bool:
        """Tell whether apt and Debian's packages are to be expected."""
        return not self.distributions.isdisjoint({"debian", "ubuntu"})

    @property
    def has_engine(self) -> bool:
        """Tell whether an engine is installed, running or not."""
        return NEEDED["dockerd"] not in self.missing


def decide(situation: Situation) -> tuple[Action, ...]:
    """Say what to do when the default engine of this machine does not answer; pure.

    Raises ``EngineError`` where it is the user who has to do something.
    """
    if situation.platform != "linux":
        raise EngineError("engine: Docker is not running", hint_elsewhere(situation.platform))
    if situation.socket == "denied":
        raise EngineError(
            f"engine {SOCKET}: permission denied: your user is not in group docker",
            "run `sudo usermod -aG docker $USER`, then log out and in again",
        )
    if situation.is_root and situation.is_debian:
        return ("install", "start") if situation.missing else ("start",)
    if situation.has_engine:
        raise EngineError(
            "engine: Docker is installed, but does not run",
            "run `sudo systemctl start docker`",
        )
    raise EngineError("engine: Docker is not installed", hint_for_linux(situation))


def refusal(situation: Situation) -> EngineError:
    """Give the error of a command that neither installs nor starts an engine."""
    try:
        actions = decide(situation)
    except EngineError as error:
        return error
    what = "is not installed" if "install" in actions else "does not run"
    return EngineError(f"engine: Docker {what}", hint_without_installing(situation))


def hint_elsewhere(platform: str) -> str:
    """Give the next step on a system that is not Linux."""
    if platform == "darwin":
        return "start Docker Desktop, or run `brew install docker colima && colima start`"
    return "install and start Docker Desktop, and run stack inside WSL 2"


def hint_without_installing(situation: Situation) -> str:
    """Give the next step on a machine where ``stack up`` could do it."""
    if situation.missing:
        packages = " ".join(situation.missing)
        return f"stack up installs and starts it; or run `apt-get install {packages}` yourself"
    return "stack up starts it; or run `service docker start` yourself"


def hint_for_linux(situation: Situation) -> str:
    """Give the next step on a Linux on which we may not install."""
    if situation.is_debian:
        packages = " ".join(situation.missing)
        return f"run `sudo apt-get install {packages}`, or follow {DOCS}"
    return f"install Docker Engine: {DOCS}"


def observe() -> Situation:
    """Look at this machine."""
    return Situation(
        platform=sys.platform,
        distributions=distributions(Path("/etc/os-release")),
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
        missing=tuple(package for tool, package in NEEDED.items() if not shutil.which(tool)),
        socket=socket_state(SOCKET),
    )


def distributions(release: Path) -> frozenset[str]:
    """Give the names by which a distribution calls itself and its parents (os-release(5))."""
    if not release.is_file():
        return frozenset()
    pairs = (line.partition("=") for line in release.read_text().splitlines())
    values = [value.strip("\"'") for key, _, value in pairs if key in {"ID", "ID_LIKE"}]
    return frozenset(name for value in values for name in value.split())


def socket_state(path: Path) -> SocketState:
    """Tell what hinders us at the engine's socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except PermissionError:
            return "denied"
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "silent"  # a socket that nobody listens on
    return "silent"
