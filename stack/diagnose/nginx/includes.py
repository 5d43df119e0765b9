"""Reads the files of an Nginx configuration and resolves includes, within a budget."""

import fnmatch
import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.errors import ConfigError
from stack.reading import read_bytes, size

MAX_FILE = 16 << 20  # bytes
MAX_BYTES = 64 << 20  # in total; a file that is included twice counts twice
MAX_FILES = 10_000
MAX_DIRECTIVES = 500_000
MAX_ENTRIES = 200_000  # names that a pattern may make us look at
_ALONE = "lint one part alone: stack lint conf.d/site.conf"


@dataclass
class Budget:
    """What may still be read. Includes multiply: each inclusion of a file counts."""

    files: int = 0
    size: int = 0
    directives: int = 0

    def add_file(self, where: str, length: int) -> None:
        """Count an inclusion of ``length`` bytes; raise ConfigError if it is one too many."""
        self.files += 1
        self.size += length
        if self.files > MAX_FILES:
            raise ConfigError(
                f"{where}: more than {MAX_FILES:,} files are included in total", _ALONE
            )
        if self.size > MAX_BYTES:
            raise ConfigError(f"{where}: more than {size(MAX_BYTES)} are included in total", _ALONE)

    def add_directive(self, where: str) -> None:
        """Count a directive; raise ConfigError if it is one too many."""
        self.directives += 1
        if self.directives > MAX_DIRECTIVES:
            raise ConfigError(f"{where}: more than {MAX_DIRECTIVES:,} directives in total", _ALONE)


def read(name: str) -> str:
    """Return the text of a file with Unix line ends. Raises ConfigError.

    Nginx requires no encoding, so a file that is not UTF-8 is valid.
    """
    text = read_bytes(Path(name), MAX_FILE).decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def find(pattern: str, folders: tuple[Path, ...]) -> list[str] | None:
    """Return the files that an include names, or None if they are not on this machine.

    A relative ``pattern`` is searched in one folder after the other. Raises ConfigError for one
    that would look at half of the disk.
    """
    for folder in dict.fromkeys(folders):
        whole = os.path.normpath(folder / pattern)  # an absolute pattern stays as it is
        # os.path returns False where access is refused; Path raises.
        names = sorted(filter(os.path.isfile, _matching(whole)))
        # A pattern that matches nothing in a folder that exists includes nothing.
        if names or (glob.has_magic(pattern) and os.path.isdir(os.path.dirname(whole))):  # noqa: PTH112, PTH120
            return names
    return None


def _matching(pattern: str) -> list[str]:
    """Expand a pattern like ``glob``, but look at a limited number of names."""
    if not glob.has_magic(pattern):
        return [pattern] if os.path.lexists(pattern) else []
    found, looked = [""], 0
    for part in Path(pattern).parts:
        if not glob.has_magic(part):
            found = [str(Path(base, part)) for base in found]
            continue
        next_level = []
        for base in found:
            for name in _names(base):
                looked += 1
                if looked > MAX_ENTRIES:
                    raise ConfigError(
                        f"{pattern}: looks at more than {MAX_ENTRIES:,} names", "narrow the pattern"
                    )
                is_shown = not name.startswith(".") or part.startswith(".")
                if is_shown and fnmatch.fnmatchcase(name, part):
                    next_level.append(str(Path(base, name)))
        found = next_level
    return [name for name in found if os.path.lexists(name)]


def _names(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name
    except OSError:
        return  # not a folder, or not readable: nothing in it matches
