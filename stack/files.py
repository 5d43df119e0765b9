"""Reads and writes whole files: a reader never sees half of one. Decides nothing."""

import errno
import os
import stat
import tempfile
from pathlib import Path

from stack.errors import StackError
from stack.hint import quoted
from stack.os_errors import from_os_error


def read(path: Path) -> str | None:
    """Return the text of a file, or None if it does not exist; StackError if it is not text."""
    try:
        return _plain_text(path, 0)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        step = f"move it away: mv {quoted(path)} {quoted(f'{path}.old')}"
        raise StackError(f"{path}: not readable: not UTF-8", step) from None
    except OSError as error:
        raise from_os_error(error, f"{path}: not readable") from error


def read_plain(path: Path) -> str:
    """Return the text of a plain file. Raises OSError for a link, a pipe or a device, at once."""
    return _plain_text(path, os.O_NOFOLLOW)


def write(path: Path, text: str, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Put a whole file in its place by rename: readers see the old text or the new one.

    ``owner`` is a user and a group id; only root may give files away. Raises OSError that names
    ``path``; then the old file is unchanged.
    """
    try:
        _write(path, text, mode, owner)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _write(path: Path, text: str, mode: int, owner: tuple[int, int] | None) -> None:
    handle, name = tempfile.mkstemp(prefix=".new.", dir=path.parent)
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


def _plain_text(path: Path, flags: int) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileExistsError(errno.EEXIST, "something else", str(path))
    with os.fdopen(descriptor, encoding="utf-8") as file:
        return file.read()


def check_plain(root: Path) -> None:
    """Raise StackError if ``root`` or anything below it is not a plain file or folder.

    A link in a checkout could lead any read or write to a file of another user; a pipe or a device
    could block a reader forever.
    """
    paths = [root]
    while paths:
        path = paths.pop()
        try:
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                paths += path.iterdir()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise from_os_error(error, f"{path}: not readable") from error
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a plain file"
            raise StackError(
                f"{path}: is {kind}; stack opens only its own files and folders there",
                f"check it, then: rm {quoted(path)}",
            )
