"""Every cause can be looked up, explained and trusted: its examples show what they claim."""

import re
from pathlib import Path

import pytest

from stack.diagnose.catalogue import all_causes, find
from stack.diagnose.formats.manual import cause_lines
from stack.diagnose.lint.judge import RULES, Options, lint
from stack.diagnose.nginx import conf
from stack.errors import ConfigError
from stack.finding import Cause

CAUSES = all_causes()
RULED = [rule.cause for rule in RULES]


def codes(text: str, folder: Path) -> set[str]:
    """Give the codes that lint finds in a file with this text."""
    file = folder / "nginx.conf"
    file.write_text(text + "\n", encoding="utf-8")
    return {finding.code for finding in lint(conf.read(file), Options())}


def test_codes_and_names_belong_to_one_cause() -> None:
    assert len({cause.code for cause in CAUSES}) == len(CAUSES)
    assert len({cause.name for cause in CAUSES}) == len(CAUSES)
    assert [cause.code for cause in CAUSES] == sorted(cause.code for cause in CAUSES)


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_a_cause_says_all_there_is_to_say(cause: Cause) -> None:
    assert re.fullmatch(r"WS[0-9]{3}", cause.code)
    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", cause.name)
    assert all((cause.title, cause.why, cause.fix))
    assert cause.link.startswith("https://")
    assert "\n" not in cause.title + cause.link
    assert cause.title[-1] not in ".!"
    assert len(cause.title) <= 90
    assert cause_lines(cause)[-1] == f"more: {cause.link}"


@pytest.mark.parametrize("cause", RULED, ids=lambda cause: cause.code)
def test_the_examples_of_a_rule_show_what_they_claim(cause: Cause, tmp_path: Path) -> None:
    assert cause.code.startswith("WS0")
    assert cause.code in codes(cause.bad, tmp_path)
    assert cause.code not in codes(cause.good, tmp_path)


@pytest.mark.parametrize("word", ["WS001", "ws001", " Ws001 ", "upgrade-not-forwarded"])
def test_a_cause_is_found_by_code_and_by_name(word: str) -> None:
    assert find(word).code == "WS001"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("upgrade-not-forward", "stack explain WS001"),
        ("W0S1", "stack explain WS"),
        ("", "stack explain"),
    ],
)
def test_what_is_not_there_is_guessed(word: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find(word)
    assert caught.value.message == f"{word.lower()}: there is no such finding"
    assert caught.value.hint.startswith(hint)
