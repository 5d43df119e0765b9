"""How a command ends: its error is reported once, and its exit code. No logic."""

import itertools
import sys
from typing import Any

import typer

from stack.cli import streams
from stack.cli.options import new_report
from stack.cli.signals import Ended
from stack.errors import ConfigError, StackError


def ending(error: BaseException) -> int:
    """Report what ended the command; return its exit code."""
    try:
        return _said(error)
    except (OSError, streams.StreamError):  # no stream accepts output
        streams.abandon(sys.stdout, sys.stderr)
        return getattr(error, "exit_code", 1)


def _said(error: BaseException) -> int:
    match error:
        case streams.ReaderLeftError() | SystemExit():  # the latter by typer, for standard error
            streams.abandon(sys.stdout, sys.stderr)
            return streams.ReaderLeftError.exit_code
        case streams.OutputError():
            from stack.cli.report import Report

            streams.abandon(sys.stdout)
            refusal = StackError(str(error), "check which disk is full: df -h")
            Report("plain").error(refusal)  # JSON would go there as well
            return error.exit_code
        case StackError():
            return _say(error)
        case Ended():
            _say(StackError(str(error), error.hint))
            return error.exit_code
        case typer.Abort():
            return _say(StackError("not confirmed: nothing was changed"))
        case OSError():  # a refusal of the system is not a bug of ours
            from stack.os_errors import from_os_error

            return _say(from_os_error(error))
        case MemoryError():
            return _say(
                StackError("not enough memory", "end other programs, or: ulimit -v unlimited")
            )
    return _wrong_usage(error)


def _wrong_usage(error: BaseException) -> int:
    """Report what the command line itself refuses (2); anything else is a bug in stack (3)."""
    refusal: Any = error if hasattr(error, "format_message") else None  # by typer, whichever one
    if refusal and wants_json():
        return _say(ConfigError(refusal.format_message(), "stack --help"))
    if refusal:
        refusal.show()
        return 2
    from stack.cli import crash

    _say(StackError(f"stack: a bug: {type(error).__name__}", crash.kept(error, sys.argv)))
    return 3


def _say(error: StackError) -> int:
    new_report(wants_json()).error(error)
    return error.exit_code


def wants_json() -> bool:
    """Decide by the words alone: what typer refuses never reaches a command."""
    pairs = itertools.pairwise(sys.argv)
    return "--json" in sys.argv or "--format=json" in sys.argv or ("--format", "json") in pairs
