"""The folder .stack: closed to others, whole files only, one command at a time."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.files import read, write
from stack.project.state import State

HOLD = """
import sys, time
from pathlib import Path
from stack.project.state import State
with State(Path(sys.argv[1]), "shop").lock(5, lambda _: None):
    sys.stdout.write("held\\n")
    sys.stdout.flush()
    time.sleep(60)
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def silent(_: str) -> None:
    pass


def test_prepare_closes_the_folder_and_hides_it_from_git(tmp_path: Path) -> None:
    state = State(tmp_path, "shop")
    state.prepare()
    state.prepare()
    assert (mode(state.root), mode(state.secrets)) == (0o700, 0o700)
    assert (tmp_path / ".stack" / ".gitignore").read_text() == "*\n"


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / ".stack").write_text("")
    with pytest.raises(StackError, match=r"\.stack: "):
        State(tmp_path, "shop").prepare()


@pytest.mark.parametrize("wanted", [0o600, 0o644, 0o444])
def test_write_gives_the_mode(tmp_path: Path, wanted: int) -> None:
    write(tmp_path / "x", "text", wanted)
    assert (mode(tmp_path / "x"), read(tmp_path / "x")) == (wanted, "text")


def test_write_replaces_by_rename(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write(file, "old")
    with file.open() as reader:
        write(file, "new")
        assert reader.read() == "old"
    assert read(file) == "new"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write(tmp_path / "x", "old")
    with pytest.raises(UnicodeEncodeError):
        write(tmp_path / "x", "new \ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert read(tmp_path / "x") == "old"


def test_read_of_nothing_and_of_what_is_no_text(tmp_path: Path) -> None:
    assert read(tmp_path / "none") is None
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(StackError, match="not readable"):
        read(tmp_path / "bytes")


def test_the_lock_is_free_again_after_use(tmp_path: Path) -> None:
    for _ in range(2):
        with State(tmp_path, "shop").lock(0, silent):
            pass


def test_who_waits_too_long_is_told_who_holds_it(tmp_path: Path) -> None:
    told: list[str] = []
    with State(tmp_path, "shop").lock(0, silent), pytest.raises(StackError) as caught:
        State(tmp_path, "shop").lock(0.01, told.append).__enter__()
    assert told == [f"process {os.getpid()}"]
    assert caught.value.message == f"shop: {told[0]} is still running here"


def test_who_waits_gets_it_when_it_is_free(tmp_path: Path) -> None:
    told = threading.Event()

    def wait() -> None:
        with State(tmp_path, "shop").lock(10, lambda _: told.set()):
            got.append(True)

    got: list[bool] = []
    waiter = threading.Thread(target=wait)
    with State(tmp_path, "shop").lock(0, silent):
        waiter.start()
        assert told.wait(10)
        assert not got
    waiter.join(10)
    assert got


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_death_of_its_holder_frees_the_lock(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StackError, match=f"process {holder.pid}"):
            State(tmp_path, "shop").lock(0, silent).__enter__()
        holder.send_signal(number)
        holder.wait(10)
    with State(tmp_path, "shop").lock(0, silent):
        assert (tmp_path / ".stack/shop/lock").read_text() == f"process {os.getpid()}"


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"', "null", "\x00"])
def test_a_broken_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    state = State(tmp_path, "shop")
    state.prepare()
    (state.root / "memory.json").write_text(content)
    assert state.recall("images") == ""


def test_what_is_remembered_is_recalled(tmp_path: Path) -> None:
    state = State(tmp_path, "shop")
    state.prepare()
    state.remember("images", "debian")
    assert (state.recall("images"), state.recall("other")) == ("debian", "")


@pytest.mark.parametrize("closed", ["file", "folder", ""])
def test_a_configuration_that_nginx_may_not_read_is_not_in_its_place(
    tmp_path: Path, closed: str
) -> None:
    state = State(tmp_path, "shop")
    state.prepare()
    state.write(state.config, "wanted")
    assert state.has_config("wanted")
    assert not state.has_config("another")
    if closed:
        (state.config if closed == "file" else state.config.parent).chmod(0o700)
    assert state.has_config("wanted") == (not closed)


@pytest.mark.parametrize("left", [(), ("secrets",), ("compose.yaml", "nginx", "secrets")])
def test_a_move_that_was_killed_goes_on(tmp_path: Path, left: tuple[str, ...]) -> None:
    """Whatever was moved already, nothing that is remembered on either side is lost."""
    state, outer = State(tmp_path, "shop"), tmp_path / ".stack"
    state.prepare()
    for name in ("secrets", "nginx"):
        place = outer if name in left else state.root
        (place / name).mkdir(exist_ok=True)
    secret = (outer if "secrets" in left else state.root) / "secrets" / "nextauth-secret"
    secret.write_text("kept")
    (outer / "memory.json").write_text('{"images": "debian", "adopted": "old"}')
    state.remember("adopted", "new")
    state.move_former()
    assert (state.secrets / "nextauth-secret").read_text() == "kept"
    assert (state.recall("images"), state.recall("adopted")) == ("debian", "new")
    assert not state.former
    assert not (outer / "memory.json").exists()


def test_secret_values_are_those_of_the_files(tmp_path: Path) -> None:
    state = State(tmp_path, "shop")
    assert state.secret_values() == []
    state.prepare()
    write(state.secrets / "a", "value-a")
    (state.secrets / "ws.d").mkdir()
    assert state.secret_values() == ["value-a"]
