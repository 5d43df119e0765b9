"""Rendered files: what differs is shown, what is foreign is never overwritten."""

from pathlib import Path

import pytest

from stack.errors import StackError
from stack.project.output import MADE_BY_STACK, drift, seen_from, write_all

TEXT = f"# {MADE_BY_STACK}.\na\nb\n"


def test_nothing_differs(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(TEXT)
    assert drift({"a": TEXT}, tmp_path) == {}
    assert write_all({"a": TEXT}, tmp_path) == []


def test_a_missing_file_differs(tmp_path: Path) -> None:
    assert drift({"a": "x\n"}, tmp_path) == {
        "a": ["--- a (missing)", "+++ a (rendered)", "@@ -0,0 +1 @@", "+x"]
    }


def test_what_somebody_edited_is_shown_as_a_diff(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(TEXT.replace("b", "by hand"))
    lines = drift({"a": TEXT}, tmp_path)["a"]
    assert lines[:2] == ["--- a (on disk)", "+++ a (rendered)"]
    assert lines[-2:] == ["-by hand", "+b"]


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(TEXT)
    before = (tmp_path / "a").stat().st_ino
    assert write_all({"a": TEXT, "b": TEXT}, tmp_path) == ["b"]
    assert (tmp_path / "a").stat().st_ino == before
    assert (tmp_path / "b").read_text() == TEXT


def test_the_folder_is_made(tmp_path: Path) -> None:
    assert write_all({"a": TEXT}, tmp_path / "x" / "y") == ["a"]


@pytest.mark.parametrize("foreign", ["services: {}\n", "x" * 500 + MADE_BY_STACK])
def test_a_foreign_file_stops_it_before_anything_is_written(tmp_path: Path, foreign: str) -> None:
    (tmp_path / "b").write_text(foreign)
    with pytest.raises(StackError) as caught:
        write_all({"a": TEXT, "b": TEXT}, tmp_path)
    assert caught.value.message == "b: was not made by stack, so it is not overwritten"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").read_text() == foreign


def test_an_empty_file_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    assert write_all({"a": TEXT}, tmp_path) == ["a"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(StackError, match="x"):
        write_all({"a": TEXT}, tmp_path / "x" / "y")


@pytest.mark.parametrize(
    ("place", "path"),
    [("shop", "."), ("shop/.stack/shop", "../.."), (".", "./shop"), ("out", "../shop")],
)
def test_the_folder_as_seen_from_where_a_file_will_lie(
    place: str, path: str, tmp_path: Path
) -> None:
    assert seen_from(tmp_path / place, tmp_path / "shop") == path


def test_a_link_between_is_not_walked_back(tmp_path: Path) -> None:
    (tmp_path / "shop/deep/out").mkdir(parents=True)
    (tmp_path / "shop/link").symlink_to("deep/out")
    assert seen_from(tmp_path / "shop/link", tmp_path / "shop") == str(tmp_path / "shop")
