"""Several worker processes behind one port: balance, death, health, drain, the end of the parent.

Redis is away in all of it: only what the processes do with each other is looked at here.
"""

import asyncio
import json
import os
import resource
import signal
import socket
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from ws_server.broker.memory import MemoryBroker
from ws_server.settings import cores
from ws_server.workers import slots
from ws_server.workers.handover import install
from ws_server.workers.slots import Slots

from tests.ws.harness import SECRET, Client, until
from tests.ws.test_process import health, logged, spawn

AWAY = "redis://127.0.0.1:1/0"


@dataclass
class Master:
    """The parent of some workers, and all that they log."""

    process: Process
    records: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    def events(self, event: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["event"] == event]

    def workers(self) -> list[int]:
        return children(self.process.pid)

    async def read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            self.records.append(json.loads(line))

    async def get(self, path: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        async with asyncio.timeout(5):
            answer = (await reader.read()).decode()
        writer.close()
        return int(answer.split(" ", 2)[1]), answer.rpartition("\r\n\r\n")[2]

    async def answers(self, path: str) -> None:
        """Return when it is answered by 200."""
        async with asyncio.timeout(15):
            while (await self.get(path))[0] != 200:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.02)

    def drained(self) -> list[int]:
        """How many connections each worker had when it was told to stop, sorted."""
        return sorted(record["connections"] for record in self.events("draining"))


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@asynccontextmanager
async def master(workers: int = 3, **environment: str) -> AsyncIterator[Master]:
    """A parent whose workers all serve; killed with them if the test left them running."""
    more = {"WS_WORKERS": str(workers), "REDIS_URL": AWAY} | environment
    process = await spawn("-m", "ws_server", NEXTAUTH_SECRET=SECRET.decode(), **more)
    one = Master(process)
    reading = asyncio.create_task(one.read())
    try:
        await until(lambda: len(one.events("listening")) == workers)
        one.port = one.events("workers")[0]["port"]
        await one.answers("/healthz")  # it listens before its first beat
        yield one
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(15):
                await process.wait()
        await reading


async def opened(exits: AsyncExitStack, port: int, many: int) -> list[ClientConnection]:
    url = f"ws://127.0.0.1:{port}/ws"
    return [await exits.enter_async_context(connect(url, ping_interval=None)) for _ in range(many)]


async def test_each_worker_has_as_many_connections_as_the_others() -> None:
    async with master() as one, AsyncExitStack() as exits:
        sockets = await opened(exits, one.port, 30)
        # Long-lived connections that end on one side only are made up for on that side.
        for one_of_them in sockets[:12:3]:
            await one_of_them.close()
        await opened(exits, one.port, 4)
        one.process.terminate()
        await one.process.wait()
        await until(lambda: len(one.drained()) == 3)
        assert one.drained() == [10, 10, 10]


async def test_sigterm_says_3001_everywhere_and_leaves_nobody() -> None:
    async with master() as one, AsyncExitStack() as exits:
        sockets = await opened(exits, one.port, 6)
        workers = one.workers()
        closings = [asyncio.create_task(Client(each).closed()) for each in sockets]
        one.process.terminate()
        assert set(await asyncio.gather(*closings)) == {(3001, "shutdown")}
        assert await one.process.wait() == 0
        assert not [pid for pid in workers if lives(pid)]


async def test_a_worker_that_died_is_replaced_and_gets_the_next_connections() -> None:
    async with master() as one, AsyncExitStack() as exits:
        sockets = await opened(exits, one.port, 30)
        os.kill(one.workers()[0], signal.SIGKILL)
        await until(lambda: len(one.events("listening")) == 4)
        (died,) = one.events("worker_died")
        assert died["code"] == -signal.SIGKILL
        await asyncio.sleep(0.5)  # its first beat
        assert Counter(each.state.name for each in sockets)["OPEN"] == 20
        await opened(exits, one.port, 10)
        one.process.terminate()
        await one.process.wait()
        await until(lambda: len(one.drained()) == 3)
        assert one.drained() == [10, 10, 10]


