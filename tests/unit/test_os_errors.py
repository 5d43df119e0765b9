"""Ordinary trouble is no bug of ours: full disks, odd files, closed streams, missing rights.

Each command runs as a process of its own, on real files and file systems.
"""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.command_line import ENVIRON, MAIN, OK

Done = subprocess.CompletedProcess[str]
# Python itself may lie where only root looks, so all is loaded before rights are given up.
AS_OTHER = [
    sys.executable,
    "-c",
    """
import importlib, os, pkgutil, stack
for module in pkgutil.walk_packages(stack.__path__, "stack."):
    importlib.import_module(module.name)
from stack.cli.main import main
for codec in ("ascii", "latin_1", "idna", "utf_8_sig", "unicode_escape"):
    importlib.import_module("encodings." + codec)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(54321)
    os.setuid(54321)
main()
""",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a stack; whoever we become may reach it."""
    for part in (tmp_path, *(one for one in tmp_path.parents if "pytest" in str(one))):
        part.chmod(0o755)
    (tmp_path / "stack.yaml").write_text(OK)
    return tmp_path


def stack(
    folder: Path | str,
    *arguments: str,
    behind: str = "",
    environ: dict[str, str] | None = None,
    before: Callable[[], None] | None = None,
    is_other: bool = False,
    code: str = "",
) -> Done:
    """Run `stack` in ``folder``; ``behind`` is what a shell adds to the line.

    ``code`` is what runs in its place.
    """
    begin = [sys.executable, "-c", code] if code else AS_OTHER if is_other else MAIN
    command = [*begin, *arguments]
    if behind:
        command = ["bash", "-c", f'"$@" {behind}', "bash", *command]
    return subprocess.run(
        command,
        cwd=folder,
        env={**ENVIRON, "HOME": str(folder), "TMPDIR": str(folder), **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        preexec_fn=before,
        check=False,
    )


def says(done: Done, code: int, *texts: str) -> None:
    """Check the exit code, the place and cause, and that there is a next step."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "stack: a bug" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert "\n  hint: " in done.stderr
    for text in texts:
        assert text in done.stderr


def pipe(path: Path) -> None:
    os.mkfifo(path)


def zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(8 << 30)


def a_folder(path: Path) -> None:
    path.mkdir()


def latin(path: Path) -> None:
    path.write_bytes(b"A: b\n# \xe9\n")


def loop(path: Path) -> None:
    path.symlink_to(path)


ODD = [
    (pipe, "is a pipe, not a file"),
    (zero, "is a device, not a file"),
    (large, "larger than "),
    (a_folder, "is a folder, not a file"),
    (loop, "a symbolic link to itself"),
]


@pytest.mark.parametrize(("make", "what"), [*ODD, (latin, ":2:3: byte 0xe9 is not UTF-8")])
def test_an_odd_file_as_stack_yaml(folder: Path, make: Callable[[Path], None], what: str) -> None:
    (folder / "stack.yaml").unlink()
    make(folder / "stack.yaml")
    says(stack(folder, "render", "--check"), 2, f"stack.yaml{'' if what[0] == ':' else ': '}{what}")


@pytest.mark.parametrize(("make", "what"), ODD)
def test_an_odd_file_for_nginx(folder: Path, make: Callable[[Path], None], what: str) -> None:
    make(folder / "nginx.conf")
    says(stack(folder, "lint", "nginx.conf"), 2, f"nginx.conf: {what}")
    url = "ws://127.0.0.1:9/"
    says(stack(folder, "doctor", url, "--nginx", "nginx.conf"), 2, f"nginx.conf: {what}")


def test_what_nginx_reads_need_not_be_utf_8(folder: Path) -> None:
    (folder / "nginx.conf").write_bytes(b"# \xe9\nhttp { }\n")
    assert stack(folder, "lint", "nginx.conf").returncode == 0


@pytest.mark.parametrize("name", ["x" * 256, "/".join(["x" * 250] * 17)], ids=["name", "path"])
@pytest.mark.parametrize(
    "command", [("render", "-f"), ("lint",), ("init", "-f"), ("render", "--out")], ids=" ".join
)
def test_a_name_that_is_too_long(folder: Path, command: tuple[str, ...], name: str) -> None:
    code = 2 if command in {("render", "-f"), ("lint",)} else 1
    says(stack(folder, *command, name), code, "too long: a name may have 255 bytes")


def test_a_folder_whose_path_is_too_long(folder: Path) -> None:
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(17):
        os.mkdir("x" * 250, dir_fd=deep)
        deep, above = os.open("x" * 250, os.O_RDONLY, dir_fd=deep), deep
        os.close(above)
    text = OK.encode()
    with os.fdopen(os.open("stack.yaml", os.O_WRONLY | os.O_CREAT, dir_fd=deep), "wb") as file:
        file.write(text)
    for command in ("render", "token", "status"):
        done = stack(folder, command, before=lambda: os.fchdir(deep))
        assert done.returncode in {0, 1, 2}, done.stderr
        assert "Traceback" not in done.stderr
    os.close(deep)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a file system with room for nothing but a stack.yaml; mounting it needs root."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], check=True)
    try:
        (disk / "stack.yaml").write_text(OK)
        with contextlib.suppress(OSError), (disk / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


WRITERS = [("render",), ("token",), ("render", "--out", "there"), ("init", "--force"), ("up",)]


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_file_that_may_not_grow(folder: Path, command: tuple[str, ...]) -> None:
    says(stack(folder, *command, before=limited), 1)


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_disk_that_is_full(folder: Path, command: tuple[str, ...]) -> None:
    if os.geteuid() == 0:
        with small_disk(folder) as disk:
            says(stack(disk, *command), 1)
            assert (disk / "stack.yaml").read_text() == OK


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_file_system_that_is_read_only(folder: Path, command: tuple[str, ...]) -> None:
    if os.geteuid() == 0:
        with small_disk(folder) as disk:
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            says(stack(disk, *command), 1, "read-only")


def test_a_current_folder_that_is_gone(folder: Path) -> None:
    for command in ("render", "token", "up", "status", "init", "bundle", "lint"):
        more = ["nginx.conf"] if command == "lint" else []
        done = stack(folder, command, *more, before=lambda: _leave(folder))
        code = 2 if command == "lint" else 1
        says(done, code, "error: the current folder no longer exists\n  hint: cd ~\n")


def test_a_folder_that_is_missing_is_made_by_the_hint(folder: Path) -> None:
    says(stack(folder, "init", "-f", "a b/dev.yaml"), 1, "hint: mkdir -p 'a b'\n")
    says(stack(folder, "bundle", "-f", "no/dev.yaml"), 1, f"hint: mkdir -p {folder}/no\n")
    says(stack(folder, "lint", "no/nginx.conf"), 2, "hint: ls -la .\n")


@pytest.mark.parametrize("make", [pipe, zero, latin], ids=lambda made: made.__name__)
def test_what_is_in_the_way_of_a_folder_is_named(
    folder: Path, make: Callable[[Path], None]
) -> None:
    make(folder / "out")
    for place in ("out", "out/a/b"):
        says(stack(folder, "render", "--out", place), 1, "in the way: mv out out.old\n")


@pytest.mark.parametrize("make", [pipe, zero, a_folder], ids=lambda made: made.__name__)
def test_what_is_in_the_way_of_a_rendered_file_is_not_waited_for(
    folder: Path, make: Callable[[Path], None]
) -> None:
    make(folder / "compose.yaml")
    says(stack(folder, "render"), 1, "hint: move it away: mv compose.yaml compose.yaml.old\n")


def test_a_folder_in_the_place_of_a_file_is_called_by_its_name(folder: Path) -> None:
    (folder / "pub").mkdir()
    for command in (("up", "-f"), ("lint",)):
        says(stack(folder, *command, "pub"), 2, "away: mv pub pub.old\n")


def test_a_hint_is_one_line_whatever_the_name(folder: Path) -> None:
    done = stack(folder, "up", "-f", "a\n  hint: b.yaml")
    assert done.stderr == (
        f"error: a\\n  hint: b.yaml: not found in {folder}\n"
        "  hint: stack init --file $'a\\x0a  hint: b.yaml'\n"
    )


def test_the_folder_that_is_closed_to_a_bundle_is_named(folder: Path) -> None:
    folder.chmod(0o555)
    done = stack(folder, "bundle", is_other=True)
    folder.chmod(0o755)
    says(
        done,
        1,
        "stack-bundle: not written: permission denied",
        f"hint: check its owner: ls -ld {folder}\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("doctor", "ws://localhost:9/\udcff"),
        ("doctor", "ws://\udcff:9/"),
        ("doctor", "ws://a\udcff:b\udcff@localhost:9/"),
        ("doctor", "ws://localhost:9/", "--token", "abc\udcff"),
        ("doctor", "ws://localhost:9/", "--cookie", "a=b\udcff"),
        ("doctor", "ws://localhost:9/", "--hop", "a\udcff=ws://localhost:9/"),
        ("doctor", "ws://localhost:9/", "--nginx", "\udcff"),
        ("lint", "\udcff"),
        ("up", "-f", "\udcff"),
        ("init", "-f", "\udcff.yaml"),
        ("render", "--out", "\udcff"),
        ("token", "--sub", "\udcff"),
        ("token", "--channel", "\udcff"),
        ("logs", "\udcff"),
        ("down", "--project", "\udcff"),
        ("explain", "\udcff"),
        ("lint", "stack.yaml", "--route", "/\udcff"),
    ],
    ids=lambda words: ascii(" ".join(words)),
)
def test_arguments_that_are_no_utf_8(folder: Path, arguments: tuple[str, ...]) -> None:
    done = stack(folder, *arguments, environ={"MY_SECRET": "abcdefgh\udcff"})
    assert done.returncode in {0, 1, 2}, done.stderr
    assert "Traceback" not in done.stderr
    assert not list(folder.glob("stack-bug-*"))


def _leave(folder: Path) -> None:
    gone = folder / f"gone-{os.getpid()}"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/nonexistent"},
        {"HOME": ""},
        {"HOME": "/proc/self/mem"},
        {"TMPDIR": "/nonexistent"},
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"COLUMNS": "0"},
        {"COLUMNS": "20"},
        {"COLUMNS": "-1"},
        {"COLUMNS": "x"},
        {"TERM": "nonsense"},
    ],
    ids=str,
)
def test_an_odd_environment_changes_nothing(folder: Path, environ: dict[str, str]) -> None:
    (folder / "stack.yaml").write_text(f"# é €\n{OK}", encoding="utf-8")
    assert stack(folder, "render", environ=environ).returncode == 0
    assert stack(folder, "render", "--check", environ=environ).stdout == "nothing differs\n"
    assert stack(folder, "up", "--help", environ=environ).returncode == 0
    assert stack(folder, "token", environ=environ).returncode == 0


