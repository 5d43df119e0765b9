"""Keeps what a bug report needs, without secrets. Prints nothing."""

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from stack.project.hidden import secrets_of
from stack.redaction.redact import MASK, redact
from stack.redaction.values import says_secret

SECRET_OPTIONS = {"--token", "--cookie", "--header"}


def kept(error: BaseException, arguments: Sequence[str]) -> str:
    """Keep what a report needs; say where, or where it happened if nothing can be written."""
    try:
        return f"please report it with {write_log(error, arguments)}"
    except OSError:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"please report it: {error}, in {last.filename}:{last.lineno}"


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
        file.write(redact("\n".join(lines), secrets_of(os.environ)))
    return Path(file.name)


def _without_values(arguments: Sequence[str]) -> list[str]:
    """Mask what follows an option for credentials: its shape alone does not betray it."""
    masked, previous = [], ""
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        shown = f"{name}={MASK}" if equals and _is_secret(name) else argument
        masked.append(MASK if _is_secret(previous) else shown)
        previous = argument
    return masked


def _is_secret(option: str) -> bool:
    return option in SECRET_OPTIONS or (option.startswith("-") and says_secret(option))
