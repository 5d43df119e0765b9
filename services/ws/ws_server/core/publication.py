"""Publications and their places in the stream of a channel, and how a gap is closed; pure.

An offset counts the publications of a channel from 1; an epoch names the stream, so that an offset
of a stream that was lost is never taken for one of its successor.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["pub", "join", "leave"]


class Position(NamedTuple):
    """The last publication that somebody has seen; offset 0 is the beginning of the stream."""

    offset: int
    epoch: str


class Version(NamedTuple):
    """Which state of something a publication tells; a state that is not newer is not published.

    States of another ``epoch`` are newer, whatever their numbers.
    """

    number: int
    epoch: str = ""


class Publication(NamedTuple):
    """A ``pub`` object as JSON, but for its offset; that is 0 in a channel without a history."""

    payload: bytes
    offset: int = 0
    epoch: str = ""

    @property
    def json(self) -> bytes:
        """The ``pub`` object as a client gets it."""
        if not self.offset:
            return self.payload
        return self.payload[:-1] + b',"offset":%d}' % self.offset


@dataclass(frozen=True, slots=True)
class History:
    """What a stream holds after a position (or all of it), and where the stream ends."""

    publications: tuple[Publication, ...]
    top: Position


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is missing after ``since``, in order, and where that ends.

    ``is_whole`` is False when it cannot be known to be everything; then nothing is sent.
    """

    publications: tuple[Publication, ...]
    position: Position
    is_whole: bool


def recover(since: Position | None, history: History, held: Iterable[Publication]) -> Recovery:
    """Join the history after ``since`` and what was ``held`` back while it was asked for.

    Without ``since`` nothing is missing, and only the position is wanted.
    """
    numbered = [pub for pub in held if pub.offset]
    top = history.top
    if numbered and numbered[-1].epoch != top.epoch:
        # The stream was replaced while the history was read; which of the two is newer cannot be
        # known.
        return Recovery((), Position(*numbered[-1][1:]), is_whole=since is None)
    late = [pub for pub in numbered if pub.epoch == top.epoch and pub.offset > top.offset]
    position = Position(late[-1].offset, top.epoch) if late else top
    if since is None:
        return Recovery((), position, is_whole=True)
    found = (*history.publications, *late)
    missed = tuple(pub for pub in found if pub.offset > since.offset)
    wanted = range(since.offset + 1, position.offset + 1)
    is_same = since.epoch == top.epoch or (since.epoch == "" and since.offset == 0)
    # A stream that ends before ``since`` went back in time, and counts the same numbers again.
    is_same = is_same and since.offset <= position.offset
    if is_same and [pub.offset for pub in missed] == list(wanted):
        return Recovery(missed, position, is_whole=True)
    return Recovery((), position, is_whole=False)
