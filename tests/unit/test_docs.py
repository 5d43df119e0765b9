"""The documentation leads only to what there is, and each decision says why."""

import re
from functools import cache
from pathlib import Path

import pytest

from stack.project.load import load
from tests.unit.test_layers import ORDER

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "design"
TOPICS = sorted({*DECISIONS.glob("*.md")} - {DECISIONS / "README.md", DECISIONS / "libraries.md"})
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
PARTS = ["Decision", "Because", "Costs / revisit when"]
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# What stands in the texts as code and means a place of this repository.
PLACE = re.compile(r"`((?:stack|services|templates|tests|bench|docs|examples)/[\w./-]+)`")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def prose(page: Path) -> str:
    """The text without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def headings(page: Path, level: str = "#+") -> list[str]:
    return re.findall(rf"^{level} (.+)$", prose(page), re.MULTILINE)


@cache
def anchors(page: Path) -> frozenset[str]:
    """How GitHub calls the headings of a page."""
    texts = [re.sub(LINK, lambda found: found[0][1:].partition("]")[0], h) for h in headings(page)]
    return frozenset(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts)


def decisions(page: Path) -> list[tuple[str, str]]:
    """Each title with its text."""
    _, *sections = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [(title, text) for title, _, text in (one.partition("\n") for one in sections)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_leads_to_something(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_place_that_is_named_exists(page: Path) -> None:
    places = PLACE.findall(prose(page))
    assert [one for one in places if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("page", TOPICS, ids=name_of)
def test_a_decision_says_what_why_and_what_it_costs(page: Path) -> None:
    assert decisions(page)
    for title, text in decisions(page):
        paragraphs = [one for one in text.strip().split("\n\n") if one]
        found = [re.match(r"\*\*(.+?)\*\*(?: \([^)]+\))?: \S", one) for one in paragraphs]
        assert [one and one[1] for one in found] == PARTS, title


def test_the_index_names_each_decision_once() -> None:
    index = prose(DECISIONS / "README.md")
    listed = re.findall(r"^\* \[(.+)\]\(([\w-]+\.md)#\S+\)$", index, re.MULTILINE)
    made = [(title, page.name) for page in TOPICS for title, _ in decisions(page)]
    assert sorted(listed) == sorted(made)


def test_each_page_is_reached_from_the_start_page() -> None:
    start = ROOT / "docs" / "README.md"
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in (start, DECISIONS / "README.md")
        for link in LINK.findall(prose(page))
    }
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert pages - linked - {start} == set()


def test_the_readme_is_one_screen_to_the_first_success() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 70


def test_the_picture_of_the_design_stays_short() -> None:
    assert len((ROOT / "docs/design.md").read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize(
    ("package", "before"),
    [
        ("stack", "## `stack/`"),
        ("stack.diagnose", "Inside `diagnose/`"),
        ("ws_server", "## `services/ws/ws_server/`"),
    ],
)
def test_the_tables_of_the_design_are_the_order_of_the_folders(package: str, before: str) -> None:
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    table = re.search(r"(?ms)^\| (?:folder|part) .*?(?=\n\n)", text[text.index(before) :])
    assert table
    firsts = [row.split(" | ")[0] for row in table[0].splitlines()[2:]]
    named = [name.strip("/") for first in firsts for name in re.findall(r"`(.+?)`", first)]
    assert named == [*reversed(ORDER[package])]


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs/README.md"], ids=name_of)
def test_a_stack_yaml_that_is_shown_can_be_loaded(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    deploy = "".join(block for block in blocks if block.startswith("deploy:"))
    whole = [block for block in blocks if block.startswith("services:")]
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "Dockerfile").touch()
    for block in whole:
        (tmp_path / "stack.yaml").write_text(block + deploy, encoding="utf-8")
        assert load(tmp_path / "stack.yaml", {}).routes
    assert whole
