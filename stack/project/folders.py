"""Checks whether the folders and files that a stack is made from exist and can be read.

Before anything is touched: the engine would create a missing folder itself, as root, or stop
halfway.
"""

import os
import posixpath
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from stack.config.document import Path as KeyPath
from stack.config.document import Problem
from stack.config.model import Build, Service, Stack
from stack.config.validate import bound_folder
from stack.hint import quoted
from stack.os_errors import nearest

_READ_BY_ALL = stat.S_IROTH | stat.S_IXOTH


def folder_problems(stack: Stack, folder: Path) -> Iterator[Problem]:
    """Return what is missing, of the wrong kind, or not readable."""
    for name, service in stack.services.items():
        where: KeyPath = ("services", name)
        for key, value in (("static", service.static), ("init", service.init)):
            if value is not None:
                yield from _folder(folder, value, (*where, key), is_for_others=True)
        if service.build is not None:
            yield from _build(folder, service, (*where, "build"))
        if service.env_file is not None:
            yield from _file(folder, service.env_file, (*where, "env_file"))
        for index, volume in enumerate(service.volumes):
            source = bound_folder(volume)
            if source is not None:
                yield from _anything(folder, source, (*where, "volumes", index))


def _folder(
    base: Path, value: str, where: KeyPath, *, is_for_others: bool = False
) -> Iterator[Problem]:
    found = _look(base / value)
    named = quoted(base / value)
    if isinstance(found, str):
        yield Problem(where, f"there is no folder {value}{found}", _make(base / value, found))
    elif not stat.S_ISDIR(found.st_mode):
        yield Problem(where, f"{value} is not a folder", f"ls -ld {named}")
    elif not os.access(base / value, os.R_OK | os.X_OK):
        yield Problem(where, f"{value} is not readable by you", f"chmod u+rx {named}")
    elif is_for_others and sys.platform == "linux" and not _is_open(found):
        text = f"{value} is readable by its owner only, and not by the user of the container"
        yield Problem(where, text, f"chmod o+rx {named}")


def _file(base: Path, value: str, where: KeyPath) -> Iterator[Problem]:
    found = _look(base / value)
    named = quoted(base / value)
    if isinstance(found, str):
        yield Problem(where, f"there is no file {value}{found}", _look_for(base / value, found))
    elif not stat.S_ISREG(found.st_mode):
        yield Problem(where, f"{value} is not a regular file", f"ls -ld {named}")
    elif not os.access(base / value, os.R_OK):
        yield Problem(where, f"{value} is not readable by you", f"chmod u+r {named}")


def _build(base: Path, service: Service, where: KeyPath) -> Iterator[Problem]:
    assert service.build is not None  # noqa: S101 - the caller looked
    problems = list(_folder(base, service.build.context, where))
    yield from problems
    if not problems:
        dockerfile = posixpath.join(service.build.context, service.build.dockerfile)
        problems = list(_file(base, dockerfile, where))
        yield from problems or _leads_out(base, service.build, where)


def _leads_out(base: Path, build: Build, where: KeyPath) -> Iterator[Problem]:
    """Check a Dockerfile: a link is sent to the engine as a link, without its target."""
    context, path = (base / build.context).resolve(), base / build.context / build.dockerfile
    inside = not posixpath.normpath(build.dockerfile).startswith(("/", ".."))
    is_absolute = path.is_symlink() and path.readlink().is_absolute()
    if inside and (is_absolute or not path.resolve().is_relative_to(context)):
        name = posixpath.join(build.context, build.dockerfile)
        real = os.path.relpath(path.resolve(), context)
        text = f"{name} is a link out of the context, which engines do not follow"
        hint = f"write build: {{ context: {build.context}, dockerfile: {real} }}"
        yield Problem(where, text, hint)


def _anything(base: Path, value: str, where: KeyPath) -> Iterator[Problem]:
    found = _look(base / value)
    if isinstance(found, str):
        step = _look_for if _has_name_of_file(value) else _make
        text = f"there is no folder or file {value}{found}"
        yield Problem(where, text, step(base / value, found))


def _look(path: Path) -> os.stat_result | str:
    """Return what exists, or why nothing can be seen, as the end of a sentence."""
    try:
        return path.stat()
    except FileNotFoundError:
        is_link = path.is_symlink()
        return f": it is a link to {path.readlink()}, which does not exist" if is_link else ""
    except (OSError, ValueError) as error:
        return f": {(getattr(error, 'strerror', None) or str(error)).lower()}"


def _make(path: Path, found: str) -> str:
    """Return the command that makes a folder; if something prevents that, the one that shows it."""
    return f"ls -ld {quoted(path)}" if found else f"mkdir -p {quoted(path)}"


def _look_for(path: Path, found: str) -> str:
    """Return the command that shows a missing file, or a file with nearly its name."""
    return f"ls -ld {quoted(path)}" if found else f"ls -la {quoted(nearest(path))}"


def _has_name_of_file(value: str) -> bool:
    """Whether a path looks like a file's: ``./app.py``, ``./.npmrc``, but not ``./conf.d``."""
    name = value.rpartition("/")[2]
    return ("." in name.strip(".") and not name.endswith(".d")) or name[:1] == "."


def _is_open(found: os.stat_result) -> bool:
    return found.st_mode & _READ_BY_ALL == _READ_BY_ALL
