"""Only regular files are read, within a size; whatever prevents it has a cause and a next step."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.engines.docker.context import context_digest
from stack.errors import ConfigError, StackError
from stack.layout.topology import Container
from stack.project.fingerprint import told_in_file
from stack.reading import read_bytes, read_text


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(8 << 30)


def circle(path: Path) -> None:
    path.symlink_to(path)


ODD = [
    (pipe, "is a pipe, not a file"),
    (device, "is a device, not a file"),
    (listening, "is a socket, a device or a pipe, not a file"),
    (large, "larger than 1 MiB"),
    (Path.mkdir, "is a folder, not a file"),
    (circle, "a symbolic link to itself"),
]


@pytest.mark.parametrize(("make", "what"), ODD, ids=[what for _, what in ODD])
def test_what_is_no_file_is_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None], what: str
) -> None:
    make(tmp_path / "a b")
    with pytest.raises(ConfigError) as caught:
        read_bytes(tmp_path / "a b", 1 << 20, "a b")
    assert caught.value.message == f"a b: {what}"
    assert caught.value.hint


@pytest.mark.parametrize(("make", "what"), ODD[:-1], ids=[what for _, what in ODD[:-1]])
@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore"])
def test_a_build_reads_no_odd_file(
    tmp_path: Path, name: str, make: Callable[[Path], None], what: str
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / name).unlink(missing_ok=True)
    make(tmp_path / name)
    with pytest.raises(StackError, match=what):
        context_digest(tmp_path)


@pytest.mark.parametrize(("make", "what"), ODD, ids=[what for _, what in ODD])
def test_an_env_file_is_a_file(tmp_path: Path, make: Callable[[Path], None], what: str) -> None:
    make(tmp_path / "vars")
    container = Container(service="a", image="x:1", env_file="./vars")
    with pytest.raises(ConfigError, match=f"^vars: {what}"):
        told_in_file(container, tmp_path, {})


def test_a_file_of_the_kernel_has_no_size_and_an_end() -> None:
    assert read_bytes(Path("/proc/self/status"), 1 << 20)
    with pytest.raises(ConfigError, match="larger than 1 KiB"):
        read_bytes(Path("/proc/self/smaps"), 1 << 10)


def test_a_folder_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    with pytest.raises(ConfigError) as caught:
        read_bytes(tmp_path / "a b", 1, "a b")
    place = f"'{tmp_path}/a b'"
    assert caught.value.hint == f"name a file, or move that folder away: mv {place} {place}.old"


def test_what_is_not_utf_8_has_a_place(tmp_path: Path) -> None:
    path = tmp_path / "it's"
    path.write_bytes(b"a\nb\xff")
    with pytest.raises(ConfigError) as caught:
        read_text(path, 10, "it's")
    assert caught.value.message == "it's:2:2: byte 0xff is not UTF-8"
    assert f"'{tmp_path}/it'\"'\"'s'" in caught.value.hint


def test_a_build_folder_may_hold_what_nobody_can_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    pipe(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"\xff")).write_text("a name that is no text")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(256 << 20)
    assert len(context_digest(tmp_path)) == 64
