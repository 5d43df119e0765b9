"""One scrape of a container with several workers, in real processes; Redis is away in all of it.

The tests share one set of processes. Each begins when all workers are there, and counts from there.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from ws_server.api.scrape import joined
from ws_server.workers.mailboxes import TIMEOUT, Mailboxes
from ws_server.workers.slots import LATE

from tests.ws.harness import API_KEY, SECRET, until
from tests.ws.test_process import spawn
from tests.ws.test_workers import Master, children, lives, master, opened

SHARED = pytest.mark.asyncio(loop_scope="module")
KEY = {"WS_API_KEY": API_KEY.decode(), "WS_API_PORT": "0"}
ALL = {"0": 1.0, "1": 1.0, "2": 1.0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Master]:
    async with master(3, **KEY) as one:
        await ready(one)
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def one(shared: Master) -> Master:
    """Three workers that answer and have no connections."""
    await whole(shared)
    return shared


def url(one: Master) -> str:
    return f"http://127.0.0.1:{one.events('api_listening')[0]['port']}"


async def ready(one: Master, many: int = 3) -> None:
    await until(lambda: len(one.events("api_listening")) == many)


async def scrape(one: Master) -> list[Sample]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url(one)}/metrics")
    assert answer.status_code == 200
    families = list(text_string_to_metric_families(answer.text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))  # Prometheus refuses a family that comes twice
    return [sample for family in families for sample in family.samples]


async def whole(one: Master) -> None:
    async with asyncio.timeout(15):
        while True:
            samples = await scrape(one)
            idle = sum(by_worker(samples, "ws_connections").values()) == 0
            if idle and by_worker(samples, "ws_worker_up") == ALL:
                return
            await asyncio.sleep(0.05)


def calls(samples: list[Sample]) -> dict[str, float]:
    """How many calls of the API there were, by method, of all workers."""
    counted: Counter[str] = Counter()
    for each in samples:
        if each.name == "ws_api_requests_total":
            counted[each.labels["method"]] += int(each.value)
    return dict(counted)


def by_worker(samples: list[Sample], name: str) -> dict[str, float]:
    return {each.labels["worker"]: each.value for each in samples if each.name == name}


async def call(one: Master) -> int:
    async with httpx.AsyncClient(headers={"X-API-Key": KEY["WS_API_KEY"]}) as client:
        return (await client.post(f"{url(one)}/api/info", json={})).status_code


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@SHARED
async def test_one_scrape_has_all_workers(one: Master) -> None:
    before = await scrape(one)
    async with AsyncExitStack() as exits:
        await opened(exits, one.port, 9)
        await opened(exits, one.port, 3)
        for _ in range(10):
            assert await call(one) == 200
        samples = await scrape(one)
        thirds = {"0": 4.0, "1": 4.0, "2": 4.0}
        assert by_worker(samples, "ws_connections") == thirds
        # A client that had to wait on a busy machine may have given up once, and come again.
        opened_before = by_worker(before, "ws_connections_opened_total")
        opened_ever = by_worker(samples, "ws_connections_opened_total")
        assert all(opened_ever[worker] >= opened_before[worker] + 4 for worker in thirds)
        assert by_worker(samples, "ws_worker_up") == ALL
        assert calls(samples) == {"info": calls(before).get("info", 0) + 10}
        starts = by_worker(samples, "process_start_time_seconds")
        assert len(starts) == 3
        buckets = Counter(e.labels["worker"] for e in samples if e.name.endswith("_seconds_bucket"))
        assert len(set(buckets.values())) == 1


@SHARED
async def test_a_stuck_worker_is_down_and_holds_up_nothing(one: Master) -> None:
    with stopped(one.workers()[1]):
        for limit in (TIMEOUT + 1, TIMEOUT):  # one that is known to be stuck is not asked
            started = time.monotonic()
            samples = await scrape(one)
            assert time.monotonic() - started < limit
            assert sorted(by_worker(samples, "ws_worker_up").values()) == [0, 1, 1]
            assert len(by_worker(samples, "ws_connections")) == 2
            await asyncio.sleep(LATE)
    await whole(one)  # with its next beat


@SHARED
async def test_scrapes_at_the_same_time_get_the_same(one: Master) -> None:
    for samples in await asyncio.gather(*(scrape(one) for _ in range(20))):
        assert by_worker(samples, "ws_worker_up") == ALL


@SHARED
async def test_the_api_answers_whichever_worker_dies(one: Master) -> None:
    listening = len(one.events("api_listening"))
    for turn, pid in enumerate(one.workers()):
        os.kill(pid, signal.SIGKILL)
        assert await call(one) == 200
        samples = await scrape(one)
        assert sum(by_worker(samples, "ws_worker_up").values()) >= 2
        await ready(one, listening + 1 + turn)
        samples = await scrape(one)
        assert by_worker(samples, "ws_worker_up") == ALL


async def test_requests_wait_while_no_worker_lives() -> None:
    async with master(2, **KEY) as one:
        await ready(one, 2)
        for pid in one.workers():
            os.kill(pid, signal.SIGKILL)
        assert await call(one) == 200


@SHARED
async def test_a_worker_that_stops_alone_takes_no_requests_from_the_others(one: Master) -> None:
    leaving = one.workers()[0]
    os.kill(leaving, signal.SIGTERM)
    while lives(leaving):
        assert await call(one) == 200
        await asyncio.sleep(0)
    assert await call(one) == 200


async def test_nobody_answers_requests_after_sigterm() -> None:
    async with master(3, **KEY) as one, AsyncExitStack() as exits:
        await ready(one)
        await opened(exits, one.port, 3)
        address = url(one)
        one.process.terminate()
        await one.process.wait()
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{address}/metrics")


@SHARED
async def test_a_taken_port_of_the_api_is_named_by_the_parent(one: Master) -> None:
    port = url(one).rpartition(":")[2]
    more = KEY | {"WS_WORKERS": "2", "REDIS_URL": "redis://127.0.0.1:1", "WS_API_PORT": port}
    second = await spawn("-m", "ws_server", NEXTAUTH_SECRET=SECRET.decode(), **more)
    _, errors = await second.communicate()
    assert second.returncode == 1
    assert errors.decode().startswith(f"ws_server: cannot listen on 127.0.0.1:{port}: ")
    assert errors.count(b"\n") == 1


async def test_without_a_key_there_is_no_port() -> None:
    async with master(2) as one:
        assert not one.events("api_listening")
        assert len(children(one.process.pid)) == 2


async def test_what_a_worker_did_not_finish_is_no_answer() -> None:
    mailboxes = Mailboxes(3)
    big = b"x" * 10_000_000  # more than the socket holds
    with mailboxes.answering(1, lambda: big), mailboxes.answering(2, lambda: b""):
        assert await mailboxes.ask([1, 2]) == {1: big, 2: b""}
    with mailboxes.answering(1, lambda: b"half" * (1 // 0)):
        assert await mailboxes.ask([1, 2]) == {1: None, 2: None}


def test_label_values_survive() -> None:
    text = b'# HELP ws_a A \\\\ b.\n# TYPE ws_a gauge\nws_a{name="a\\"b\\\\n\\n,}"} 1.5\n'
    (up, family) = text_string_to_metric_families(joined({0: None, 7: text}).decode())
    assert {each.labels["worker"]: each.value for each in up.samples} == {"0": 0, "7": 1}
    assert family.documentation == "A \\ b."
    (sample,) = family.samples
    assert sample.labels == {"name": 'a"b\\n\n,}', "worker": "7"}
    assert sample.value == 1.5
