"""Each situation without an engine has one answer: an action, or a message with the next step."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stack.engines import install, machine
from stack.engines.machine import Situation, decide
from stack.errors import EngineError

DEBIAN = Situation(
    platform="linux",
    distributions=frozenset({"debian"}),
    is_root=True,
    missing=(),
    socket="missing",
)
BARE = replace(DEBIAN, missing=("docker.io", "iptables"))


def refusal(situation: Situation) -> EngineError:
    with pytest.raises(EngineError) as caught:
        decide(situation)
    return caught.value


def after(calls: int) -> Callable[[], bool]:
    """Give a question that is answered with yes after ``calls`` times no."""
    left = [False] * calls

    def answers() -> bool:
        return not left or left.pop()

    return answers


@pytest.mark.parametrize("family", ["debian", "ubuntu"])
def test_a_bare_debian_is_installed_and_started(family: str) -> None:
    assert decide(replace(BARE, distributions=frozenset({family}))) == ("install", "start")


def test_an_installed_engine_is_only_started() -> None:
    assert decide(DEBIAN) == ("start",)


def test_a_dead_socket_does_not_hinder_the_start() -> None:
    assert decide(replace(DEBIAN, socket="silent")) == ("start",)


def test_a_missing_iptables_alone_is_installed() -> None:
    assert decide(replace(DEBIAN, missing=("iptables",))) == ("install", "start")


@pytest.mark.parametrize(
    ("situation", "message", "hint"),
    [
        (BARE, "engine: Docker is not installed", "apt-get install docker.io iptables"),
        (DEBIAN, "engine: Docker does not run", "stack up starts it"),
    ],
)
def test_who_may_not_install_does_nothing_and_says_how(
    situation: Situation, message: str, hint: str
) -> None:
    error = machine.refusal(situation)
    assert error.message == message
    assert hint in error.hint


def test_denied_socket_names_the_group() -> None:
    error = refusal(replace(DEBIAN, is_root=False, socket="denied"))
    assert "permission denied: your user is not in group docker" in error.message
    assert "sudo usermod -aG docker $USER" in error.hint


def test_a_stopped_engine_of_somebody_who_is_not_root() -> None:
    error = refusal(replace(DEBIAN, is_root=False))
    assert error.hint == "run `sudo systemctl start docker`"


def test_a_bare_debian_of_somebody_who_is_not_root() -> None:
    error = refusal(replace(BARE, is_root=False))
    assert "sudo apt-get install docker.io iptables" in error.hint


@pytest.mark.parametrize("is_root", [True, False])
def test_another_linux_gets_the_manual(is_root: bool) -> None:
    error = refusal(replace(BARE, distributions=frozenset({"fedora"}), is_root=is_root))
    assert error.message == "engine: Docker is not installed"
    assert machine.DOCS in error.hint


def test_a_mac_gets_its_own_ways() -> None:
    error = refusal(replace(BARE, platform="darwin", is_root=False))
    assert "Docker Desktop" in error.hint
    assert "colima start" in error.hint


def test_windows_gets_wsl() -> None:
    assert "WSL 2" in refusal(replace(BARE, platform="win32")).hint


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('ID=debian\nVERSION_ID="12"\n', {"debian"}),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', {"linuxmint", "ubuntu", "debian"}),
        ("NAME=odd\n", set()),
    ],
)
def test_os_release_is_read(tmp_path: Path, text: str, names: set[str]) -> None:
    release = tmp_path / "os-release"
    release.write_text(text)
    assert machine.distributions(release) == names


def test_no_os_release_is_no_distribution(tmp_path: Path) -> None:
    assert machine.distributions(tmp_path / "none") == frozenset()


def test_an_engine_that_answers_is_left_alone() -> None:
    said: list[str] = []
    install.ensure_engine(after(0), said.append)
    assert said == []


def test_a_refusal_reaches_the_caller() -> None:
    situation = replace(DEBIAN, platform="darwin")
    with pytest.raises(EngineError, match="Docker is not running"):
        install.ensure_engine(lambda: False, print, situation=situation)


def test_an_engine_that_the_package_started_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed: list[object] = []
    monkeypatch.setattr(install, "apt_install", lambda packages, _: installed.append(packages))
    install.ensure_engine(after(1), print, situation=BARE)
    assert installed == [("docker.io", "iptables")]


def test_a_daemon_that_ends_at_once_shows_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("from yesterday\n")
    process = install.spawn((sys.executable, "-c", "print('no iptables'); exit(1)"), log)
    process.wait()
    with pytest.raises(EngineError) as caught:
        install.wait(lambda: False, lambda: True, "look", log=log.read_bytes, limit=1)
    assert "dockerd ended at once:" in caught.value.message
    assert "\n  no iptables" in caught.value.message


def test_an_engine_that_never_answers_is_given_up() -> None:
    with pytest.raises(EngineError, match=r"no answer after 0 s"):
        install.wait(lambda: False, lambda: False, "look", limit=0.2)


def test_a_daemon_holds_none_of_our_streams(tmp_path: Path) -> None:
    process = install.spawn(("sleep", "5"), tmp_path / "log")
    streams = {Path(f"/proc/{process.pid}/fd/{n}").resolve() for n in range(3)}
    process.kill()
    process.wait()
    assert streams == {Path("/dev/null"), tmp_path / "log"}


def test_an_engine_on_its_way_out_is_followed_by_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy("/bin/sleep", tmp_path / "dockerd")
    ending = subprocess.Popen([tmp_path / "dockerd", "0.3"])
    (tmp_path / "pid").write_text(str(ending.pid))
    reaper = threading.Thread(target=ending.wait)  # or it would stay as a zombie
    reaper.start()
    monkeypatch.setattr(install, "PID_FILES", {"dockerd": tmp_path / "pid"})
    new = tmp_path / "new"
    command = ("sh", "-c", f"touch {new}; sleep 5")
    install.start(new.exists, lambda _: None, command=command, log=tmp_path / "log", limit=10)
    reaper.join(5)
    assert ending.returncode == 0


def test_stale_pid_files_go_and_live_ones_stay(tmp_path: Path) -> None:
    gone, reused, alive = (tmp_path / name for name in ("gone", "reused", "alive"))
    myself = Path("/proc/self/comm").read_text().strip()
    gone.write_text("999999999")
    reused.write_text(str(os.getpid()))
    alive.write_text(f"{os.getpid()}\n")
    install.drop_stale({"dockerd": reused, "containerd": gone, myself: alive})
    assert [path.exists() for path in (gone, reused, alive)] == [False, False, True]


def test_apt_that_fails_shows_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho 'E: no such host'\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    said: list[str] = []
    with pytest.raises(EngineError, match="apt-get update: failed:\n  E: no such host"):
        install.apt_install(("docker.io",), said.append)
    assert said == ["installing docker.io with apt-get"]
