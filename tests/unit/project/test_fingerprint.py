"""One digest says what a container is made from: environment files and secrets included."""

from pathlib import Path

import pytest

from stack.errors import ConfigError
from stack.layout.names import secret_file
from stack.layout.topology import Container, Secret, Topology
from stack.project.fingerprint import environment, fingerprints, told_in_file

APP = Container("app", "x", env_file=".env", environment=(("A", "own"),))
APP_TOO = Container("too", "x", secrets=(Secret("s", "s"),))


def prints(folder: Path, env_file: str = "A=1\n", value: str = "one") -> dict[str, str]:
    (folder / ".env").write_text(env_file)
    return fingerprints(Topology("p", 1, (APP, APP_TOO), (), (), ()), folder, {}, {"s": value})


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


def test_a_copy_of_a_secret_that_was_made_anew_is_another_one(tmp_path: Path) -> None:
    copy = tmp_path / secret_file("p", "too", "s")
    copy.parent.mkdir(parents=True)
    copy.write_text("one")
    before = prints(tmp_path)
    copy.rename(copy.with_name("old"))
    copy.write_text("one")
    after = prints(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"too"}


def test_own_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n")
    assert environment(APP, tmp_path, {}) == {"A": "own", "B": "file"}


def test_what_a_variable_stands_for_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=$OUTER\n")
    topology = Topology("p", 1, (APP,), (), (), ())
    one, other = (fingerprints(topology, tmp_path, {"OUTER": value}, {}) for value in "xy")
    assert one != other


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"A=1\nB=$x\n=\nC='\n", r"\.env:2: B: has a \$ .*\n\.env:3: .*\n\.env:4: C: the quote"),
        (b"A=1\nB=\xff\n", r"\.env:2:3: byte 0xff is not UTF-8"),
        (b"#" * 2**20 + b"\n", r"\.env: larger than 1 MiB"),
    ],
)
def test_a_bad_env_file(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigError, match=f"^{problem}"):
        told_in_file(APP, tmp_path, {})


def test_a_missing_env_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^\.env: not found$"):
        told_in_file(APP, tmp_path, {})


def test_lines_end_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfB='x\r\ny'\r\n")
    assert told_in_file(APP, tmp_path, {}) == {"B": "x\r\ny"}


def test_what_only_compose_reads_beside_it(tmp_path: Path) -> None:
    (tmp_path / "app.env").write_text("B=own\nC=$B\n")
    (tmp_path / ".env").write_text("B=other\n$broken\n")
    app = Container("app", "x", env_file="./app.env")
    with pytest.raises(ConfigError, match=r"^app\.env:2: C: .* in the file \.env beside it"):
        told_in_file(app, tmp_path, {})
    assert told_in_file(app, tmp_path, {"B": "outer"}) == {"B": "own", "C": "outer"}


def test_what_only_newer_versions_of_compose_see(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("C=$A\n")
    with pytest.raises(ConfigError, match=r"^\.env:1: C: .* in env of stack\.yaml"):
        told_in_file(APP, tmp_path, {})
