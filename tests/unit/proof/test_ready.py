"""A store that refuses our password is given up at once; the front is asked as a page would ask."""

import socket
import threading
import time
from dataclasses import replace

import pytest

from stack.config.preset.kind import REFUSED
from stack.config.presets import PRESETS
from stack.engines.base import GONE, Exit
from stack.engines.steps import AwaitReady, Key, Kind, Verb
from stack.layout.topology import Container, FrontRoute, Mount
from stack.probe.exchange import Target
from stack.proof.ready import NotReadyError, Ready, RefusedError, Watch
from tests.unit.fake_engine import FakeEngine

FRONT = Target("", "localhost", 80, "/")
KEY = Key(Verb.AWAIT, Kind.CONTAINER, "shop-db-1")
SAID = 'password authentication failed for user "postgres"'


def readiness(engine: FakeEngine, front: Target = FRONT) -> Ready:
    watch = Watch(time.monotonic() + 60)
    return Ready(engine, "shop", front, "g", lambda: "token", watch, hidden=("s3cret",))


def refusal(source: str) -> RefusedError:
    """Let a store on that volume or folder refuse the password."""
    engine = FakeEngine(said=["starting", SAID, REFUSED], lines={"shop-db-1": ["the log"]})
    mounts = (Mount("backup", "/backup"), Mount(source, PRESETS["postgres"].data or ""))
    store = Container("db", "i", port=5432, probe="ask", mounts=mounts)
    with pytest.raises(RefusedError) as caught:
        readiness(engine).await_container(AwaitReady(KEY, container=store, number=1))
    return caught.value


def test_the_volume_is_named_and_three_ways_out() -> None:
    error = refusal("db")
    assert error.message == f"db: {SAID}: the volume shop_db was created with other secrets"
    old, new, none = error.hint.splitlines()
    assert old == "restore .stack/shop/secrets, which it was created with"
    assert new.endswith(
        '| stack exec db psql -U postgres -v new="$(cat .stack/shop/secrets/db.d/password)"'
    )
    assert none == "or delete all data: stack down --volumes"
    assert error.evidence == ("the log",)


def test_data_in_a_folder_is_not_what_down_deletes() -> None:
    error = refusal("./pgdata")
    assert error.message.endswith(": the folder ./pgdata was created with other secrets")
    assert error.hint.splitlines()[-1] == "or delete all data: empty ./pgdata"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("preset", {"Origin": "http://localhost", "Authorization": "Bearer token"}),
        ("image", {"Origin": "http://localhost"}),
    ],
)
def test_a_handshake_is_that_of_our_page(source: str, wanted: dict[str, str]) -> None:
    asked = readiness(FakeEngine()).question(FrontRoute("/ws", "ws", source, websocket=True))
    own = {name: value for name, value in asked.headers if name in {"Origin", "Authorization"}}
    assert own == wanted
    assert "GET /ws HTTP/1.1\r\nHost: localhost\r\n" in asked.bytes().decode()


def test_a_service_that_streams_is_ready_at_its_head() -> None:
    """Server-sent events come later than the head, and perhaps never."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                line.recv(1)  # until who asked left

        thread = threading.Thread(target=serve)
        thread.start()
        start = time.monotonic()
        ready = readiness(FakeEngine(), replace(FRONT, port=server.getsockname()[1]))
        seen = ready.ask_route(FrontRoute("/events", "api", "image", websocket=False))
        took = time.monotonic() - start
        thread.join()
    assert (seen.says, seen.problem, took < 0.4) == ("200 OK", "", True)


def test_a_container_that_is_gone_did_not_end_with_a_code() -> None:
    engine = FakeEngine(codes={"shop-db-1": GONE}, said=["no", 1])
    ready = readiness(engine)
    ready.watch.note(Exit("shop-db-1", 0))
    store = Container("db", "i", port=5432, probe="ask")
    with pytest.raises(NotReadyError, match="db: its container is gone") as caught:
        ready.await_container(AwaitReady(KEY, container=store, number=1))
    assert caught.value.hint == "stack up"
