"""Hints are about the stack file of the command line, however it was named there."""

import sys

import pytest

from stack.cli.options import new_report

DEV = " --file dev.yaml"


@pytest.mark.parametrize(
    ("words", "which"),
    [
        ("up", ""),
        ("up -f dev.yaml", DEV),
        ("up -fdev.yaml", DEV),
        ("up --file dev.yaml", DEV),
        ("up --file=dev.yaml ws", DEV),
        ("up -f a.yaml -f dev.yaml", DEV),
        ("logs -f ws", ""),
        ("logs -f --file dev.yaml", DEV),
        ("exec -f dev.yaml ws sh -f x", DEV),
        ("exec --project shop ws sh -f x", ""),
        ("exec --file=dev.yaml ws sh --file x", DEV),
        ("exec ws tail -f x", ""),
    ],
)
def test_the_file_of_a_command_line(
    monkeypatch: pytest.MonkeyPatch, words: str, which: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["stack", *words.split()])
    assert new_report().which == which
