"""The broker of a lone server: history, keys, presence, and what it forgets."""

import asyncio
import math
import time
from collections.abc import AsyncIterator

import pytest
from ws_server.broker import memory
from ws_server.broker.base import MAX_HISTORY_BYTES, Keep
from ws_server.broker.memory import MemoryBroker
from ws_server.core.publication import Position

from tests.ws.redis_server import VERSIONS, Recorder

KEEP = Keep(size=10, ttl=60, meta_ttl=600)


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
async def broker(heard: Recorder) -> AsyncIterator[MemoryBroker]:
    found = MemoryBroker()
    running = asyncio.create_task(found.run(heard))
    await asyncio.sleep(0)
    yield found
    running.cancel()


async def fill(broker: MemoryBroker, count: int, keep: Keep = KEEP) -> Position:
    places = [await broker.publish("a", b"%d" % n, keep) for n in range(count)]
    return places[-1]


@pytest.mark.parametrize(
    ("since", "limit", "reverse", "expected"),
    [
        (None, -1, False, [*range(3, 13)]),
        (None, 0, False, []),
        (None, 3, True, [12, 11, 10]),
        (10, -1, False, [11, 12]),
        (99, -1, False, []),
        (5, -1, True, [4, 3]),
        (0, -1, True, []),
        (0, 2, False, [3, 4]),
    ],
)
async def test_history_as_redis_has_it(
    broker: MemoryBroker, since: int | None, limit: int, reverse: bool, expected: list[int]
) -> None:
    top = await fill(broker, 12)
    position = None if since is None else Position(since, top.epoch)
    found = await broker.history("a", position, limit, reverse=reverse)
    assert [pub.offset for pub in found.publications] == expected
    assert found.top == top


async def test_a_history_that_is_too_large_is_cut(broker: MemoryBroker) -> None:
    for _ in range(6):
        await broker.publish("a", b"x" * (MAX_HISTORY_BYTES // 4), KEEP)
    found = await broker.history("a", None, -1)
    assert [pub.offset for pub in found.publications] == [1, 2, 3, 4]
    assert found.top.offset == 6


async def test_a_stream_that_is_read_first_keeps_its_epoch(broker: MemoryBroker) -> None:
    top = (await broker.history("a", None, 0)).top
    assert top.offset == 0
    assert await fill(broker, 1) == Position(1, top.epoch)


async def test_what_expired_is_forgotten(
    broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await fill(broker, 3)
    await broker.publish("a", b"x", None, "key")
    now = time.monotonic()
    broker.sweep(now + 61)
    assert broker._streams["a"].kept.maxlen is None
    assert len(broker._streams["a"].kept) == 0
    assert (await broker.history("a", None, 0)).top == old
    broker.sweep(now + 700)
    assert broker._streams == {}
    assert broker._keys == {}
    new = await fill(broker, 1)
    assert new.offset == 1
    assert new.epoch != old.epoch
    monkeypatch.setattr(time, "monotonic", lambda: math.inf)
    assert (await broker.history("a", None, -1)).publications == ()


async def test_only_newer_versions_are_published(broker: MemoryBroker, heard: Recorder) -> None:
    places = [await broker.publish("a", b"x", KEEP, version=each) for each, _ in VERSIONS]
    assert [place.offset for place in places] == [offset for _, offset in VERSIONS]
    assert len(heard.of("pub")) == 5


async def test_a_key_publishes_once_a_channel(broker: MemoryBroker, heard: Recorder) -> None:
    places = [await broker.publish("a", b"%d" % n, KEEP, "key") for n in range(3)]
    assert len(set(places)) == 1
    await broker.publish("b", b"other", KEEP, "key")
    assert heard.of("pub") == [b"0", b"other"]


async def test_keys_are_bounded(broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_KEYS", 2)
    for number in range(5):
        await broker.publish("a", b"x", None, f"{number}")
    assert [key for _, key in broker._keys] == ["3", "4"]


async def test_presence(broker: MemoryBroker, heard: Recorder) -> None:
    await broker.enter("a", "c1", b"{}", announce=True)
    assert await broker.present("a") == {"c1": b"{}"}
    for _ in range(2):
        await broker.exit("a", "c1", announce=True)
    assert await broker.present("a") == {}
    assert [kind for _, kind, _ in heard.messages] == ["join", "leave"]
    assert broker._present == {}