def test_a_user_without_a_name_and_a_home(folder: Path) -> None:
    text = OK.replace("services:", "front: {tls: true}\nservices:")
    (folder / "stack.yaml").write_text(text)
    folder.chmod(0o777)
    done = stack(folder, "render", behind="", environ={"HOME": ""}, is_other=True)
    assert done.returncode in {0, 1}, done.stderr
    assert "stack: a bug" not in done.stderr


@pytest.mark.parametrize("name", ["stack.yaml", "nginx.conf", "folder"])
def test_files_without_rights(folder: Path, name: str) -> None:
    (folder / "nginx.conf").write_text("http { }\n")
    (folder / "folder").mkdir(mode=0o755)
    (folder / "folder" / "a.conf").write_text("http { }\n")
    (folder / name).chmod(0)
    command = {
        "stack.yaml": ["render", "--check"],
        "nginx.conf": ["lint", "nginx.conf"],
        "folder": ["lint", "folder/a.conf"],
    }[name]
    done = stack(folder, *command, is_other=True)
    (folder / name).chmod(0o755)
    says(done, 2, "permission denied", "ls -ld ")


def test_a_folder_that_may_not_be_written(folder: Path) -> None:
    folder.chmod(0o555)
    for command in WRITERS:
        says(stack(folder, *command, is_other=True), 1)
    folder.chmod(0o755)


