"""Decides where each image comes from and what it contains; knows no engine and makes nothing."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stack import assets

Source = Literal["registry", "debian"]
Name = Literal["nginx", "redis", "postgres", "realtime"]

NAMES: tuple[Name, ...] = ("nginx", "redis", "postgres", "realtime")

# The one table of what is pulled; templates/images/ mirrors these contracts on Debian packages.
REGISTRY = {
    "nginx": "nginx:1.30",
    "redis": "redis:8",
    "postgres": "postgres:17",
    "python": "python:3.13-slim",
}

SUITE = "trixie"
SUITE_NGINX = "1.26"  # a stable suite keeps its version
# The apt and dpkg options stay in the image and apply to what is installed on top of it: manuals
# are not read in there, and an unfinished image is deleted, so it needs no fsync.
DEBIAN_OPTIONS = (
    "--variant=minbase",
    "--format=tar",
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=APT::Install-Recommends "false"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    # mmdebstrap copies both from the host; the engine provides its own to each container.
    '--customize-hook=rm -f "$1/etc/resolv.conf" "$1/etc/hostname"',
)

NOT_IN_AN_IMAGE = frozenset({"__pycache__", "wheels", "tests"})


@dataclass(frozen=True)
class Pull:
    """An image of a registry, as it is."""

    reference: str


@dataclass(frozen=True)
class RootFs:
    """A bare Debian made by mmdebstrap, imported as one layer.

    The mirror of its packages is not part of it: they are the same everywhere.
    """

    reference: str
    suite: str
    options: tuple[str, ...]

    def command(self, sources: Iterable[str], *options: str) -> tuple[str, ...]:
        """Return the arguments that write this root file system, as tar, to standard output.

        ``sources`` are lines of apt's sources.list; without any mmdebstrap takes its own default.
        """
        return ("mmdebstrap", *self.options, *options, self.suite, "-", *sources)


@dataclass(frozen=True)
class Build:
    """A Dockerfile that begins with ``ARG BASE`` and ``FROM ${BASE}``, built on ``base``.

    ``files`` are relative to ``context``, in POSIX form and sorted; nothing else goes in.
    With ``requirements``, the wheels of ``requirements.txt`` join the context as ``wheels/``.
    """

    name: str
    reference: str
    context: Path
    files: tuple[str, ...]
    base: "Recipe"
    requirements: bool = False

    @property
    def args(self) -> dict[str, str]:
        """Return the build arguments."""
        return {"BASE": self.base.reference}


Recipe = Pull | RootFs | Build


def recipe_for(name: Name, source: Source) -> Recipe:
    """Return the recipe of one of ``NAMES``.

    Our builds are content addressed: "exists locally" means "is up to date".
    """
    if name == "realtime":
        return realtime(python(source))
    return Pull(REGISTRY[name]) if source == "registry" else debian_image(name)


def nginx_version(source: Source) -> tuple[int, ...]:
    """Return the version of the Nginx in the front's image, as far as it is pinned."""
    text = REGISTRY["nginx"].partition(":")[2] if source == "registry" else SUITE_NGINX
    return tuple(int(part) for part in text.split("."))


def python(source: Source) -> Recipe:
    """Return the recipe of the Python image that the realtime image is built on."""
    return Pull(REGISTRY["python"]) if source == "registry" else debian_image("python")


def realtime(base: Recipe) -> Build:
    """Return the recipe of the WebSocket server's image on a Python image."""
    context = assets.folder("services") / "ws"
    files = members(context)
    reference = f"stack/realtime:{digest(context, files, base.reference)}"
    return Build("realtime", reference, context, files, base, requirements=True)


def debian_image(name: str) -> Build:
    """Return the recipe of the Debian twin of an official image, from ``templates/images``."""
    base = root_fs()
    context = assets.folder("templates") / "images" / name
    files = members(context)
    reference = f"stack/{name}:debian13-{digest(context, files, base.reference)}"
    return Build(name, reference, context, files, base)


def root_fs() -> RootFs:
    """Return the recipe of the bare Debian under all Debian images."""
    key = shortened([SUITE, *DEBIAN_OPTIONS])
    return RootFs(f"stack/debian:{SUITE}-{key}", SUITE, DEBIAN_OPTIONS)


def members(folder: Path) -> tuple[str, ...]:
    """Return the files below ``folder`` that may go into an image: no caches, tests, manuals."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(path.as_posix() for path in paths if is_member(path)))


def is_member(path: Path) -> bool:
    """Whether a path, relative to its context, may go into an image."""
    is_hidden = any(part.startswith(".") for part in path.parts)
    is_apart = not NOT_IN_AN_IMAGE.isdisjoint(path.parts)
    return not (is_hidden or is_apart or path.suffix == ".pyc" or path.stem == "README")


def digest(folder: Path, files: Iterable[str], *salt: str) -> str:
    """Return 12 hex digits for the names and contents of ``files``, whatever their order or age."""
    contents = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    return shortened([*salt, *(f"{name} {contents[name]}" for name in sorted(contents))])


def shortened(parts: Iterable[str]) -> str:
    """Return 12 hex digits for a sequence of texts; none of them may contain a NUL."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
