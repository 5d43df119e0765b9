"""Installs and starts a Docker Engine where that is possible: for ``up`` and ``images`` alone.

Knows neither the SDK nor any image.
"""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stack.engines.base import Say
from stack.engines.machine import Situation, decide, observe
from stack.errors import EngineError

LOG = Path("/var/log/dockerd.log")
DAEMON = ("dockerd",)
# What each process left behind when the machine was switched off under it.
PID_FILES = {
    "dockerd": Path("/var/run/docker.pid"),
    "containerd": Path("/var/run/docker/containerd/containerd.pid"),
}
LIMIT = 60.0  # seconds until an engine that was started has to answer
POLL = 0.1  # seconds between two looks
APT_LIMIT = 900  # seconds for one apt-get


def ensure_engine(
    answers: Callable[[], bool],
    say: Say,
    *,
    situation: Situation | None = None,
    limit: float = LIMIT,
) -> None:
    """Return when ``answers`` does, having installed and started an engine where that is possible.

    ``limit`` (seconds) bounds the start. Raises ``EngineError``, whose hint says what the user has
    to do, where there is nothing that we may do.
    """
    if answers():
        return
    situation = situation or observe()
    if "install" in decide(situation):
        apt_install(situation.missing, say)
    if not answers():  # the package may have started it
        start(answers, say, limit=limit)


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
