"""Gets a Docker Engine to answer where that is possible; knows neither the SDK nor any image.

``observe`` looks, ``decide`` is pure, the rest acts.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stack.engines.base import Say
from stack.errors import EngineError

SocketState = Literal["missing", "denied", "silent"]
Action = Literal["install", "start"]

DOCS = "https://docs.docker.com/engine/install/"
SOCKET = Path("/var/run/docker.sock")
LOG = Path("/var/log/dockerd.log")
DAEMON = ("dockerd",)
# Command on PATH: the Debian package that brings it.
NEEDED = {"dockerd": "docker.io", "iptables": "iptables"}
# What each process left behind when the machine was switched off under it.
PID_FILES = {
    "dockerd": Path("/var/run/docker.pid"),
    "containerd": Path("/var/run/docker/containerd/containerd.pid"),
}
LIMIT = 60.0  # seconds until an engine that was started has to answer
POLL = 0.1  # seconds between two looks
APT_LIMIT = 900  # seconds for one apt-get


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


def ensure_engine(
    answers: Callable[[], bool],
    say: Say,
    *,
    may_install: bool = True,
    situation: Situation | None = None,
    limit: float = LIMIT,
) -> None:
    """Return when ``answers`` does, having installed and started an engine where that is possible.

    ``limit`` (seconds) bounds the start; without ``may_install`` nothing is done. Raises
    ``EngineError``, whose hint says what the user has to do, where there is nothing that we may do.
    """
    if answers():
        return
    situation = situation or observe()
    actions = decide(situation)
    if not may_install:
        what = "is not installed" if "install" in actions else "does not run"
        raise EngineError(f"engine: Docker {what}", hint_without_installing(situation))
    if "install" in actions:
        apt_install(situation.missing, say)
    if not answers():  # the package may have started it
        start(answers, say, limit=limit)


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


def apt_install(packages: Sequence[str], say: Say) -> None:
    """Install Debian packages. Raises ``EngineError`` with apt's last lines."""
    say(f"installing {' '.join(packages)} with apt-get")
    apt = ("apt-get", "-o", "DPkg::Lock::Timeout=120")
    for arguments in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
        done = subprocess.run(
            (*apt, *arguments),
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=APT_LIMIT,
            check=False,
        )
        if done.returncode != 0:
            raise EngineError(
                f"apt-get {arguments[0]}: failed:{tail(done.stdout)}",
                f"run `apt-get {' '.join(arguments)}` and mend what it says",
            )


def start(
    answers: Callable[[], bool],
    say: Say,
    *,
    command: Sequence[str] = DAEMON,
    log: Path = LOG,
    limit: float = LIMIT,
) -> None:
    """Start the engine and return when it answers; it outlives this process.

    ``command`` and ``log`` serve where systemd does not run. Raises ``EngineError`` with the
    engine's last lines.
    """
    say("starting the Docker engine")
    drop_stale(PID_FILES)
    if Path("/run/systemd/system").is_dir():
        subprocess.run(("systemctl", "start", "docker"), stdin=subprocess.DEVNULL, check=False)
        wait(answers, lambda: False, "run `journalctl -u docker`", limit=limit)
        return
    deadline = time.monotonic() + limit
    while is_there() and not answers() and time.monotonic() < deadline:
        time.sleep(POLL)  # somebody else's is on its way, or on its way out
    if answers():
        return
    drop_stale(PID_FILES)
    before = log.stat().st_size if log.exists() else 0
    process = spawn(command, log)
    wait(
        answers,
        lambda: process.poll() is not None,
        f"look at {log}",
        log=lambda: log.read_bytes()[before:] if log.exists() else b"",
        limit=limit,
    )


def is_there() -> bool:
    """Tell whether a dockerd runs, whatever state it is in."""
    return any(process_name(path) == "dockerd" for path in PID_FILES.values())


def spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a daemon that holds on to nothing of ours.

    A stream that it inherited would keep whoever reads our output waiting for ever, and a
    signal to our terminal would end it.
    """
    with log.open("ab") as sink:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            cwd="/",
        )


def wait(
    answers: Callable[[], bool],
    has_ended: Callable[[], bool],
    hint: str,
    *,
    log: Callable[[], bytes] = bytes,
    limit: float,
) -> None:
    """Return as soon as the engine answers; raise ``EngineError`` when it ended or never does."""
    deadline = time.monotonic() + limit
    while not answers():
        if has_ended():
            raise EngineError(f"engine: dockerd ended at once:{tail(log())}", hint)
        if time.monotonic() > deadline:
            raise EngineError(f"engine: no answer after {limit:.0f} s:{tail(log())}", hint)
        time.sleep(POLL)


def drop_stale(files: Mapping[str, Path]) -> None:
    """Remove pid files whose number belongs to another process by now, or to none.

    dockerd refuses to start, or takes a stranger for its containerd, when the number was reused.
    """
    for name, path in files.items():
        if path.exists() and process_name(path) != name:
            path.unlink(missing_ok=True)


def process_name(pid_file: Path) -> str:
    """Give the name of the process that a pid file means, empty where there is none."""
    try:
        number = int(pid_file.read_text())
        return Path(f"/proc/{number}/comm").read_text().strip()
    except (OSError, ValueError):
        return ""


def tail(output: bytes, lines: int = 12) -> str:
    """Give the last lines, each on a line of its own, indented."""
    kept = output.decode(errors="replace").splitlines()[-lines:]
    return "".join(f"\n  {line}" for line in kept)
