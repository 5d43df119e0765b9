"""The folder .stack beside stack.yaml: its files, its lock and what it remembers. Runs nothing."""

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError


@dataclass(frozen=True)
class State:
    """Paths below ``.stack``. The folder is closed to other users and never committed."""

    folder: Path  # where stack.yaml is

    @property
    def root(self) -> Path:
        """``.stack`` itself."""
        return self.folder / ".stack"

    @property
    def config(self) -> Path:
        """The Nginx configuration that is mounted, in a folder of its own."""
        return self.root / "nginx" / "nginx.conf"

    @property
    def compose(self) -> Path:
        """The Compose file of what runs."""
        return self.root / "compose.yaml"

    @property
    def secrets(self) -> Path:
        """Generated values, one a file, and their copies for each service."""
        return self.root / "secrets"

    def prepare(self) -> None:
        """Make the folder. Raises StackError when that is not possible."""
        try:
            self.root.mkdir(mode=0o700, exist_ok=True)
            self.config.parent.mkdir(mode=0o755, exist_ok=True)
            self.secrets.mkdir(mode=0o700, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                write(ignore, "*\n")
        except OSError as error:
            raise StackError(f"{self.root}: {(error.strerror or str(error)).lower()}") from error

    @contextlib.contextmanager
    def lock(self, timeout: float, on_wait: Callable[[str], None]) -> Iterator[None]:
        """Hold the project alone; ``on_wait`` is told once who holds it.

        Raises StackError when it is not free within ``timeout`` seconds. The kernel frees the
        lock when its holder dies, however it dies.
        """
        self.prepare()
        deadline = time.monotonic() + timeout
        told = False
        with (self.root / "lock").open("a+", encoding="utf-8") as file:
            while not _try_lock(file.fileno()):
                file.seek(0)
                holder = file.read().strip() or "another stack command"
                if time.monotonic() > deadline:
                    raise StackError(
                        f"{self.folder.name}: {holder} is still at work here",
                        "wait for it, or raise --timeout",
                    )
                if not told:
                    on_wait(holder)
                    told = True
                time.sleep(0.05)
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            yield

    def secret_values(self) -> list[str]:
        """Give every generated value, to take it out of what is shown."""
        paths = self.secrets.glob("*") if self.secrets.is_dir() else ()
        return [path.read_text(encoding="utf-8") for path in paths if path.is_file()]

    def recall(self, key: str) -> str:
        """Give what was remembered under ``key``, or nothing."""
        return self._memory().get(key, "")

    def remember(self, key: str, value: str) -> None:
        """Keep a small fact for the next command."""
        memory = {**self._memory(), key: value}
        write(self.root / "memory.json", json.dumps(memory, indent=2) + "\n")

    def _memory(self) -> dict[str, str]:
        try:
            memory = json.loads((self.root / "memory.json").read_text(encoding="utf-8"))
            return {str(key): str(value) for key, value in memory.items()}
        except (OSError, ValueError, AttributeError):
            return {}


def read(path: Path) -> str | None:
    """Give the text of a file, or None if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{path}: not readable: {error}") from error


def write(path: Path, text: str, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Put a whole file in its place by rename: readers see the old text or the new one.

    ``owner`` is a user and a group id; only root may give files away.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(mode)
        if owner:
            os.chown(name, *owner)
        Path(name).rename(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
