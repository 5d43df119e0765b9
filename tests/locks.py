"""One at a time among all test processes of this machine. No tests."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock of a file; it is free again when its holder ends, however that happens."""
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
