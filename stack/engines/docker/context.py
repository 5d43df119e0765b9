"""Build contexts as values: what goes in, its digest, its tar; builds nothing."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, cast

from docker.api.build import process_dockerfile
from docker.utils.build import exclude_paths, tar

from stack.errors import EngineError
from stack.os_errors import from_os_error
from stack.reading import read_bytes, read_text

MAX_RECIPE = 1 << 20  # bytes of a Dockerfile or .dockerignore
# Secrets of this and of other stacks, and what changes with every command. Last: no pattern of the
# user can include them again.
NEVER = tuple(
    f"**/{name}{below}"
    for name in (".stack", "stack-bundle*", "stack-failure*")
    for below in ("", "/**")
)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a tar of ``files`` (relative POSIX path to content) that depends on nothing else.

    Owner, mode and time are fixed: the engine's build cache works on every machine.
    """
    buffer = io.BytesIO()
    parents = {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in sorted(parents):
            entry = tarfile.TarInfo(folder)
            # Unpacked over an existing /tmp, which is writable for all users.
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()


def context_digest(
    path: Path,
    dockerfile: str = "Dockerfile",
    args: Mapping[str, str] | None = None,
    target: str | None = None,
) -> str:
    """Return 64 hex digits for what a build of the folder ``path`` would see.

    ``dockerfile`` is relative to ``path``, or absolute. Names, contents, executable bits and links
    count, times and owners do not; ``.dockerignore`` is respected, and NEVER left out. Raises
    ``EngineError`` if there is no such folder or Dockerfile.
    """
    recipe = path / dockerfile
    if not recipe.exists():
        raise EngineError(
            f"build {path}: no {dockerfile} there",
            f"create {recipe}, or name another one with `dockerfile:`",
        )
    options = (f"{key}={value}" for key, value in sorted((args or {}).items()))
    digest = hashlib.sha256()
    for part in (
        "\0".join((dockerfile, target or "", *options)).encode(),
        read_bytes(recipe, MAX_RECIPE),
        *entries(path, dockerfile),
    ):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def entries(root: Path, dockerfile: str) -> Iterator[bytes]:
    """Return one description for each file, folder and link of a context, in a fixed order.

    Raises ``EngineError`` for what cannot be read: it could not be sent to the engine either.
    """
    try:
        for name in sorted(exclude_paths(str(root), [*ignored(root), *NEVER], dockerfile)):
            yield _entry(root / name, os.fsencode(name))
    except OSError as error:
        trouble = from_os_error(error)
        more = "; or name it in .dockerignore" if trouble.hint else ""
        raise EngineError(f"build {root}: {trouble.message}", trouble.hint + more) from error


def sent(root: Path, dockerfile: str) -> tuple[IO[bytes], str]:
    """Return the tar of a context as the engine gets it, and the name of the Dockerfile in it."""
    recipe = process_dockerfile(dockerfile, str(root))
    archive = tar(root, exclude=[*ignored(root), *NEVER], dockerfile=recipe)
    return cast("IO[bytes]", archive), recipe[0] or dockerfile


def holds(root: Path, folder: Path) -> bool:
    """Whether a context that another tool sends would include what is in ``folder``."""
    if not folder.is_dir() or not folder.is_relative_to(root):
        return False
    inside = f"{folder.relative_to(root).as_posix()}/"
    return any(name.startswith(inside) for name in exclude_paths(str(root), ignored(root)))


def _entry(path: Path, name: bytes) -> bytes:
    if path.is_symlink():
        return b"link " + name + b"\0" + os.fsencode(path.readlink())
    if not path.is_file():
        return b"other " + name + b"\0"
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").digest()  # however large it is
    return f"file {path.stat().st_mode & 0o111:o} ".encode() + name + b"\0" + content


def ignored(root: Path) -> list[str]:
    """Return the patterns of ``.dockerignore``, as the SDK reads them."""
    file = root / ".dockerignore"
    lines = read_text(file, MAX_RECIPE).splitlines() if file.exists() else []
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
