"""A hint can be pasted: it is one line, each path one word, each command about the right file."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.hint import joined, naming, one_line, quoted

WHICH = " --file dev.yaml"


def pasted(words: str) -> list[str]:
    """Give the words that a shell makes of a line."""
    command = ["bash", "-c", f"printf '%s\\0' {words}"]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode(errors="surrogateescape").split("\0")[:-1]


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        ("stack up", f"stack up{WHICH}"),
        ("stack init", f"stack init{WHICH}"),
        (
            "stack up, or: stack init --force",
            f"stack up{WHICH}, or: stack init{WHICH} --force",
        ),
        ("stack logs ws; then: stack up", f"stack logs{WHICH} ws; then: stack up{WHICH}"),
        ("echo x | stack exec db psql", f"echo x | stack exec{WHICH} db psql"),
        ("see it with: stack render --check", f"see it with: stack render{WHICH} --check"),
        ("run `stack images` as root", f"run `stack images{WHICH}` as root"),
        ("get a new one (stack token)", f"get a new one (stack token{WHICH})"),
    ],
)
def test_every_command_is_about_the_same_file(hint: str, wanted: str) -> None:
    assert naming(hint, WHICH) == wanted
    assert naming(hint, "") == hint


@pytest.mark.parametrize(
    "hint",
    [
        "cd /other && stack down",
        "stack down --project other",
        "stack init --file another.yaml",
        "continue with: stack up -f dev.yaml",
        "continue with: stack up shop --file dev.yaml",
        "stack doctor ws://localhost:3002/ws",
        "stack lint --fix fixes 2",
        "stack explain WS001",
        "stack list",
        "mv 'my stack up' 'my stack up.old'",
        "ls -ld ./stack upper",
        "start that engine",
    ],
)
def test_what_is_about_something_else_stays(hint: str) -> None:
    assert naming(hint, WHICH) == hint


def test_a_file_may_have_any_name() -> None:
    assert naming("stack up", r" --file 'a\1'") == r"stack up --file 'a\1'"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_name_is_one_word_on_one_line(name: str) -> None:
    word = quoted(name)
    assert word.isprintable()
    assert pasted(word) in ([name], [f"./{name}"])
    assert pasted(word)[0][0] != "-"


def test_what_is_no_utf_8_can_be_pasted() -> None:
    assert quoted("a\udcffb") == "$'a\\xffb'"
    assert pasted(quoted("a\udcffb")) == ["a\udcffb"]
    assert quoted("\ud800")


def test_the_words_of_a_command_stay() -> None:
    words = ["up", "-f", "a b", "--", "x\ny"]
    assert joined(words) == "up -f 'a b' -- $'x\\x0ay'"
    assert pasted(joined(words)) == words


def test_what_others_named_is_no_second_line() -> None:
    assert one_line("a\n  hint: b\u2028é €") == "a\\n  hint: b\\u2028é €"
