"""How many examples Hypothesis tries: some with every push, many more by ``make thorough``."""

import os

TIMES = int(os.environ.get("STACK_THOROUGH", "1"))


def examples(count: int) -> int:
    """Give the number of examples of a test that tries ``count`` with every push."""
    return count * TIMES
