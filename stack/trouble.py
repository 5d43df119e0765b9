"""What the system refuses, in words and with a next step: full disks, missing rights. Pure."""

import errno
import shlex

from stack.errors import StackError

LONGEST_NAME = "a name may have 255 bytes, a whole path 4,095"
_WHAT = {
    errno.ENOENT: "not found",
    errno.EISDIR: "is a folder, not a file",
    errno.ENOTDIR: "a part of this path is no folder",
    errno.EEXIST: "is in the way: something of another kind has this name",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "no space left in your quota",
    errno.EFBIG: "larger than a file may be here (ulimit -f, or the file system)",
    errno.ENAMETOOLONG: f"too long: {LONGEST_NAME}",
    errno.ELOOP: "a symbolic link that leads back to itself",
    errno.EMFILE: "this process may open no more files",
    errno.ENFILE: "this machine may open no more files",
    errno.ENOMEM: "not enough memory",
    errno.EIO: "the disk or the terminal failed (input/output error)",
    errno.ENXIO: "is a socket or a device, not a file",
    errno.ESTALE: "the network file system lost it",
    errno.EBADF: "is closed",
    errno.EBUSY: "is in use: something is mounted there",
}
_STEPS = {
    errno.ENOENT: "ls -la {folder}",
    errno.EISDIR: "name a file, or move that folder away: mv {path} {path}.old",
    errno.ENOTDIR: "move the file in the way: mv {path} {path}.old",
    errno.EEXIST: "move it away: mv {path} {path}.old",
    errno.EACCES: "see whose it is: ls -ld {path}",
    errno.EPERM: "see whose it is: ls -ld {path}",
    errno.EROFS: "work in a copy of the folder that can be written to",
    errno.ENOSPC: "free some space: df -h {folder}",
    errno.EDQUOT: "free some space: quota",
    errno.EFBIG: "ulimit -f unlimited",
    errno.ENAMETOOLONG: "choose a shorter name, or a folder higher up",
    errno.ELOOP: "ls -l {path}, and let the link lead to a file",
    errno.EMFILE: "ulimit -n 4096",
    errno.ENOMEM: "end other programs, or give this one more memory (ulimit -v)",
    errno.ENXIO: "write its content into a file first",
}


def told(error: OSError, where: str = "") -> StackError:
    """Give what the system refused as ``where: what`` with the next step."""
    path = str(error.filename or where.partition(": ")[0])
    folder = path.rpartition("/")[0] or "."
    number = error.errno or 0
    what = _WHAT.get(number) or (error.strerror or str(error) or "failed").lower()
    step = _STEPS.get(number, "ls -ld {path}")
    if number in {errno.EACCES, errno.EPERM} and "/.stack" in path:
        step = 'if it is yours to use: sudo chown "$USER" {path}'
    names = {"path": shlex.quote(path or "."), "folder": shlex.quote(folder)}
    return StackError(f"{where or path or 'the disk'}: {what}", step.format(**names))