@pytest.mark.parametrize("make", [pipe, a_folder, loop, latin], ids=lambda made: made.__name__)
@pytest.mark.parametrize(
    "name", [".stack", "lock", "memory.json", "secrets", "nginx", ".gitignore", "nextauth"]
)
def test_something_else_in_the_place_of_our_own_files(
    folder: Path, name: str, make: Callable[[Path], None]
) -> None:
    assert stack(folder, "token").returncode == 0
    found = [path for path in (folder / ".stack").rglob("*") if path.name == name]
    path = folder / ".stack" if name == ".stack" else (found or [folder / ".stack" / name])[0]
    if path.is_dir():
        subprocess.run(["rm", "-r", path], check=True)
    path.unlink(missing_ok=True)
    make(path)
    for command in ("token", "render", "up", "down"):
        done = stack(folder, command)
        assert done.returncode in {0, 1, 2}, done.stderr
        if done.returncode:
            says(done, done.returncode)


def test_ctrl_c_while_all_is_loaded_is_silent(folder: Path) -> None:
    """What loads the command line gets the signal in its middle."""
    code = """
import builtins, os, signal, sys
load = builtins.__import__
def slow(name, *rest):
    if name == "typer":
        os.kill(os.getpid(), signal.SIGINT)
    return load(name, *rest)
builtins.__import__ = slow
from stack.cli.start import main
main()
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=ENVIRON, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-2, b"", b"")
