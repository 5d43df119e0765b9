"""Finds templates/ and services/, in the checkout or in the installed wheel; reads nothing else."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder ``templates`` or ``services``.

    The checkout takes precedence: an editable install keeps an outdated snapshot in the package.
    """
    checkout = PACKAGE.parent / name
    if checkout.is_dir() and (PACKAGE.parent / "pyproject.toml").is_file():
        return checkout
    return PACKAGE / name