async def test_workers_that_die_again_and_again_end_the_process() -> None:
    async with master(2) as one:
        for turn in range(6):
            os.kill(one.workers()[0], signal.SIGKILL)
            await until(lambda turn=turn: len(one.events("worker_died")) > turn)  # type: ignore[misc]
        assert await one.process.wait() == 1
        await until(lambda: bool(one.events("workers_keep_dying")))


async def test_a_stuck_worker_is_seen_by_all_and_gets_no_connections() -> None:
    async with master() as one, AsyncExitStack() as exits:
        assert await one.get("/healthz") == (200, "ok\n")
        stuck = one.workers()[0]
        os.kill(stuck, signal.SIGSTOP)
        try:
            await asyncio.sleep(slots.LATE + 0.3)
            for _ in range(4):
                assert await one.get("/healthz") == (503, "a worker does not answer\n")
            assert json.loads((await one.get("/readyz"))[1])["missing"] == ["redis", "worker"]
            await opened(exits, one.port, 9)
        finally:
            os.kill(stuck, signal.SIGCONT)
        await asyncio.sleep(0.5)
        assert await one.get("/healthz") == (200, "ok\n")


async def test_a_worker_without_file_descriptors_loses_the_new_ones_only() -> None:
    async with master(2) as one, AsyncExitStack() as exits:
        for pid in one.workers():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (60, 60))
        kept = [Client(await exits.enter_async_context(connect(f"ws://127.0.0.1:{one.port}/ws")))]
        await kept[0].sign_in()
        crowd = [await asyncio.open_connection("127.0.0.1", one.port) for _ in range(150)]
        await asyncio.sleep(0.5)
        assert await kept[0].ask({"id": 2, "ping": {}}) == {"id": 2, "ping": {}}
        for _, writer in crowd:
            writer.close()
        await asyncio.sleep(0.5)
        await opened(exits, one.port, 20)
        one.process.terminate()
        await one.process.wait()
        assert one.drained() == [10, 11]


async def test_not_ready_while_redis_is_away() -> None:
    async with master(2) as one:
        assert await health(one.port) == 1
        status, body = await one.get("/readyz")
        said = {"ready": False, "missing": ["redis"], "degraded": []}
        assert (status, json.loads(body)) == (503, said)


async def test_workers_end_with_their_parent() -> None:
    async with master(2) as one:
        workers = one.workers()
        one.process.kill()
        await one.process.wait()
        await until(lambda: not any(map(lives, workers)))


async def test_one_worker_has_no_parent() -> None:
    process = await spawn("-m", "ws_server", NEXTAUTH_SECRET=SECRET.decode(), WS_WORKERS="1")
    try:
        await logged(process, "listening")
        assert children(process.pid) == []
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ],
)
def test_cores_respect_the_quota_of_the_control_group(
    files: dict[str, str], limit: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_cores", lambda: 8)
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert cores.available(tmp_path) == (limit or 8)


def test_the_worst_worker_counts() -> None:
    shared = Slots(3)
    assert shared.condition(["redis"]) == (["worker"], [])  # they are starting
    redis, database = MemoryBroker(), MemoryBroker()
    for slot in shared.all:
        slot.beat([redis, database])
    assert shared.condition(["redis", "postgres"]) == ([], [])
    database.is_ready, redis.degraded = False, "OOM"
    shared.all[2].beat([redis, database])
    assert shared.condition(["redis", "postgres"]) == (["postgres"], ["redis"])
    assert shared.all[2].state(time.monotonic() + slots.LATE + 1) is None


def test_a_connection_may_leave_before_the_parent_counted_it() -> None:
    (slot,) = Slots(1).all
    slot.left()
    slot.handed()
    assert slot.load == 0


async def test_a_listener_with_a_socket_of_its_own_is_left_alone() -> None:
    """The port of something else in a worker, which the parent does not know."""
    loop = asyncio.get_running_loop()
    before = loop.create_server
    ours, theirs = socket.socketpair()
    (slot,) = Slots(1).all
    install(loop, theirs, slot, lambda: None)
    try:
        own = socket.create_server(("127.0.0.1", 0))
        async with await loop.create_server(asyncio.Protocol, sock=own) as server:
            assert server.sockets[0].getsockname() == own.getsockname()
        handed = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        assert handed.sockets == ()
        handed.close()
    finally:
        loop.create_server = before  # type: ignore[method-assign]
        ours.close()
