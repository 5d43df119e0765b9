"""Standard input, output and error, in whatever state the caller left them. Prints nothing."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO


class StreamError(Exception):
    """A stream fails: not an error of any part of the work, so no part handles it as its own."""

    exit_code = 1


class OutputError(StreamError):
    """Standard output accepts no more: it is full."""


class ReaderLeftError(StreamError):
    """A stream has no reader any more; nothing can be reported."""

    exit_code = 141  # as for any program that SIGPIPE ends


class Output(io.TextIOWrapper):
    """Standard output whose failures are not errors of the files that a command works on."""

    def write(self, text: str, /) -> int:
        """Write as any text stream does."""
        with _named():
            return super().write(text)

    def flush(self) -> None:
        """Write out what waits."""
        with _named():
            super().flush()


def prepare() -> None:
    """Make all three usable: a closed one leads nowhere, and a terminal with only ASCII gets
    escapes.

    A closed one would otherwise become the next file or socket that is opened, and a program that
    we start would write into it.
    """
    while (free := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(free, True)
    os.close(free)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    if (
        sys.stdout is None or type(sys.stdout) is io.TextIOWrapper
    ):  # else another program captures it
        encoding = sys.stdout.encoding if sys.stdout else "utf-8"
        binary = open(1, "wb", closefd=False)  # noqa: SIM115
        sys.stdout = Output(binary, encoding, "backslashreplace", line_buffering=binary.isatty())


def abandon(*streams: TextIO) -> None:
    """Discard what still waits for these streams, or Python would complain at its end."""
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderLeftError from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise OutputError(f"standard output: {why}") from None
