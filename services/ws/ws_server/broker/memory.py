"""The broker of a server without Redis: its state is in this process only."""

import asyncio
import math
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from uuid import uuid4

from ws_server.broker.base import EMPTY_TTL, MAX_HISTORY_BYTES, Keep, Listener
from ws_server.core.publication import History, Kind, Position, Publication, Version

KEY_TTL = 300.0  # seconds that the key of a publication is remembered
MAX_KEYS = 100_000
SWEEP_INTERVAL = 10.0
NO_KEEP = Keep(0, 0.0, 0.0)


@dataclass(slots=True)
class _Stream:
    """The stored publications of a channel with their times, until ``ends_at``."""

    kept: deque[tuple[float, Publication]] = field(default_factory=deque)
    top: int = 0
    epoch: str = field(default_factory=lambda: uuid4().hex[:8])
    keep: Keep = NO_KEEP
    version: Version | None = None
    ends_at: float = math.inf

    def trim(self, now: float) -> None:
        size, since = self.keep.size, now - self.keep.ttl
        while self.kept and (len(self.kept) > size or self.kept[0][0] < since):
            self.kept.popleft()


class MemoryBroker:
    """Implements Broker; delivers publications to this process at once."""

    name = "memory"
    is_ready = True
    lag = 0.0
    degraded = ""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self.replica = uuid4().hex[:12]
        self._streams: dict[str, _Stream] = {}
        self._present: dict[str, dict[str, bytes]] = {}
        self._keys: dict[tuple[str, str], tuple[float, Position]] = {}
        self._nowhere: asyncio.Future[Position] | None = None  # one for all without a history

    async def run(self, listener: Listener) -> None:
        """Sweep until cancelled; there is no connection to keep.

        Several listeners may run at once, like the replicas at one Redis.
        """
        self._listeners.append(listener)
        try:
            while True:
                await asyncio.sleep(SWEEP_INTERVAL)
                self.sweep(time.monotonic())
        finally:
            self._listeners.remove(listener)

    def sweep(self, now: float) -> None:
        """Remove expired entries."""
        self._streams = {name: each for name, each in self._streams.items() if each.ends_at > now}
        for stream in self._streams.values():
            stream.trim(now)
        self._keys = {name: each for name, each in self._keys.items() if now - each[0] < KEY_TTL}

    async def subscribe(self, channel: str) -> None:
        """Do nothing: everything is delivered."""

    def unsubscribe(self, channel: str) -> None:
        """Do nothing: the hub drops what has no subscriber."""

    def deadline(self) -> float:
        """Return infinity: nobody else publishes here."""
        return math.inf

    def publish(
        self,
        channel: str,
        payload: bytes,
        keep: Keep | None = None,
        key: str = "",
        until: float = math.inf,  # noqa: ARG002 - the keys are paused with this process
        version: Version | None = None,
        after: str = "",  # noqa: ARG002 - nothing is refused
    ) -> asyncio.Future[Position]:
        """Deliver to the subscribers of this process."""
        if keep is None and not key:
            self._deliver(channel, "pub", Publication(payload))
            self._nowhere = self._nowhere or _done(Position(0, ""))
            return self._nowhere
        return _done(self._publish(channel, payload, keep, key, version))

    def _publish(
        self, channel: str, payload: bytes, keep: Keep | None, key: str, version: Version | None
    ) -> Position:
        now = time.monotonic()
        known = self._keys.get((channel, key)) if key else None
        if known and now - known[0] < KEY_TTL:
            return known[1]
        if keep and version:
            stream = self._stream(channel, now)
            last = stream.version
            if last and last.epoch == version.epoch and last.number >= version.number:
                return Position(stream.top, stream.epoch)
            stream.version = version
        publication = self._append(channel, payload, keep, now) if keep else Publication(payload)
        position = Position(publication.offset, publication.epoch)
        if key:
            self._remember(channel, key, now, position)
        self._deliver(channel, "pub", publication)
        return position

    async def history(
        self, channel: str, since: Position | None, limit: int, *, reverse: bool = False
    ) -> History:
        """Return the stored publications that have not expired, at most MAX_HISTORY_BYTES."""
        now = time.monotonic()
        stream = self._stream(channel, now)
        stream.trim(now)
        found = [pub for _, pub in stream.kept]
        if since is not None and reverse:
            found = [pub for pub in found if pub.offset < since.offset]
        elif since is not None:
            found = [pub for pub in found if pub.offset > since.offset]
        found = found[::-1] if reverse else found
        top = Position(stream.top, stream.epoch)
        wanted = found[: None if limit < 0 else limit]
        sizes = accumulate(len(pub.payload) for pub in wanted)
        fitting = bisect_right(list(sizes), MAX_HISTORY_BYTES)
        return History(tuple(wanted[:fitting]), top)

    async def forget(self, channel: str) -> None:
        """Remove the publications at once."""
        if channel in self._streams:
            self._streams[channel].kept.clear()

    async def enter(self, channel: str, client: str, info: bytes, *, announce: bool) -> None:
        """Add a client to the presence in this process."""
        self._present.setdefault(channel, {})[client] = info
        if announce:
            self._deliver(channel, "join", Publication(info))

    async def exit(self, channel: str, client: str, *, announce: bool) -> None:
        """Remove a client from the presence in this process."""
        clients = self._present.get(channel, {})
        info = clients.pop(client, None)
        if not clients:
            self._present.pop(channel, None)
        if announce and info is not None:
            self._deliver(channel, "leave", Publication(info))

    async def present(self, channel: str) -> Mapping[str, bytes]:
        """Return the clients of this process in the channel."""
        return dict(self._present.get(channel, {}))

    async def command(
        self,
        payload: bytes,
        replica: str = "",
        *,
        until: float = 0.0,  # noqa: ARG002 - no replica connects later
    ) -> None:
        """This process is all there is."""
        if replica in {"", self.replica}:
            for listener in self._listeners:
                listener.control(payload)

    async def time(self) -> float:
        """Return the time of this process."""
        return time.time()

    async def replicas(self) -> Collection[str]:
        """This process is all there is."""
        return (self.replica,)

    def _deliver(self, channel: str, kind: Kind, publication: Publication) -> None:
        for listener in self._listeners:
            listener.deliver(channel, kind, publication)

    def _append(self, channel: str, payload: bytes, keep: Keep, now: float) -> Publication:
        stream = self._stream(channel, now)
        stream.keep, stream.ends_at = keep, now + keep.meta_ttl
        stream.top += 1
        publication = Publication(payload, stream.top, stream.epoch)
        stream.kept.append((now, publication))
        stream.trim(now)
        return publication

    def _stream(self, channel: str, now: float) -> _Stream:
        """Return the stream of a channel; create it if needed, so that it has an epoch."""
        known = self._streams.get(channel)
        if known is None or known.ends_at <= now:
            known = self._streams[channel] = _Stream()
        if not known.top:
            known.ends_at = now + EMPTY_TTL
        return known

    def _remember(self, channel: str, key: str, now: float, position: Position) -> None:
        self._keys.pop((channel, key), None)
        if len(self._keys) >= MAX_KEYS:  # in order of time
            del self._keys[next(iter(self._keys))]
        self._keys[channel, key] = (now, position)


def _done(position: Position) -> asyncio.Future[Position]:
    done: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
    done.set_result(position)
    return done
