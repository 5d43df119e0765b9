"""Turns Ctrl-C and SIGTERM into one exception that names the signal."""

import signal

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Ended(BaseException):
    """A signal asks the command to end: not an error of any part, so no part handles it as its own.

    Neither does the library of the command line, which ends silently on Ctrl-C.
    """

    hint = ""  # what to do then; set by whatever is left half done

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(WORDS[number])
        self.exit_code = 128 + number


def listen_for_signals() -> None:
    """Make Ctrl-C and SIGTERM end a command: running work is finished, and reported.

    A signal that the caller ignores (nohup) stays ignored.
    """

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        raise Ended(signal.Signals(number))

    for number in WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
