"""The log of a bug is written whatever went wrong, and never shows a value that may be secret."""

import tempfile
from pathlib import Path

import pytest

from stack.cli import crash


def raised(text: str) -> ValueError:
    with pytest.raises(ValueError, match=text) as caught:
        fail(text)
    return caught.value


def fail(text: str = "") -> str:
    raise ValueError(text)


def test_bytes_that_are_no_text_are_masked_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("MY_SECRET", "mellon\udcff")
    path = crash.write_log(raised("a\udcfe mellon\udcff b"), ["stack", "\udcfd"])
    said = path.read_text()
    assert "ValueError: a\\udcfe [redacted] b" in said
    assert "arguments: \\udcfd" in said


def test_where_masking_fails_only_the_kind_and_the_frames_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(crash, "redact", lambda *_: fail())
    said = crash.write_log(raised("mellon"), ["stack", "--token", "friend"]).read_text()
    assert said.endswith("\nValueError\n")
    assert "in fail" in said
    assert not [word for word in ("mellon", "friend") if word in said]


def test_where_nothing_can_be_written_no_value_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert crash.kept(raised("mellon"), ["stack"]).startswith(
        f"please report it: ValueError, in {__file__}:"
    )
