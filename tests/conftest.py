"""What holds for all tests."""

import signal

from hypothesis import settings

from tests.examples import examples

# Started in the background by a shell, this process ignores SIGINT, and so would what it starts:
# Ctrl-C could not be tested. A handler of its own is not handed on to them; the default is.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes no property false. In CI, Hypothesis also tries the same examples each time.
settings.register_profile(
    "unhurried",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    max_examples=examples(100),
)
settings.load_profile("unhurried")
