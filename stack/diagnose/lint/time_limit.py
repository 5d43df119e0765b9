"""Ends a run that uses too much processor time."""

import contextlib
import signal
import threading
from collections.abc import Iterator

from stack.errors import ConfigError

SECONDS = 30  # of processor time; 5,000 locations take 3


@contextlib.contextmanager
def bounded(what: str) -> Iterator[None]:
    """Raise ConfigError about ``what`` inside, if it takes too long.

    A regular expression of the user may run practically forever, and only a signal can interrupt
    Python while it matches one. Outside of the main thread there is no limit.
    """

    def give_up(*_: object) -> None:
        raise ConfigError(
            f"{what}: not finished after {SECONDS} s",
            "lint one part alone, and look for regular expressions such as (a+)+",
        )

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
