"""Compares rendered files with those on disk and writes them. Never overwrites a foreign file."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from stack.errors import StackError
from stack.files import read, write
from stack.os_errors import from_os_error

MADE_BY_STACK = "Made by stack from stack.yaml"


def drift(files: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
    """Map each file that differs from its rendering to a unified diff: ``-`` is on disk."""
    found = {}
    for name, wanted in files.items():
        text = read(folder / name)
        if text == wanted:
            continue
        found[name] = list(
            difflib.unified_diff(
                (text or "").splitlines(),
                wanted.splitlines(),
                f"{name} (on disk)" if text is not None else f"{name} (missing)",
                f"{name} (rendered)",
                lineterm="",
            )
        )
    return found


def seen_from(place: Path, folder: Path) -> str:
    """Return the path from ``place`` to ``folder``, relative unless a symbolic link is between.

    Compose does not follow links when it shortens ``..``, the kernel does.
    """
    relative = os.path.relpath(folder.absolute(), place.absolute())
    if relative != os.path.relpath(folder.resolve(), place.resolve()):
        return str(folder.resolve())
    return relative if relative.startswith(".") else f"./{relative}"


def write_all(files: Mapping[str, str], folder: Path) -> list[str]:
    """Write the files that differ; return their names.

    Raises StackError, before anything is written, for a file that stack did not make.
    """
    changed = list(drift(files, folder))
    for name in changed:
        text = read(folder / name)
        if text and MADE_BY_STACK not in text[:400]:
            raise StackError(
                f"{name}: was not made by stack, so it is not overwritten",
                "stack render --out DIR writes to another folder",
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, str(folder), is_written=True) from error
    for name in changed:
        try:
            write(folder / name, files[name])
        except OSError as error:
            raise from_os_error(error, str(folder / name), is_written=True) from error
    return changed
