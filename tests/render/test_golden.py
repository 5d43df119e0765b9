"""Each case renders to exactly the files beside it; STACK_REWRITE_GOLDEN=1 writes them anew."""

import os
from pathlib import Path

import pytest

from tests.render.golden import CASES, RENDERERS, stack_of


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rendered_file_is_the_expected_one(case: Path, name: str, tmp_path: Path) -> None:
    rendered = RENDERERS[name](stack_of(case, tmp_path))
    expected = case / "expected" / name
    if os.environ.get("STACK_REWRITE_GOLDEN"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(rendered)
    assert rendered == expected.read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_expected_file_is_left_unchecked(case: Path) -> None:
    assert {file.name for file in (case / "expected").iterdir()} <= set(RENDERERS)
