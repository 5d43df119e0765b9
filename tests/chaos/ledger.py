"""Judges what one subscriber saw: no gap, no reordering, nothing twice; no sockets.

Publishers number their events. What a publisher was told to be published is certain; when it was
told nothing, the event may come once or never. A subscriber that is told of a loss (``restarted``)
begins a new stretch; within one, every certain event of every publisher comes, in order.

What was written by SQL stays in the outbox until it is known to be published. After a loss that was
told it may come again, once: Redis lost the key that would have refused it, too.
"""

from collections.abc import Container
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """What one subscriber saw of one channel. ``faults`` are in words, for the failing test."""

    name: str
    is_uncertain: Container[tuple[str, int]]
    is_undone: Container[tuple[str, int]] = ()
    writers: Container[str] = ()
    offset: int = 0
    epoch: str = ""
    seen: set[tuple[str, int]] = field(default_factory=set)
    last: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    losses: int = 0
    _stretch: set[tuple[str, int]] = field(default_factory=set)
    _skipped: list[tuple[str, int, int]] = field(default_factory=list)

    def restarted(self, offset: int, epoch: str) -> None:
        """The server said that something may be missing, or this is the beginning."""
        self.losses += bool(self.epoch)
        self.offset, self.epoch = offset, epoch
        self.last.clear()
        self._stretch.clear()

    def saw(self, publisher: str, number: int, offset: int) -> None:
        """Count one event."""
        if offset != self.offset + 1:
            self.faults.append(f"{self.name}: offset {offset} after {self.offset}")
        self.offset = offset
        before = self._stretch if publisher in self.writers else self.seen
        if (publisher, number) in before:
            self.faults.append(f"{self.name}: {publisher} {number} came twice")
        self.seen.add((publisher, number))
        self._stretch.add((publisher, number))
        last = self.last.get(publisher)
        if last is None:
            self.last[publisher] = number
        elif number > last:
            self._skipped += [(publisher, missing, number) for missing in range(last + 1, number)]
            self.last[publisher] = number
        elif (publisher, number) not in self.is_uncertain:
            self.faults.append(f"{self.name}: {publisher} {number} after {last}")

    def verdict(self) -> list[str]:
        """Everything that was wrong, now that it is known what was certain."""
        holes = [
            f"{self.name}: {publisher} {missing} is missing before {number}"
            for publisher, missing, number in self._skipped
            if (publisher, missing) not in self.is_uncertain
            and (publisher, missing) not in self.is_undone
            and (publisher, missing) not in self.seen
        ]
        ghosts = [
            f"{self.name}: {publisher} {number} was rolled back"
            for publisher, number in sorted(self.seen)
            if (publisher, number) in self.is_undone
        ]
        return self.faults + holes + ghosts
