"""The labels that say whose a container, a network or a volume is, and what it was made from."""

from stack.engines.running import Owner

# Only what carries the first three, with this project's values, is ever changed or removed.
PROJECT = "dev.stack.project"
FOLDER = "dev.stack.folder"
FILE = "dev.stack.file"
FINGERPRINT = "dev.stack.fingerprint"  # what a container was made from
CONTEXT = "dev.stack.context"  # of an image: the digest of what it was built from
FRONT = "dev.stack.front"  # the address that a front door was made for


def labels_of(owner: Owner) -> dict[str, str]:
    """Give the labels that say whose something is."""
    return {PROJECT: owner.project, FOLDER: owner.folder, FILE: owner.file}
