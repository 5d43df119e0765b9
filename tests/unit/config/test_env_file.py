"""The values of an env_file are those that Compose reads, or its line is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.config.env_file import Variables, read_env_file
from tests.odd_values import ENV_LINES, ENVIRON

LITERALLY = "write single quotes around the value to keep each $ as it is"


def read(text: str, **others: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    values, problems = read_env_file(text.removeprefix("\ufeff"), Variables(ENVIRON, others))
    assert all(problem.mark for problem in problems)
    return values, [f"{item.mark.line}: {item.text}" for item in problems if item.mark]


@pytest.mark.parametrize(("text", "values"), ENV_LINES)
def test_a_line_means_what_it_means_to_compose(text: str, values: dict[str, str]) -> None:
    assert read(text) == (values, [])
    assert read(f"{text}\n") == (values, [])


UNSET = "has a $ with a name that is set neither above nor in the environment"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A=1\nHASH=$2b$10$abcDEF.mno", f"2: HASH: {UNSET}"),
        ('A="$abc"', f"1: A: {UNSET}"),
        ("A=${abc}", f"1: A: {UNSET}"),
        ("A=$B\nB=1", f"1: A: {UNSET}"),
        ("A=${OUTER:-$abc}", f"1: A: {UNSET}"),
        ("A=${abc:?is needed}", "1: A: has ${…?…}, and that variable is not set"),
        ("A=${HOLLOW:?}", "1: A: has ${…?…}, and that variable is not set"),
        ("A=${", "1: A: has ${ without a name and a }"),
        ("A=${1}", "1: A: has ${ without a name and a }"),
        ('A="${B:-\n}"', "1: A: has ${ without a name and a }"),
        ("nonsense\n", "1: expected KEY=VALUE, or a name that is set in the environment"),
        ("nonsense", "1: expected KEY=VALUE"),
        ("OUTER", "1: expected KEY=VALUE"),
        ("=x", "1: expected KEY=VALUE"),
        ("A B=x", "1: expected KEY=VALUE"),
        ("A\tB=x", "1: expected KEY=VALUE"),
        ("A$=x", "1: expected KEY=VALUE"),
        ("\n\nA='x", "3: A: the quote is not closed"),
        ("A='", "1: A: the quote is not closed"),
        ("A='x\\'", "1: A: the quote is not closed"),
        ("A='x'y", "1: A: text behind the closing quote"),
        ("A='x' B=y", "1: A: text behind the closing quote"),
        ("A=a\0b", "1: A: a value cannot contain U+0000"),
        ('A="\\0000"', "1: A: a value cannot contain U+0000"),
        ("A=$COMPOSE_PROJECT_NAME", "1: A: COMPOSE_PROJECT_NAME is set by Compose alone"),
        (
            "A=" + "x" * 2**17 + "y",
            "1: A: a value is longer than 128 KiB, which is the limit of a process",
        ),
        ("A=" + "${B:-" * 200 + "}" * 200, "1: A: has too many nested variables"),
    ],
)
def test_a_line_that_is_refused(text: str, problem: str) -> None:
    assert read(text)[1] == [problem]


def test_all_problems_are_told_and_no_values() -> None:
    values, problems = read_env_file("A=$secret1\nB=b\nC='x\ny'z\nD=$secret2\n", Variables({}, {}))
    assert values == {"B": "b"}
    assert [(item.mark.line, item.hint) for item in problems if item.mark] == [
        (1, LITERALLY),
        (3, ""),
        (5, LITERALLY),
    ]
    assert "secret" not in str(problems)


@pytest.mark.parametrize("text", ["A=$X", "A=${X:-d}", "X=here\nA=$X", "A=${Y:-${X:-d}}"])
def test_what_another_compose_would_see_is_refused(text: str) -> None:
    what = "A: a variable here has another value in .env, which Compose may prefer"
    (problem,) = read(text, **{".env": {"X": "there"}})[1]
    assert problem.partition(" ")[2] == what


def test_the_same_value_elsewhere_is_no_problem() -> None:
    assert read("X=x\nA=$X", **{".env": {"X": "x"}}) == ({"X": "x", "A": "x"}, [])


@given(st.text(alphabet=st.sampled_from("AB_=:'\"\\$#{}-+? \t\n\r0n\0é"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    values, problems = read_env_file(text, Variables(ENVIRON, {}))
    lines = text.count("\n") + 1
    assert all(item.mark and 1 <= item.mark.line <= lines for item in problems)
    assert "\0" not in "".join([*values, *values.values()])


def test_values_that_double_with_each_line_end() -> None:
    lines = ["A0=xx", *(f"A{number}=$A{number - 1}$A{number - 1}" for number in range(1, 60))]
    values, problems = read("\n".join(lines))
    assert max(map(len, values.values())) <= 2**17
    assert problems[0].endswith("a value is longer than 128 KiB, which is the limit of a process")
