"""The labels that record the owner of a container, network or volume, and what it was made from."""

from dataclasses import dataclass

# Only what has the first three, with this project's values, is ever changed or removed.
PROJECT = "dev.stack.project"
FOLDER = "dev.stack.folder"
FILE = "dev.stack.file"
FINGERPRINT = "dev.stack.fingerprint"  # what a container was made from
CONTEXT = "dev.stack.context"  # of an image: the digest of what it was built from
IMAGE = "dev.stack.image"  # of an image that ships with stack: its recipe
FRONT = "dev.stack.front"  # the address that a front was made for


@dataclass(frozen=True)
class Owner:
    """An owner: a project's name, the folder of its stack file, and that file's name.

    Without a ``file`` another tool made it, Docker Compose for example; without a ``project`` it
    was made by hand.
    """

    project: str
    folder: str = ""
    file: str = ""


def labels_of(owner: Owner) -> dict[str, str]:
    """Return the labels that record the owner."""
    return {PROJECT: owner.project, FOLDER: owner.folder, FILE: owner.file}
