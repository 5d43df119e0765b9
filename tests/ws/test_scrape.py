"""One scrape of a container with several workers, in real processes; Redis is away in all of it."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from ws_server.api.scrape import joined
from ws_server.workers.mailboxes import TIMEOUT, Mailboxes
from ws_server.workers.slots import LATE

from tests.ws.harness import API_KEY, SECRET, until
from tests.ws.test_process import spawn
from tests.ws.test_workers import Master, children, lives, master, opened

KEY = {"WS_API_KEY": API_KEY.decode(), "WS_API_PORT": "0"}


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


async def test_one_scrape_has_all_workers() -> None:
    async with master(3, **KEY) as one, AsyncExitStack() as exits:
        await ready(one)
        await opened(exits, one.port, 9)
        await opened(exits, one.port, 3)
        for _ in range(10):
            assert await call(one) == 200
        samples = await scrape(one)
        thirds = {"0": 4.0, "1": 4.0, "2": 4.0}
        assert by_worker(samples, "ws_connections") == thirds
        # A client that had to wait on a busy machine may have given up once, and come again.
        opened_ever = by_worker(samples, "ws_connections_opened_total")
        assert all(opened_ever[worker] >= count for worker, count in thirds.items())
        assert by_worker(samples, "ws_worker_up") == {"0": 1, "1": 1, "2": 1}
        calls = [each for each in samples if each.name == "ws_api_requests_total"]
        assert sum(each.value for each in calls) == 10
        assert {each.labels["method"] for each in calls} == {"info"}
        starts = by_worker(samples, "process_start_time_seconds")
        assert len(starts) == 3
        buckets = Counter(e.labels["worker"] for e in samples if e.name.endswith("_seconds_bucket"))
        assert len(set(buckets.values())) == 1


async def test_a_stuck_worker_is_down_and_holds_up_nothing() -> None:
    async with master(3, **KEY) as one:
        await ready(one)
        await scrape(one)
        with stopped(one.workers()[1]):
            for limit in (TIMEOUT + 1, TIMEOUT):  # one that is known to be stuck is not asked
                started = time.monotonic()
                samples = await scrape(one)
                assert time.monotonic() - started < limit
                assert sorted(by_worker(samples, "ws_worker_up").values()) == [0, 1, 1]
                assert len(by_worker(samples, "ws_connections")) == 2
                await asyncio.sleep(LATE)
        await asyncio.sleep(0.5)  # its next beat
        assert sorted(by_worker(await scrape(one), "ws_worker_up").values()) == [1, 1, 1]


async def test_scrapes_at_the_same_time_get_the_same() -> None:
    async with master(3, **KEY) as one:
        await ready(one)
        for samples in await asyncio.gather(*(scrape(one) for _ in range(20))):
            assert by_worker(samples, "ws_worker_up") == {"0": 1, "1": 1, "2": 1}


async def test_the_api_answers_whichever_worker_dies() -> None:
    async with master(3, **KEY) as one:
        await ready(one)
        for turn, pid in enumerate(one.workers()):
            os.kill(pid, signal.SIGKILL)
            assert await call(one) == 200
            samples = await scrape(one)
            assert sum(by_worker(samples, "ws_worker_up").values()) >= 2
            await ready(one, 4 + turn)
            samples = await scrape(one)
            assert by_worker(samples, "ws_worker_up") == {"0": 1, "1": 1, "2": 1}


async def test_requests_wait_while_no_worker_lives() -> None:
    async with master(2, **KEY) as one:
        await ready(one, 2)
        for pid in one.workers():
            os.kill(pid, signal.SIGKILL)
        assert await call(one) == 200


async def test_a_worker_that_stops_alone_takes_no_requests_from_the_others() -> None:
    async with master(3, **KEY) as one:
        await ready(one)
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


async def test_a_taken_port_of_the_api_is_named_by_the_parent() -> None:
    async with master(3, **KEY) as one:
        await ready(one)
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
