"""The figures of the bench: ratios of medians, and wishes that came true or not."""

import json

import pytest

from bench.figures import Figure, as_json, table


@pytest.mark.parametrize(
    ("figure", "cells"),
    [
        (
            Figure("cold", [3.0, 1.0, 2.0], [4.0], 0.6),
            ("2.00 s", "4.00 s", "0.50", "<= 0.6 x", "yes"),
        ),
        (Figure("down", [2.0], [1.0, 3.0], 0.5), ("2.00 s", "2.00 s", "1.00", "<= 0.5 x", "NO")),
        (Figure("help", [0.21], wanted=0.2), ("210 ms", "", "", "<= 0.2 s", "NO")),
        (Figure("render", [0.5]), ("500 ms", "", "", "", "")),
    ],
)
def test_a_figure_as_a_line(figure: Figure, cells: tuple[str, ...]) -> None:
    assert figure.cells == (figure.what, *cells)


def test_the_table_has_columns() -> None:
    lines = table([Figure("a long name", [1.0], [2.0], 0.6), Figure("b", [0.1])]).splitlines()
    assert lines[0].split() == ["what", "stack", "compose", "ratio", "wanted", "met"]
    assert lines[2].index("ms") + 2 == lines[1].index("1.00 s") + 6


def test_json_has_every_run() -> None:
    (said,) = json.loads(as_json([Figure("cold", [1.0, 3.0], [4.0], 0.6)]))
    assert said["stack"] == [1.0, 3.0]
    assert (said["ratio"], said["is_met"]) == (0.5, True)
