"""Saves what a bug report needs, without secrets. Prints nothing."""

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from stack.project.hidden import secrets_of
from stack.redaction.mask import MASK
from stack.redaction.redact import redact
from stack.redaction.values import says_secret

SECRET_OPTIONS = {"--token", "--cookie", "--header"}


def kept(error: BaseException, arguments: Sequence[str]) -> str:
    """Save what a report needs; return where, or where it happened if nothing can be written."""
    try:
        return f"please report it with {write_log(error, arguments)}"
    except OSError:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"please report it: {type(error).__name__}, in {last.filename}:{last.lineno}"


def write_log(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write the traceback and the versions to a temporary file; return its path."""
    text = _said(error, arguments)
    handle, name = tempfile.mkstemp(prefix="stack-bug-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return Path(name)


def _said(error: BaseException, arguments: Sequence[str]) -> str:
    """Return all that is known without its secrets or, if masking fails, what cannot have any."""
    begin = f"stack {version('stack')}, Python {sys.version.split()[0]}, {platform.platform()}"
    try:
        lines = [
            begin,
            f"arguments: {' '.join(_without_values(arguments[1:]))}",
            "".join(traceback.format_exception(error)),
        ]
        return redact("\n".join(lines), secrets_of(os.environ))
    except Exception:  # a bug of the masking: it must not hide the first one, nor show a value
        frames = traceback.format_tb(error.__traceback__)
        return "\n".join([begin, *frames, type(error).__name__, ""])


def _without_values(arguments: Sequence[str]) -> list[str]:
    """Mask what follows an option for credentials: its form alone does not show a secret."""
    masked, previous = [], ""
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        shown = f"{name}={MASK}" if equals and _is_secret(name) else argument
        masked.append(MASK if _is_secret(previous) else shown)
        previous = argument
    return masked


def _is_secret(option: str) -> bool:
    return option in SECRET_OPTIONS or (option.startswith("-") and says_secret(option))
