"""Turns Ctrl-C and SIGTERM into one exception that says which it was."""

import signal

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Ended(BaseException):
    """A signal asks the command to end: no error of any part, so none takes it for its own.

    Neither does the library of the command line, which ends in silence where it sees Ctrl-C.
    """

    hint = ""  # what to do then; set by what is left half done

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(WORDS[number])
        self.exit_code = 128 + number


def listen_for_signals() -> None:
    """Let Ctrl-C and SIGTERM end a command: what is under way is seen to its end, and said.

    A signal that the caller lets be ignored (nohup) stays so.
    """

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        raise Ended(signal.Signals(number))

    for number in WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
