"""docs/reference.md is what the model says; nothing else is checked here."""

from pathlib import Path

from docs.make_reference import reference

ROOT = Path(__file__).parents[2]


def test_reference_is_made_from_the_model() -> None:
    assert (ROOT / "docs/reference.md").read_text(encoding="utf-8") == reference(), (
        "run: make reference"
    )
