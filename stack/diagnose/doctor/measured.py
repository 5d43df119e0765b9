"""What was measured on a path that works: how many WebSockets, how large a message. Pure values."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from stack.probe.exchange import Ending, Exchange


@dataclass(frozen=True)
class Load:
    """How many WebSockets were open together, out of how many requested.

    ``refusal`` is what one more got while ``opened`` were held. ``later`` is what one more got a
    moment after that, and ``freed`` what it got after one of those held was closed: a limit of
    connections yields only to the second, a limit of the rate to the first. Without a refusal,
    fewer than requested means that time ran out.
    """

    wanted: int
    opened: int
    seconds: float
    refusal: Exchange | None = None
    later: Exchange | None = None
    freed: Exchange | None = None

    def mapped(self, change: Callable[[Exchange], Exchange]) -> "Load":
        """Return the same with every exchange changed."""
        rows = (self.refusal, self.later, self.freed)
        refusal, later, freed = (change(row) if row else None for row in rows)
        return replace(self, refusal=refusal, later=later, freed=freed)


@dataclass(frozen=True)
class Sizes:
    """The result of a message of ``wanted`` bytes, and of smaller ones in search of the limit.

    ``sent`` is how much of it went out, to the server or into buffers on the way, before the
    connection ended or time ran out. ``ending`` is None if the connection stayed open. ``passed``
    is the largest size that left it open, ``failed`` the smallest that did not. ``small`` is how a
    message of one byte ended.
    """

    wanted: int
    sent: int = 0
    ending: Ending | None = None
    passed: int = 0
    failed: int = 0
    small: Ending | None = None
    tries: int = 1

    @property
    def passes(self) -> bool:
        """Whether the whole message went through and the connection stayed open."""
        return self.ending is None and self.sent == self.wanted
