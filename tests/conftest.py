"""What holds for all tests."""

import signal

import pytest
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `--dist loadgroup` keep a file together, and the files that share a running stack.

    An engine has addresses for about thirty networks, so no two processes start the same demo.
    """
    for item in items:
        names = getattr(item, "fixturenames", ())
        file = item.nodeid.partition("::")[0]
        group = f"{item.path.parent.name} demo" if "demo" in names else file
        item.add_marker(pytest.mark.xdist_group(group))
