"""The folder .stack/NAME beside stack.yaml: its files, its lock, its memory. Runs nothing.

Each project of a folder has its own: two stack files in one folder share nothing.
"""

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import os_errors
from stack.errors import StackError
from stack.files import check_plain, read, read_plain, write

FOLDER = ".stack"
MEMORY = "memory.json"  # small facts for the next command
# What was in .stack itself, beside the memory, before each project had a folder of its own.
_FORMER = ("compose.yaml", "nginx", "secrets")  # the last, by which a former version is known
_NAME = re.compile(r"^name: (?P<quote>['\"]?)(?P<name>[^'\"\n]*)(?P=quote)$", re.MULTILINE)


@dataclass(frozen=True)
class State:
    """Paths below ``.stack/NAME``. The folder is closed to other users and never committed."""

    folder: Path  # where stack.yaml is
    name: str  # of the project

    @property
    def root(self) -> Path:
        """``.stack/NAME`` itself."""
        return self.folder / FOLDER / self.name

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
        """Generated values, one per file, and their copies for each service."""
        return self.root / "secrets"

    def check(self) -> None:
        """Raise StackError for a link, a pipe or a device below ``.stack``."""
        outer = self.folder / FOLDER
        if outer.is_symlink() or not outer.is_dir():
            check_plain(outer)
        check_plain(self.root)

    def prepare(self) -> None:
        """Make the folder. Raises StackError if that is not possible."""
        self.check()
        outer = self.folder / FOLDER
        with _told(self.root):
            outer.mkdir(mode=0o700, exist_ok=True)
            self.root.mkdir(mode=0o700, exist_ok=True)
            self.config.parent.mkdir(mode=0o755, exist_ok=True)
            self.secrets.mkdir(mode=0o700, exist_ok=True)
            if not (outer / ".gitignore").exists():
                write(outer / ".gitignore", "*\n")

    def has_config(self, text: str) -> bool:
        """Whether that Nginx configuration is in its place, and readable for the user of Nginx."""
        if read(self.config) != text:
            return False
        modes = self.config.parent.stat().st_mode, self.config.stat().st_mode
        return modes[0] & 0o755 == 0o755 and modes[1] & 0o644 == 0o644

    def open_config_folder(self) -> None:
        """Allow the user of Nginx to read the mounted folder. Raises StackError."""
        with _told(self.config.parent):
            self.config.parent.chmod(0o755)

    def make_folder(self, path: Path) -> None:
        """Make one of the folders below, closed to other users. Raises StackError."""
        with _told(path):
            path.mkdir(mode=0o700, exist_ok=True)

    def write(
        self, path: Path, text: str, mode: int = 0o644, owner: tuple[int, int] | None = None
    ) -> None:
        """Write one of the files below. Raises StackError, and then the old one is still there."""
        with _told(path):
            write(path, text, mode, owner)

    @contextlib.contextmanager
    def lock(
        self, timeout: float, on_wait: Callable[[str], None], *, make: bool = True
    ) -> Iterator[None]:
        """Lock the project; ``on_wait`` is called once with the holder.

        Without ``make`` nothing is created: if there is no folder yet, there is nothing to lock.
        Raises StackError if it is not free within ``timeout`` seconds. The kernel frees the lock
        when its holder dies, however it dies.
        """
        path = self.root / "lock"
        if make:
            self.prepare()
        elif not self._is_held_by_files():
            yield
            return
        with _told(path):
            file = path.open("a+", encoding="utf-8")
        deadline = time.monotonic() + timeout
        told = False
        with file:
            while not _try_lock(file.fileno()):
                file.seek(0)
                holder = file.read().strip() or "another stack command"
                if time.monotonic() > deadline:
                    raise StackError(
                        f"{self.name}: {holder} is still running here",
                        "wait for it, then run this again",
                    )
                if not told:
                    on_wait(holder)
                    told = True
                time.sleep(0.05)
            with _told(path):
                file.truncate(0)
                os.write(file.fileno(), f"process {os.getpid()}".encode())
            yield

    def _is_held_by_files(self) -> bool:
        """Whether there is a lock that is surely ours."""
        with contextlib.suppress(StackError):
            self.check()
            return (self.root / "lock").is_file()
        return False

    @property
    def former(self) -> bool:
        """Whether this project's files are still in ``.stack`` itself, as in former versions."""
        outer = self.folder / FOLDER
        compose = outer / "compose.yaml"
        is_there = (outer / "secrets" / "nextauth-secret").is_file()
        if not is_there or (self.secrets / "nextauth-secret").exists():
            return False
        found = _NAME.search(read(compose) or "") if compose.is_file() else None
        return found is None or found["name"] == self.name

    def move_former(self) -> None:
        """Move this project's files to the folder of their own. Raises StackError."""
        outer = self.folder / FOLDER
        for name in (*_FORMER, MEMORY):
            check_plain(outer / name)
        with _told(self.root):
            self.root.mkdir(mode=0o700, exist_ok=True)
            self._note({**_facts(outer / MEMORY), **_facts(self.root / MEMORY)})
            (outer / MEMORY).unlink(missing_ok=True)
            for name in _FORMER:
                with contextlib.suppress(FileNotFoundError):
                    (outer / name).rename(self.root / name)

    def secret_values(self) -> list[str]:
        """Return every generated value, to remove it from output."""
        found = []
        for path in self.secrets.glob("*") if self.secrets.is_dir() else ():
            with contextlib.suppress(OSError, UnicodeDecodeError):  # a link, a folder, a pipe
                found.append(read_plain(path))
        return found

    def recall(self, key: str) -> str:
        """Return what was remembered under ``key``, or nothing."""
        return _facts(self.root / MEMORY).get(key, "")

    def remember(self, key: str, value: str) -> None:
        """Keep a small fact for the next command."""
        self._note({**_facts(self.root / MEMORY), key: value})

    def _note(self, facts: Mapping[str, str]) -> None:
        self.write(self.root / MEMORY, json.dumps(facts, indent=2) + "\n")


def _facts(path: Path) -> dict[str, str]:
    """Return what is recorded in a file; nothing if it cannot be read."""
    try:
        facts = json.loads(read_plain(path))
        return {str(key): str(value) for key, value in facts.items()}
    except (OSError, ValueError, AttributeError):
        return {}


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into ``path: why``, with a step that fixes it."""
    try:
        yield
    except OSError as error:
        raise os_errors.from_os_error(error, "" if error.filename else str(path)) from error


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def folder_of(file: Path) -> Path:
    """Return the folder of a stack file by one name, whichever links lead to it."""
    return file.absolute().parent.resolve()
