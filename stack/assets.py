"""Finds templates/ and services/, in the checkout or in the installed wheel; reads nothing else."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Give the folder ``templates`` or ``services``.

    The checkout wins: an editable install keeps a snapshot in the package that goes stale.
    """
    checkout = PACKAGE.parent / name
    if checkout.is_dir() and (PACKAGE.parent / "pyproject.toml").is_file():
        return checkout
    return PACKAGE / name
