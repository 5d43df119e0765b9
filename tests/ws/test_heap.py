"""What clients leave behind when they are gone: nothing."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ws_server.clients.connection import Context, Conversation
from ws_server.clients.intake import Connection
from ws_server.clients.wire import Wire
from ws_server.core import hub
from ws_server.heap import MANY, give_back, trim

from tests.ws.harness import Client, Running, running, until


@pytest.fixture
def without_collector() -> Iterator[None]:
    """A server collects rarely, so what refers to itself would stay for hours."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def stay(client: Client) -> None:
    await client.sign_in()
    await client.subscribe("chat:1")


async def leave_in_good_order(client: Client) -> None:
    await client.socket.close()


async def break_off(client: Client) -> None:
    client.socket.transport.abort()


async def be_refused(client: Client) -> None:
    await client.socket.send("nonsense")
    assert (await client.closed())[0] == 3501


@pytest.mark.parametrize("end", [leave_in_good_order, break_off, be_refused])
@pytest.mark.usefixtures("without_collector")
async def test_a_connection_leaves_nothing(monkeypatch: pytest.MonkeyPatch, end: object) -> None:
    left: list[weakref.ref[object]] = []
    began = Conversation.__init__

    def noted(self: Conversation, context: Context, connection: Wire, *more: Any) -> None:
        began(self, context, connection, *more)
        assert isinstance(connection, Connection)
        left.extend(weakref.ref(part) for part in (self, connection, connection.protocol))

    monkeypatch.setattr(Conversation, "__init__", noted)
    monkeypatch.setattr(hub, "MANY_STALE", 0)
    async with running() as live:
        async with live.client() as client:
            await stay(client)
            assert callable(end)
            await end(client)
        await until(lambda: not live.server.parts.hub.sessions)
        assert len(left) == 3
        await until(lambda: not any(each() for each in left))


async def test_deadlines_of_sessions_that_are_gone_are_dropped(live: Running) -> None:
    server = live.server.parts.hub
    for _ in range(3):
        clients = [server.open(Silent(), "", 0.0) for _ in range(1500)]
        for session in clients:
            server.close(session)
        assert len(server._deadlines) <= 1500


class Silent:
    """A receiver of nothing."""

    size = 0

    def write(self, *_: object) -> None: ...
    def send(self, *_: object) -> None: ...
    def close(self, *_: object) -> None: ...
    def begin(self) -> None: ...
    def end(self) -> None: ...
    def finish(self, *_: object) -> None: ...
    def abort(self) -> None: ...


@pytest.mark.parametrize(
    ("counts", "trims"),
    [
        ([0, 3 * MANY, 3 * MANY, 0, 0], 1),
        ([3 * MANY, 2 * MANY, 2 * MANY], 0),  # more than half are there
        ([MANY - 1, 0], 0),
        ([4 * MANY, 2 * MANY, 2 * MANY, MANY, MANY, 0], 3),
    ],
)
async def test_memory_is_given_back_when_most_are_gone(
    monkeypatch: pytest.MonkeyPatch, counts: list[int], trims: int
) -> None:
    monkeypatch.setattr("ws_server.heap.INTERVAL", 0.0)
    done: list[None] = []
    left = iter(counts)
    with suppress(RuntimeError):  # of the iterator that is at its end
        await give_back(lambda: next(left), lambda: done.append(None))
    assert len(done) == trims


def resident() -> int:
    """How many pages this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1])


def test_the_c_library_returns_what_is_free() -> None:
    blocks = [bytes(2000) for _ in range(40_000)]  # 80 MB, beyond Python's own small objects
    kept = blocks[::100]  # so that the heap is not free at its end
    full = resident()
    del blocks
    trim()
    assert len(kept) == 400
    assert full - resident() > 10_000  # of some 20,000 pages
