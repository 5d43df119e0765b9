"""YAML text becomes plain values with their places; nothing raises and nothing runs away."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stack.config.document import Interpolated, Mark, dotted, read, shortened
from tests.examples import examples


def value(text: str, **environ: str) -> object:
    document = read(text, environ)
    assert document.problems == []
    return document.value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", 1),
        ("-1", -1),
        ("0", 0),
        ("010", "010"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("true", True),
        ("off", False),
        ("~", None),
        ("null", None),
        ("2020-01-01", "2020-01-01"),
        ("'1'", "1"),
        ('"\\u00e9"', "é"),
        ("=", "="),
        ("9" * 30, "9" * 30),
        ("!!str 1", "1"),
    ],
)
def test_a_plain_value(text: str, wanted: object) -> None:
    found = value(f"a: {text}")
    assert isinstance(found, dict)
    assert found == {"a": wanted}
    assert [type(item) for item in found.values()] == [type(wanted)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("${A}", "x"),
        ("${A:-y}", "x"),
        ("${E}", ""),
        ("${E-y}", ""),
        ("${E:-y}", "y"),
        ("${N-y}", "y"),
        ("${N:-}", ""),
        ("a${A}b${A}", "axbx"),
        ("${A:?no}", "x"),
        ("$$${A}", "$x"),
        ("$${A}", "${A}"),
        ("$A", "$A"),
        ("a$", "a$"),
    ],
)
def test_a_variable(text: str, wanted: str) -> None:
    assert value(f"a: {text}", A="x", E="") == {"a": wanted}


def test_what_a_variable_gave_is_known_as_such() -> None:
    found = value("a: ${P}\nb: '${P}'\nc: 81\nd: $$P", P="81")
    assert isinstance(found, dict)
    assert [isinstance(item, Interpolated) for item in found.values()] == [True, True, False, False]


def test_a_variable_is_never_read_as_yaml() -> None:
    assert value("a: ${X}", X="{b: [1]}\n- c") == {"a": "{b: [1]}\n- c"}


def test_every_key_and_value_has_its_place() -> None:
    document = read("a:\n  - b: 1\n  - [x, y]\n", {})
    assert document.mark(("a",)) == Mark(1, 1)
    assert document.mark(("a", 0, "b")) == Mark(2, 5)
    assert document.mark(("a", 1, 1)) == Mark(3, 9)
    assert document.mark(("a", 1, 7, "z")) == Mark(3, 5)  # the nearest thing around it


def test_verbatim_values_stay_text() -> None:
    document = read("a: {b: yes}\nc: yes\n", {}, lambda path: path[:1] == ("a",))
    assert document.value == {"a": {"b": "yes"}, "c": True}


def test_merges_keep_what_is_nearer() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\n"
    found = value(text)
    assert isinstance(found, dict)
    assert found["c"] == {"x": 3, "y": 1, "z": 2}


def test_an_alias_is_the_same_value() -> None:
    assert value("a: &a [1]\nb: *a\n") == {"a": [1], "b": [1]}


def test_all_problems_are_told() -> None:
    document = read("a: ${X}\na: 1\nb: !foo x\n", {})
    assert [problem.mark for problem in document.problems] == [Mark(1, 4), Mark(2, 1), Mark(3, 4)]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [(("a", 0, "b"), "a.0.b"), (("a\n\x1b",), "a\\n\\x1b"), (("x" * 99,), "x" * 60 + "…")],
)
def test_a_path_is_one_short_line(path: tuple[str | int, ...], wanted: str) -> None:
    assert dotted(path) == wanted


def test_short_text_stays_whole() -> None:
    assert shortened("x" * 60) == "x" * 60


signs = st.sampled_from([*list("{}[]&*!|>%@`'\"#:,?-= \t\n\r\\$abc01.<~"), "${A}", "<<: *a", "&a "])


@given(st.lists(signs, max_size=40).map("".join))
@settings(max_examples=examples(400), deadline=None)
def test_anything_is_read_without_raising_and_quickly(text: str) -> None:
    begun = time.monotonic()
    document = read(text, {"A": "1"})
    assert time.monotonic() - begun < 2
    assert document.is_whole or document.problems
