"""Keeps what a bug report needs, without secrets. Prints nothing."""

import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from stack.redact import redact


def write_log(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write the traceback and the versions to a temporary file; give its path."""
    lines = [
        f"stack {version('stack')}, Python {sys.version.split()[0]}, {platform.platform()}",
        f"arguments: {' '.join(arguments[1:])}",
        "".join(traceback.format_exception(error)),
    ]
    with tempfile.NamedTemporaryFile(
        "w", prefix="stack-bug-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(redact("\n".join(lines), ()))
    return Path(file.name)
