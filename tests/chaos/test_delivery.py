"""Numbered events, by clients and by SQL, while all is killed at random: all, once, in order.

``make chaos SECONDS=600`` runs it for longer; CHAOS_SEED repeats the faults of an earlier run.
CHAOS_REDIS is ``rdb``, ``aof`` (an append-only file) or ``sentinel`` (the same, watched by three).
"""

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.clients import Publisher, Subscriber
from tests.chaos.ledger import Ledger
from tests.chaos.postgres import Writer
from tests.chaos.world import FAULTS, Fault, World, world

if TYPE_CHECKING:
    from collections.abc import Coroutine

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(5 * SECONDS + 300)]
SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))
CHANNELS = ("room:1", "room:2")
SUBSCRIBERS, PUBLISHERS, WRITERS = 8, 2, 2  # a channel
PEACE = 3.0  # seconds in which all are there again, so that nobody loses the last word
CALM = 20.0  # seconds in which everything has to arrive once nothing breaks any more

Source = Publisher | Writer


async def test_nothing_is_lost_doubled_or_reordered_in_silence() -> None:
    sys.stdout.write(f"\nCHAOS_SEED={SEED} for {SECONDS:g} s\n")
    dice = random.Random(SEED)
    async with world(dice) as here, asyncio.TaskGroup() as tasks:
        publishers, writers, subscribers = cast_of(here)
        sources: list[Source] = [*publishers, *writers]
        everybody: list[Source | Subscriber] = [*sources, *subscribers]
        running = [tasks.create_task(each.run()) for each in everybody]
        befell = await torment(here, lambda: was_enough(publishers, writers))
        await asyncio.sleep(PEACE)
        for each in sources:
            each.is_done = True
        await asyncio.sleep(0.5)
        late = await expect_all(sources, subscribers)
        waiting = await asyncio.to_thread(here.postgres.waiting)
        for task in running:
            task.cancel()
    found = [fault for each in subscribers for fault in each.ledger.verdict()]
    events = sum(publisher.number for publisher in publishers)
    written = sum(writer.number for writer in writers)
    losses = sum(each.ledger.losses for each in subscribers)
    sys.stdout.write(
        f"{events} events, {written} by SQL, {losses} losses that were told, {dict(befell)}\n"
    )
    assert found + late == [], f"CHAOS_SEED={SEED} {dict(befell)}"
    assert waiting == 0


def was_enough(publishers: list[Publisher], writers: list[Writer]) -> bool:
    """Whether there was so much to lose that a run without a loss says something."""
    events = sum(publisher.number for publisher in publishers)
    written = sum(writer.number for writer in writers)
    return events > SECONDS * 10 and written > SECONDS * 5


def cast_of(here: World) -> tuple[list[Publisher], list[Writer], list[Subscriber]]:
    """Make those who take part; each has dice of its own, so that none changes another's throws."""
    uncertain: set[tuple[str, int]] = set()
    undone: set[tuple[str, int]] = set()
    publishers = [
        Publisher(
            *(f"{c}p{n}", here.fronts, random.Random(f"{SEED}p{c}{n}")),
            channel=c,
            uncertain=uncertain,
        )
        for c in CHANNELS
        for n in range(PUBLISHERS)
    ]
    writers = [
        Writer(
            *(f"{c}w{n}", here.postgres.uri(), random.Random(f"{SEED}w{c}{n}")),
            channel=c,
            uncertain=uncertain,
            undone=undone,
        )
        for c in CHANNELS
        for n in range(WRITERS)
    ]
    names = {writer.name for writer in writers}
    subscribers = [
        Subscriber(
            *(f"{c}s{n}", here.fronts, random.Random(f"{SEED}s{c}{n}")),
            channel=c,
            ledger=Ledger(f"{c}s{n}", uncertain, undone, names),
        )
        for c in CHANNELS
        for n in range(SUBSCRIBERS)
    ]
    return publishers, writers, subscribers


async def torment(here: World, is_enough: Callable[[], bool]) -> Counter[str]:
    """Let one fault after another happen until it is enough; gives how often each did."""
    befell: Counter[str] = Counter()
    clock = asyncio.get_running_loop().time
    end = clock() + SECONDS
    await asyncio.sleep(1)
    left: list[Fault] = []
    while clock() < end or left or not is_enough():
        # Each once, in another order each time: the short run sees them all.
        left = left or here.dice.sample(FAULTS, len(FAULTS))
        fault = left.pop()
        befell[fault.__name__] += 1
        await fault(here)
        ended = [each.process.returncode for each in here.replicas if each.process]
        assert ended == [None, None], f"after {fault.__name__} a replica ended: {ended}"
        await asyncio.sleep(here.dice.uniform(0, 2))
    return befell


async def expect_all(sources: list[Source], subscribers: list[Subscriber]) -> list[str]:
    """Wait until everybody heard a last word that everybody can hear; gives who did not."""
    waiting: list[Coroutine[Any, Any, str]] = [last_word(each, sources) for each in subscribers]
    return [missing for missing in await asyncio.gather(*waiting) if missing]


async def last_word(subscriber: Subscriber, sources: list[Source]) -> str:
    wanted = {
        (each.name, each.last)
        for each in sources
        if each.channel == subscriber.channel and (each.name, each.last) not in each.uncertain
    }
    try:
        async with asyncio.timeout(CALM):
            while not wanted <= subscriber.ledger.seen:
                subscriber.arrived.clear()
                await subscriber.arrived.wait()
    except TimeoutError:
        return f"{subscriber.name}: never heard {wanted - subscriber.ledger.seen}"
    return ""


def test_the_checker_sees_what_is_wrong() -> None:
    uncertain = {("p", 3)}
    right = Ledger("right", uncertain)
    right.restarted(4, "e")
    for offset, number in enumerate([1, 2, 4, 3, 5], start=5):
        right.saw("p", number, offset)
    right.restarted(0, "f")
    right.saw("p", 9, 1)
    assert right.verdict() == []
    for numbers, words in (
        ([(1, 1), (3, 2), (5, 3)], "p 2 is missing before 3"),
        ([(1, 1), (2, 3)], "offset 3 after 1"),
        ([(1, 1), (2, 2), (1, 3)], "p 1 came twice"),
        ([(2, 1), (1, 2)], "p 1 after 2"),
    ):
        wrong = Ledger("wrong", set[tuple[str, int]]())
        wrong.restarted(0, "e")
        for number, offset in numbers:
            wrong.saw("p", number, offset)
        assert any(words in fault for fault in wrong.verdict())


def test_the_checker_knows_what_sql_may_do() -> None:
    right = Ledger("right", set[tuple[str, int]](), {("w", 2)}, {"w"})
    right.restarted(0, "e")
    right.saw("w", 1, 1)
    right.saw("w", 3, 2)
    right.restarted(0, "f")
    right.saw("w", 3, 1)
    assert right.verdict() == []
    right.saw("w", 3, 2)
    right.saw("w", 2, 3)
    assert right.verdict()[0] == "right: w 3 came twice"
    assert right.verdict()[-1] == "right: w 2 was rolled back"
