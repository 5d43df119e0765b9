"""One digest says what a container is made from: environment files and secrets included."""

from pathlib import Path

import pytest

from stack.errors import ConfigError
from stack.fingerprint import environment, fingerprints, parse_env_file
from stack.topology import Container, Secret, Topology

APP = Container("app", "x", env_file=".env", environment=(("A", "own"),))
APP_TOO = Container("too", "x", secrets=(Secret("s", "s"),))


def prints(folder: Path, env_file: str = "A=1\n", value: str = "one") -> dict[str, str]:
    (folder / ".env").write_text(env_file)
    return fingerprints(Topology("p", 1, (APP, APP_TOO), (), (), ()), folder, {"s": value})


def test_the_same_is_the_same(tmp_path: Path) -> None:
    assert prints(tmp_path) == prints(tmp_path)


def test_a_line_of_the_env_file_counts_for_its_service_only(tmp_path: Path) -> None:
    before, after = prints(tmp_path), prints(tmp_path, "A=1\nB=2\n")
    assert {name for name in before if before[name] != after[name]} == {"app"}


def test_a_comment_and_an_overridden_line_do_not_count(tmp_path: Path) -> None:
    assert prints(tmp_path) == prints(tmp_path, "# hello\n\nA=2\n")


def test_a_secret_counts_and_does_not_show(tmp_path: Path) -> None:
    assert prints(tmp_path)["too"] != prints(tmp_path, value="another")["too"]
    assert "another" not in prints(tmp_path, value="another")["too"]


def test_own_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n")
    assert environment(APP, tmp_path) == {"A": "own", "B": "file"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=v", "v"),
        ("export K=v", "v"),
        ("K = v ", "v"),
        ("K=", ""),
        ("K='a b'", "a b"),
        ('K="a=b"', "a=b"),
        ("K=a#b", "a#b"),
        ("K=a # b", "a"),
        ("K='a # b' # c", "a # b"),
        ("K=a\r", "a"),
        ("K='", "'"),
        ("\ufeffK=v", "v"),
        ("K=a\x85b", "a\x85b"),
        ("K=é😀", "é😀"),
    ],
)
def test_a_line_of_an_env_file(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    assert parse_env_file(tmp_path / ".env") == {"K": value}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"A=1\nnonsense\n", ".env:2: expected KEY=VALUE"),
        (b"=x\n", ".env:1: expected KEY=VALUE"),
        (b"A=\xff\n", ".env: not readable: not UTF-8"),
        (b"A=a\0b\n", ".env:1: a value cannot hold U+0000"),
    ],
)
def test_a_bad_env_file(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        parse_env_file(tmp_path / ".env")
    assert caught.value.message == problem


def test_a_missing_env_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^\.env: not readable: no such file or directory$"):
        parse_env_file(tmp_path / ".env")
