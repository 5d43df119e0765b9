"""Finds templates/ and services/, in the checkout or in the installed wheel; names this code."""

from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def release() -> str:
    """Name this code: the version of the distribution, or what a checkout holds just now."""
    if not _is_checkout():
        return version("stack")
    files = [path.stat() for path in sorted(PACKAGE.rglob("*.py"))]
    return " ".join(f"{file.st_mtime_ns}:{file.st_size}" for file in files)


def folder(name: str) -> Path:
    """Return the folder ``templates`` or ``services``.

    The checkout takes precedence: an editable install keeps an outdated snapshot in the package.
    """
    checkout = PACKAGE.parent / name
    return checkout if checkout.is_dir() and _is_checkout() else PACKAGE / name


def _is_checkout() -> bool:
    return (PACKAGE.parent / "pyproject.toml").is_file()
