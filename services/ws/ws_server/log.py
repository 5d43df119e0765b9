"""Writes JSON lines to standard output. Callers pass no tokens and no query strings."""

import json
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """Writes events at or above ``level``; values that JSON has no type for become text.

    ``always`` are the fields of every line.
    """

    def __init__(self, level: str = "info", stream: TextIO | None = None, **always: object) -> None:
        self._always = always
        self._threshold = LEVELS[level]
        self._stream = stream or sys.stdout

    def debug(self, event: str, **fields: object) -> None:
        """Write an event about a single connection."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Write what the server did."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write a problem outside of the server."""
        self._write("warning", event, fields)

    def bug(self, event: str, error: Exception) -> None:
        """Write where an exception came from that nobody expected, without what it says."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        self.fault(event, error=type(error).__name__, where=f"{where.name}:{where.lineno}")

    def fault(self, event: str, **fields: object) -> None:
        """Write a problem inside of the server: a bug."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        if LEVELS[level] < self._threshold:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": time, "level": level, "event": event, **self._always, **fields}
        self._stream.write(json.dumps(line, default=str) + "\n")
        self._stream.flush()
