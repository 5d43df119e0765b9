"""docs/findings.md is what the catalogue says; nothing else is checked here."""

from pathlib import Path

from docs.make_findings import findings

ROOT = Path(__file__).parents[2]


def test_the_page_is_made_from_the_catalogue() -> None:
    assert (ROOT / "docs/findings.md").read_text(encoding="utf-8") == findings(), (
        "run: make reference"
    )
