"""What the tests of the I/O-free core share: receivers that keep, publications, and members."""

import math
from dataclasses import dataclass, field

from ws_server.core.claims import Claims
from ws_server.core.codes import Disconnect
from ws_server.core.hub import Hub
from ws_server.core.namespaces import Slow
from ws_server.core.publication import History, Position, Publication
from ws_server.core.session import Session, Times

TIMES = Times(connect=5, ping=25, pong=10, grace=25)


@dataclass
class Sink:
    """A receiver that keeps what it gets."""

    frames: list[bytes] = field(default_factory=list)
    closed: list[Disconnect] = field(default_factory=list)
    size: int = 0

    def write(self, framed: bytes, channel: str = "", slow: Slow = "disconnect") -> None:
        self.frames.append(framed)

    def send(self, payload: bytes) -> None:
        self.frames.append(payload)

    def close(self, disconnect: Disconnect) -> None:
        self.closed.append(disconnect)

    def begin(self) -> None:
        """Nothing is begun that would have to be waited for."""

    def end(self) -> None:
        """Nothing was begun."""

    def finish(self, disconnect: Disconnect) -> None:
        self.closed.append(disconnect)

    def abort(self) -> None:
        raise AssertionError


def pubs(*offsets: int, epoch: str = "e") -> tuple[Publication, ...]:
    return tuple(Publication(b'{"data":%d}' % offset, offset, epoch) for offset in offsets)


def history(*offsets: int, top: int, epoch: str = "e") -> History:
    """A stream of which those are kept."""
    return History(pubs(*offsets, epoch=epoch), Position(top, epoch))


def offsets_of(publications: tuple[Publication, ...]) -> list[int]:
    return [publication.offset for publication in publications]


def signed_in(hub: Hub, user: str = "alice", *channels: str) -> Session:
    """A session whose token opens the channels."""
    session = hub.open(Sink(), "", now=0)
    session.welcome(Claims(user, math.inf, channels or ("*",)), math.inf, math.inf)
    hub.signed_in(session)
    return session
