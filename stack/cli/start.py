"""Where the command begins. Until all is loaded, Ctrl-C ends it at once and silently."""

import signal

# Nothing was done yet, and a traceback from the middle of an import would not help. If the caller
# ignores Ctrl-C (nohup), it stays ignored.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Load the command line and run it."""
    from stack.cli import main

    main.main()
