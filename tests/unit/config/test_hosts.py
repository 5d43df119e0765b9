"""Hosts are compared in one spelling, and a text that is none is said to be none."""

import re

import pytest

from stack.config import hosts

SPELT = {
    "Shop.Test.": "shop.test",
    "nginx": "nginx",
    "a_b.test": "a_b.test",
    "192.168.0.7": "192.168.0.7",
    "::1": "[::1]",
    "[FD00:0:0::7]": "[fd00::7]",
    "a" * 63 + ".test": "a" * 63 + ".test",
}
NONE = ["", ".", "a..b", "-a", "a-", "a b", "a;b", "a:1", "[::1", "::g", "a" * 64, "a.*", "é.test"]


@pytest.mark.parametrize("text", SPELT)
def test_one_spelling_of_a_host(text: str) -> None:
    assert hosts.canonical(text) == SPELT[text]
    assert hosts.problem(text) == ""


@pytest.mark.parametrize("text", [*NONE, ".".join(["a" * 60] * 5)])
def test_what_is_no_host(text: str) -> None:
    assert hosts.canonical(text) == ""
    assert hosts.problem(text) != ""


# Python warns of what it may read otherwise one day; Nginx reads it, by PCRE.
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@pytest.mark.parametrize("text", [*SPELT])
def test_a_pattern_matches_its_host_only(text: str) -> None:
    name = SPELT[text]
    assert re.search(hosts.pattern(text), name)
    assert not re.search(hosts.pattern(text), f"{name}.evil.example")
    assert not re.search(hosts.pattern(text), f"a{name}")
    assert name == "nginx" or not re.search(hosts.pattern(text), re.sub("[.:]", "x", name))
