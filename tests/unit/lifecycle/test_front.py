"""Who holds the front port is said with a way out; a bad configuration never takes its place."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from stack.engines.base import Holder
from stack.errors import StackError
from stack.layout.labels import Owner
from stack.lifecycle import front
from stack.probe.exchange import Target
from stack.project.state import State
from tests.unit.fake_engine import FakeEngine

FRONT = Target("", "127.0.0.1", 1, "/")
SHOP = Owner("shop", "/shop", "stack.yaml")


@contextmanager
def taken(address: str) -> Iterator[int]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with taken("127.0.0.1") as port:
        return port


@pytest.fixture
def place(tmp_path: Path) -> State:
    place = State(tmp_path, "shop")
    place.prepare()
    place.config.write_text("old")
    return place


def test_a_free_port_is_fine(free_port: int) -> None:
    front.check_port(FakeEngine(), SHOP, free_port)


def test_our_own_container_may_hold_it() -> None:
    with taken("127.0.0.1") as port:
        front.check_port(FakeEngine(Holder("shop-nginx-1", SHOP)), SHOP, port)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
def test_a_process_that_holds_it_is_named(address: str) -> None:
    if ":" in address and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with taken(address) as port, pytest.raises(StackError) as caught:
        front.check_port(FakeEngine(), SHOP, port)
    where = "::1" if ":" in address else "127.0.0.1"
    assert caught.value.message.startswith(f"front.port: {port} on {where} is held by ")
    assert caught.value.message.endswith(f"(process {os.getpid()})")
    assert f"front: {{ port: {port + 1}" in caught.value.hint


def test_a_port_that_the_engine_has_opened_already_is_waited_for(tmp_path: Path) -> None:
    ours = Holder("shop-nginx-1", SHOP)
    with opened_by_the_engine(tmp_path) as port:
        front.check_port(Starting(holder=ours), SHOP, port)


def test_a_port_that_the_engine_forgot_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "ENGINE_SETTLES_WITHIN", 0.1)
    with opened_by_the_engine(tmp_path) as port, pytest.raises(StackError, match="docker-proxy"):
        front.check_port(FakeEngine(), SHOP, port)


@dataclass
class Starting(FakeEngine):
    """Knows of the container only when it is asked for the third time."""

    asked: int = 0

    def holder_of(self, port: int) -> Holder | None:
        self.asked += 1
        return self.holder if self.asked > 2 else None


@contextmanager
def opened_by_the_engine(folder: Path) -> Iterator[int]:
    """Listen in a process that has the name of Docker's, as it looks while a container starts."""
    program = folder / "docker-proxy"
    program.symlink_to(Path(sys.executable).resolve())
    script = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0));"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    command = [str(program), "-I", "-S", "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        yield int(process.stdout.readline())


@pytest.mark.parametrize(
    ("holder", "way_out"),
    [
        (Holder("web", Owner("")), "docker stop web"),
        (Holder("blog-web-1", Owner("blog")), "docker compose --project-name blog down"),
        (
            Holder("blog-nginx-1", Owner("blog", "/home/me/my blog", "stack.yaml")),
            "cd '/home/me/my blog' && stack down",
        ),
        (Holder("old-nginx-1", Owner("old", "/shop", "stack.yaml")), "stack down --project old"),
    ],
)
def test_a_container_that_holds_it_is_named(holder: Holder, way_out: str) -> None:
    with pytest.raises(StackError) as caught:
        front.check_port(FakeEngine(holder), SHOP, 8080)
    what = f"front.port: 8080 is published by the container {holder.container}"
    assert caught.value.message == what
    assert caught.value.hint.startswith(f"{way_out}\nor set another one in ")


def test_without_a_running_nginx_the_file_is_just_written(place: State) -> None:
    engine = FakeEngine()
    front.place_config(engine, place, "new", "g", None, FRONT)
    assert (place.config.read_text(), engine.told) == ("new", [])


def test_what_nginx_refuses_never_takes_its_place(place: State) -> None:
    engine = FakeEngine(said=["[emerg] unknown directive", 1])
    with pytest.raises(StackError, match="unknown directive"):
        front.place_config(engine, place, "new", "g", "id", FRONT)
    assert place.config.read_text() == "old"
    assert [path.name for path in place.config.parent.iterdir()] == ["nginx.conf"]
    assert ("id", "SIGHUP") not in engine.told


def test_a_reload_that_does_not_happen_is_said(
    place: State, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setattr(front, "RELOAD_WITHIN", 0.0)
    engine = FakeEngine(said=[0], lines={"id": ["bind() failed"]})
    with pytest.raises(StackError, match="did not load the new configuration: bind"):
        front.place_config(engine, place, "new", "g", "id", replace(FRONT, port=free_port))


def test_a_reload_is_done_when_the_new_generation_answers(place: State) -> None:
    engine = FakeEngine(said=[0])
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for generation in (b"old", b"new"):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(head + generation + b"\n")

        threading.Thread(target=serve, daemon=True).start()
        target = replace(FRONT, port=listener.getsockname()[1])
        front.place_config(engine, place, "text", "new", "id", target)
    assert engine.told[-1] == ("id", "SIGHUP")
    assert place.config.read_text() == "text"
