"""Edits: texts after them are what was asked for, line by line, and patch agrees."""

import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stack.diagnose.edits import apply, diff, fix, preview
from stack.finding import Edit, Finding
from tests.examples import examples
from tests.unit.diagnose.findings import INSERTED, NGINX, REPLACED, SOURCES, with_edits

LINES = {"nginx.conf": NGINX.split("\n")}


def edit(first: int, last: int, *lines: str) -> Edit:
    return Edit("f", first, last, lines, is_safe=True)


@pytest.mark.parametrize(
    ("text", "edits", "wanted"),
    [
        ("a\nb\nc\n", [edit(2, 2, "B")], "a\nB\nc\n"),
        ("a\nb\nc\n", [edit(2, 2)], "a\nc\n"),
        ("a\nb\n", [edit(1, 0, "0")], "0\na\nb\n"),
        ("a\nb\n", [edit(3, 2, "c")], "a\nb\nc\n"),
        ("a\nb", [edit(3, 2, "c")], "a\nb\nc"),
        ("a\nb\nc\n", [edit(1, 1, "A", "A2"), edit(3, 3, "C")], "A\nA2\nb\nC\n"),
        ("a\nb\n", [edit(2, 2, "B"), edit(2, 1, "new")], "a\nnew\nB\n"),
        ("a\r\nb\r\n", [edit(2, 2, "B", "C")], "a\r\nB\r\nC\r\n"),
        ("a\x0b\u2028\nb\n", [edit(2, 2, "B")], "a\x0b\u2028\nB\n"),
    ],
)
def test_lines_are_replaced_inserted_and_removed(text: str, edits: list[Edit], wanted: str) -> None:
    assert apply(text, edits) == wanted
    assert apply(text, reversed(edits)) == wanted


def test_a_safe_edit_is_made() -> None:
    fixed = fix([with_edits(INSERTED)], SOURCES)
    assert fixed.texts["nginx.conf"].splitlines()[4] == INSERTED.lines[0]
    assert (fixed.done, fixed.left) == ((with_edits(INSERTED),), ())


def test_what_is_not_safe_as_a_whole_is_not_touched() -> None:
    risky = with_edits(INSERTED, replace(REPLACED, is_safe=False))
    assert fix([risky, with_edits()], SOURCES).texts == {}


def test_of_edits_that_overlap_the_first_wins_and_the_other_waits() -> None:
    later = with_edits(replace(REPLACED, lines=("other",)), edit(1, 0, "never"))
    fixed = fix([with_edits(REPLACED), later], {**SOURCES, "f": "x\n"})
    assert list(fixed.texts) == ["nginx.conf"]
    assert "3003" in fixed.texts["nginx.conf"]
    assert (fixed.done, fixed.left) == ((with_edits(REPLACED),), (later,))
    again = fix(fixed.left, {**SOURCES, **fixed.texts, "f": "x\n"})
    assert (again.texts["f"], "other" in again.texts["nginx.conf"]) == ("never\nx\n", True)


def test_two_insertions_at_one_place_are_not_mixed() -> None:
    other = with_edits(replace(INSERTED, lines=("x;",)))
    assert fix([with_edits(INSERTED), other], SOURCES).left == (other,)


def test_one_edit_that_two_findings_ask_for_is_made_once() -> None:
    fixed = fix(
        [with_edits(INSERTED), with_edits(INSERTED, edit(1, 1, "X"))], {**SOURCES, "f": "x"}
    )
    assert fixed.texts["nginx.conf"].count("Upgrade") == 1
    assert (fixed.texts["f"], len(fixed.done)) == ("X", 2)


@pytest.mark.parametrize(
    "wrong",
    [
        edit(0, 0),
        edit(3, 1),
        edit(1, 9),
        edit(3, 3, "x"),
        edit(4, 3, "x"),
        Edit("gone", 1, 0, ("x",), is_safe=True),
    ],
)
def test_an_edit_of_lines_that_are_not_there_is_left(wrong: Edit) -> None:
    fixed = fix([with_edits(wrong)], {"f": "a\nb\n"})
    assert (fixed.texts, len(fixed.left)) == ({}, 1)
    assert preview([wrong], {"f": ["a", "b"]}) == []


def test_the_preview_names_the_line_and_leaves_out_what_stays() -> None:
    same = Edit("nginx.conf", 4, 4, (NGINX.split("\n")[3], "            new;"))
    assert preview([same], LINES) == ["nginx.conf:5", "+             new;"]
    assert preview([REPLACED], LINES) == [
        "nginx.conf:4",
        "-             proxy_pass http://ws:3002;",
        "+             proxy_pass http://ws:3003;",
    ]


EDITS = st.builds(
    lambda first, length, number: edit(first, first - 1 + length, f"new {number}"),
    st.integers(1, 7),
    st.integers(0, 3),
    st.integers(0, 2),
)


@given(st.lists(st.lists(EDITS, min_size=1, max_size=2).map(lambda edits: with_edits(*edits))))
def test_a_fix_makes_each_edit_once_and_loses_no_other_line(findings: list[Finding]) -> None:
    text = "".join(f"line {number}\n" for number in range(1, 7))
    fixed = fix(findings, {"f": text})
    assert sorted(map(id, (*fixed.done, *fixed.left))) == sorted(map(id, findings))
    made = {one for finding in fixed.done for one in finding.edits}
    gone = {number for one in made for number in range(one.first, one.last + 1)}
    lines = fixed.texts.get("f", text).splitlines()
    kept = [f"line {number}" for number in range(1, 7) if number not in gone]
    assert [line for line in lines if line.startswith("line")] == kept
    assert len(lines) == len(kept) + len(made)


TEXT = st.lists(st.sampled_from(["a", "b {", "}", "", "\tc"]), min_size=1, max_size=8).map(
    "\n".join
)


@given(old=TEXT, new=TEXT)
@settings(max_examples=examples(40), deadline=None)
def test_patch_makes_the_new_text_of_the_diff(old: str, new: str) -> None:
    lines = diff("sub/nginx.conf", old, new)
    assert bool(lines) == (old != new)
    if not lines or not old or not new:  # a file without text is one that patch makes or removes
        return
    with TemporaryDirectory() as folder:
        file = Path(folder, "sub", "nginx.conf")
        file.parent.mkdir()
        file.write_text(old)
        text = "\n".join(lines) + "\n"
        subprocess.run(["git", "apply"], input=text, text=True, cwd=folder, check=True)
        assert file.read_text() == new
