"""Reads whole files of users, within a size, and nothing that could block."""

import codecs
import os
import stat
from pathlib import Path

from stack.errors import ConfigError
from stack.hint import quoted
from stack.os_errors import from_os_error

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def read_bytes(path: Path, most: int, name: str = "") -> bytes:
    """Return the content of a regular file of at most ``most`` bytes; ``name`` is its name in
    errors.

    Raises ConfigError for anything that prevents it. Pipes and devices are refused, because they
    may never end, or never begin.
    """
    name = name or str(path)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            seen = os.fstat(file.fileno())
            if kind := _KINDS.get(stat.S_IFMT(seen.st_mode)):
                raise ConfigError(f"{name}: is {kind}, not a file", _step(kind, path))
            # A file of /proc has no size, so the size alone proves nothing.
            data = file.read(most + 1) if seen.st_size <= most else None
    except OSError as error:
        error.filename = str(path)  # the error names the number of the folder's descriptor
        trouble = from_os_error(error, name)
        raise ConfigError(trouble.message, trouble.hint) from None
    except ValueError:  # by open() itself
        raise ConfigError(f"{name}: a path cannot contain U+0000", "choose another name") from None
    if data is None or len(data) > most:
        raise ConfigError(f"{name}: larger than {size(most)}", f"ls -lh {quoted(path)}")
    return data


def read_text(path: Path, most: int, name: str = "") -> str:
    """Return the text of a UTF-8 file; otherwise like ``read_bytes``."""
    name = name or str(path)
    data = read_bytes(path, most, name)
    named = quoted(path)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError(
            f"{name}:1:1: is UTF-16, not UTF-8",
            f"save the file as UTF-8: iconv -f utf-16 -t utf-8 {named}",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ConfigError(
            f"{name}:{line}:{column}: byte 0x{data[error.start]:02x} is not UTF-8",
            f"save the file as UTF-8: iconv -f latin1 -t utf-8 {named}",
        ) from None


def size(count: int) -> str:
    """Return a number of bytes in words."""
    return f"{count >> 20} MiB" if count >> 20 else f"{count >> 10} KiB"


def _step(kind: str, path: Path) -> str:
    if kind == "a folder":
        return f"ls -la {quoted(path)}"
    return "write its content into a file first"
