"""Refusals of the operating system, in words and with a next step: full disks, missing rights.

Looks at the disk only for what is in the way of a path.
"""

import contextlib
import errno
import os
from pathlib import Path

from stack.errors import StackError
from stack.hint import one_line, quoted

LONGEST_NAME = "a name may have 255 bytes, a whole path 4,095"
_WHAT = {
    errno.ENOENT: "not found",
    errno.EISDIR: "is a folder, not a file",
    errno.ENOTDIR: "a part of this path is not a folder",
    errno.EEXIST: "is in the way: something of another kind has this name",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "no space left in your quota",
    errno.EFBIG: "larger than a file may be here (ulimit -f, or the file system)",
    errno.ENAMETOOLONG: f"too long: {LONGEST_NAME}",
    errno.ELOOP: "a symbolic link to itself",
    errno.EMFILE: "this process may not open more files",
    errno.ENFILE: "this machine may not open more files",
    errno.ENOMEM: "not enough memory",
    errno.EIO: "the disk or the terminal failed (input/output error)",
    errno.ENXIO: "is a socket, a device or a pipe, not a file",
    errno.ESTALE: "the network file system lost it",
    errno.EBADF: "is closed",
    errno.EBUSY: "is in use: something is mounted there",
}
_STEPS = {
    errno.ENOENT: "ls -la {folder}",
    errno.EISDIR: "name a file, or move that folder away: mv {path} {path}.old",
    errno.ENOTDIR: "move what is in the way: mv {way} {way}.old",
    errno.EEXIST: "move it away: mv {path} {path}.old",
    errno.EACCES: "check its owner: ls -ld {path}",
    errno.EPERM: "check its owner: ls -ld {path}",
    errno.EROFS: "work in a copy of the folder that is writable",
    errno.ENOSPC: "free some space: df -h {folder}",
    errno.EDQUOT: "free some space: quota",
    errno.EFBIG: "ulimit -f unlimited",
    errno.ENAMETOOLONG: "choose a shorter name, or a folder higher up",
    errno.ELOOP: "ls -l {path}, and make the link lead to a file",
    errno.EMFILE: "ulimit -n 4096",
    errno.ENOMEM: "end other programs, or give this one more memory (ulimit -v)",
    errno.ENXIO: "write its content into a file first",
}


# Where a file is written by rename, its folder is what is missing or not writable.
_WRITE_STEPS = _STEPS | {
    errno.ENOENT: "mkdir -p {folder}",
    errno.EACCES: "check its owner: ls -ld {folder}",
    errno.EPERM: "check its owner: ls -ld {folder}",
}


def from_os_error(error: OSError, where: str = "", *, is_written: bool = False) -> StackError:
    """Return what the system refused as ``where: what`` with the next step.

    ``is_written`` means that a file was to be written, not read.
    """
    named = error.filename if isinstance(error.filename, str | os.PathLike) else ""
    path = Path(named or where.partition(": ")[0])
    number = error.errno or 0
    if number == errno.ENOENT and not path.is_absolute() and not _is_somewhere():
        return StackError("the current folder no longer exists", "cd ~")
    what = _WHAT.get(number) or (error.strerror or str(error) or "failed").lower()
    step = (_WRITE_STEPS if is_written else _STEPS).get(number, "ls -ld {path}")
    if number in {errno.EACCES, errno.EPERM} and ".stack" in path.parts:
        step = 'if you may use it: sudo chown "$USER" {path}'
    folder = path.parent if is_written else nearest(path.parent)
    names = {"path": path, "folder": folder, "way": nearest(path)}
    hint = step.format(**{name: quoted(each) for name, each in names.items()})
    return StackError(f"{one_line(where or str(named)) or 'the disk'}: {what}", hint)


def nearest(path: Path) -> Path:
    """Return the path itself if it exists, or else what exists on the way to it."""
    return next((one for one in (path, *path.parents) if os.path.lexists(one)), path)


def _is_somewhere() -> bool:
    with contextlib.suppress(OSError):
        return bool(os.getcwd())  # noqa: PTH109 - Path.cwd() is the same, and slower
    return False
