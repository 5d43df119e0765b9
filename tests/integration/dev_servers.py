"""Real dev servers for tests, Next and Vite, each in a folder of its own; holds no tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.integration.projects import environment, free_port

SOURCES = Path(__file__).with_name("devservers")
COMMANDS = {
    "next": ["next", "dev", "-p", "{port}", "-H", "{host}"],
    "vite": ["vite", "--port", "{port}", "--strictPort", "--host", "{host}"],
}
# Both lock what they compile by default: a folder of its own is one of its own for them, too.
QUIET = {"NEXT_TELEMETRY_DISABLED": "1", "CI": "1"}


@dataclass(frozen=True)
class Server:
    """A dev server that was started, and has perhaps not opened its port yet."""

    port: int
    folder: Path
    page: Path  # the source of what it shows


@contextlib.contextmanager
def running(packages: Path, kind: str, host: str) -> Iterator[Server]:
    """Run a dev server of a fresh copy of its sources; below the packages, where it finds them."""
    folder, port = packages / "apps" / f"{kind}-{uuid.uuid4().hex[:8]}", free_port()
    shutil.copytree(SOURCES / kind, folder)
    command = [part.format(port=port, host=host) for part in COMMANDS[kind]]
    program = packages / "node_modules" / ".bin" / command[0]
    process = subprocess.Popen(
        [str(program), *command[1:]],
        cwd=folder,
        env=environment() | QUIET,
        stdin=subprocess.DEVNULL,
        stdout=(folder / "log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield Server(port, folder, folder / ("app/page.js" if kind == "next" else "page.jsx"))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
