"""What GitHub Actions reads: workflow commands in a job's output, and the summary of a step.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

import os
from collections.abc import Mapping

from stack.diagnose.formats.github import DATA, PROPERTY

LARGEST = 500_000  # characters; a step may say 1 MiB


def is_github(environ: Mapping[str, str]) -> bool:
    """Whether the output is read by a runner."""
    return environ.get("GITHUB_ACTIONS") == "true"


def error_command(title: str, text: str) -> str:
    """Return the command that shows an error on the page of the run."""
    return f"::error title={title.translate(PROPERTY)}::{text.translate(DATA)}"


def add_summary(environ: Mapping[str, str], text: str) -> None:
    """Append Markdown to the summary of the step, if there is one. Raises OSError."""
    if path := environ.get("GITHUB_STEP_SUMMARY"):
        # A pipe may have no reader, and must not block.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(path, flags, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text[:LARGEST] + "\n")
