"""Keeps what a bug report needs, without secrets. Prints nothing."""

import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from stack.redact import MASK, redact

SECRET_OPTIONS = {"--token", "--cookie", "--header"}


def write_log(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write the traceback and the versions to a temporary file; give its path."""
    lines = [
        f"stack {version('stack')}, Python {sys.version.split()[0]}, {platform.platform()}",
        f"arguments: {' '.join(_without_values(arguments[1:]))}",
        "".join(traceback.format_exception(error)),
    ]
    with tempfile.NamedTemporaryFile(
        "w", prefix="stack-bug-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(redact("\n".join(lines), ()))
    return Path(file.name)


def _without_values(arguments: Sequence[str]) -> list[str]:
    """Mask what follows an option for credentials: its shape alone does not betray it."""
    masked, previous = [], ""
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        is_joined = name in SECRET_OPTIONS and equals
        shown = f"{name}={MASK}" if is_joined else argument
        masked.append(MASK if previous in SECRET_OPTIONS else shown)
        previous = argument
    return masked
