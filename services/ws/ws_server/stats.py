"""Counts events for ``/metrics``; plain numbers, because each message is counted."""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

FAST = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
SLOW = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Upper bounds in seconds: FAST for work in this process, SLOW for requests to another one."""


class Histogram:
    """The number of durations up to each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


def _slow() -> defaultdict[str, Histogram]:
    return defaultdict(lambda: Histogram(SLOW))


@dataclass(slots=True)
class Stats:
    """All counters since the start; sizes in bytes, times in seconds."""

    connections: int = 0
    commands: int = 0
    received_bytes: int = 0
    messages: int = 0
    sent_bytes: int = 0
    publications: int = 0
    gaps: int = 0
    broadcasts: Histogram = field(default_factory=lambda: Histogram(FAST))
    errors: Counter[int] = field(default_factory=Counter)
    disconnects: Counter[int] = field(default_factory=Counter)
    unsubscribes: Counter[int] = field(default_factory=Counter)
    recoveries: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    api: Counter[tuple[str, int]] = field(default_factory=Counter)
    hooks: Counter[tuple[str, str]] = field(default_factory=Counter)
    hook_seconds: defaultdict[str, Histogram] = field(default_factory=_slow)
