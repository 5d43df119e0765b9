"""Whatever stands in stack.yaml, it is refused or rendered, never a bug; 10,000 were tried once."""

import pytest

from tests.unit.command_line import Stack
from tests.unit.config.test_syntax import COMPLAINTS
from tests.unit.odd_stacks import odd_stack

# What of PyYAML's own words is long enough to be told from ours.
FOREIGN = [problem.split("%")[0] for _, problem in COMPLAINTS if len(problem.split("%")[0]) > 14]


@pytest.mark.parametrize("number", [*range(200), 2972, 4834, 6130])
def test_an_odd_stack_yaml_is_answered(stack: Stack, number: int) -> None:
    (stack.folder / "stack.yaml").write_bytes(odd_stack(number))
    done = stack("render", "--check")
    assert done.code in {0, 1, 2}, done.err
    assert done.code != 2 or done.err.startswith("error: stack.yaml:")
    assert not [text for text in FOREIGN if text in done.err]
