"""Which lines of a log are of the life that a container has now."""

import pytest

from stack.engines.docker.engine import _this_life

NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("started", "ended", "wanted"),
    [
        ("2026-11-28T10:00:00.5Z", NEVER, {"tail": "all"}),  # also what came before the start
        ("1970-01-01T00:01:40Z", "1970-01-01T00:01:30Z", {"since": 90.0}),
        ("1970-01-01T00:01:40Z", "1970-01-01T00:01:50Z", {"since": 100.0}),  # it ended again
    ],
)
def test_the_end_of_the_life_before_counts(
    started: str, ended: str, wanted: dict[str, object]
) -> None:
    assert _this_life({"StartedAt": started, "FinishedAt": ended}) == wanted
