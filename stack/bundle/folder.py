"""Writes a bundle: one private folder, and the same as a tar. Leaves files of others alone.

The folder is made beside its place and moved there whole, so no link can lead a file elsewhere.
"""

import io
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stack.errors import StackError
from stack.hint import quoted
from stack.os_errors import from_os_error

# Distinguishes our folder from another one of that name; it also keeps the folder out of git.
IGNORE = ".gitignore"
MARK = "# Made by stack, which replaces this folder when it makes the next one.\n*\n"
TRIES = 9


def write_bundle(parent: Path, name: str, files: Mapping[str, str]) -> Path:
    """Write ``files`` (relative name → text) as ``parent/NAME`` and ``NAME.tar.gz``.

    Returns the folder. If something else has that name, it is NAME-2 and so on. Raises StackError
    if it cannot be written.
    """
    try:
        folder = _free(parent, name)
        made = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))  # mode 0700
        try:
            _write_files(made, {IGNORE: MARK, **files})
            archive = made / "archive"
            _write_tar(archive, folder.name, {IGNORE: MARK, **files})
            archive.replace(_tar(folder))
            if folder.exists():
                shutil.rmtree(folder)
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        if str(error.filename).startswith(str(parent / f".{name}.")):  # it is gone
            error.filename = error.filename2 or str(parent / name)
        raise from_os_error(error, f"{parent / name}: not written", is_written=True) from error
    return folder


def _free(parent: Path, name: str) -> Path:
    """Return the first place that is empty or was ours before."""
    for number in range(1, TRIES + 1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        if _is_ours(folder) and _is_our_tar(_tar(folder), folder.name):
            return folder
    raise StackError(
        f"{parent / name}: was not made by stack, so it is not replaced",
        f"move it away: mv {quoted(parent / name)} {quoted(parent / f'{name}.old')}",
    )


def _tar(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.tar.gz")


def _is_ours(folder: Path) -> bool:
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return False
        mark = folder / IGNORE
        return stat.S_ISREG(mark.lstat().st_mode) and mark.read_text(encoding="utf-8") == MARK
    except (FileNotFoundError, NotADirectoryError):
        return not os.path.lexists(folder)
    except (OSError, UnicodeDecodeError):
        return False


def _is_our_tar(path: Path, name: str) -> bool:
    if not os.path.lexists(path):
        return True
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with tarfile.open(path) as archive:
            first = archive.next()
            file = (
                archive.extractfile(first) if first and first.name == f"{name}/{IGNORE}" else None
            )
            return file is not None and file.read(len(MARK) + 1) == MARK.encode()
    except (OSError, tarfile.TarError, EOFError):
        return False


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(_new(path), "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)


def _write_tar(path: Path, root: str, files: Mapping[str, str]) -> None:
    with os.fdopen(_new(path), "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in files.items():
            data = text.encode(errors="backslashreplace")
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size, member.mode = len(data), 0o600
            archive.addfile(member, io.BytesIO(data))


def _new(path: Path) -> int:
    """Open a file that must not exist yet, for its owner alone."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
