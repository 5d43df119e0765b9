"""What holds for all tests."""

import signal

# Started in the background by a shell, this process ignores SIGINT, and so would what it starts:
# Ctrl-C could not be tested. A handler of its own is not handed on to them; the default is.
signal.signal(signal.SIGINT, signal.default_int_handler)
