"""Sends what is published in a channel to its members: once serialised, once framed. No waiting.

All that is published in one turn of the loop goes out as one frame a channel (the protocol joins
messages by newlines), so a burst costs a write a member and not a write a message.
"""

import time
from collections.abc import Callable

from ws_server.core.channels import Channels
from ws_server.core.frame import frame
from ws_server.core.namespaces import Namespaces
from ws_server.stats import Stats

MAX_FRAME = 64 * 1024  # bytes of messages that are joined; larger ones travel alone


class Fanout:
    """The publications that are on their way out.

    ``soon`` calls back at the end of the turn; ``written`` is called when all then went out.
    """

    def __init__(
        self,
        channels: Channels,
        namespaces: Namespaces,
        stats: Stats,
        soon: Callable[[Callable[[], None]], object],
        written: Callable[[], None] = lambda: None,
    ) -> None:
        self._channels = channels
        self._namespaces = namespaces
        self._stats = stats
        self._soon = soon
        self._written = written
        self._waiting: dict[str, list[bytes]] = {}
        self._afterwards: list[Callable[[], None]] = []
        self._is_scheduled = False

    def push(self, channel: str, payload: bytes) -> None:
        """Send a whole push to all who are members now or when the turn ends."""
        if not self._is_scheduled:
            self._schedule()
        waiting = self._waiting.get(channel)
        if waiting is None:
            self._waiting[channel] = [payload]
        else:
            waiting.append(payload)

    def flush(self, channel: str | None = None) -> None:
        """Write what waits, of one channel or of all.

        Needed before a new member joins a channel: what came earlier is not for it.
        """
        if channel is None:
            waiting, self._waiting = self._waiting, {}
        else:
            waiting = {channel: self._waiting.pop(channel)} if channel in self._waiting else {}
        for name, payloads in waiting.items():
            self._write(name, payloads)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call once, after what waits now was sent."""
        if not self._is_scheduled:
            self._schedule()
        self._afterwards.append(call)

    def _schedule(self) -> None:
        self._is_scheduled = True
        self._soon(self.end_turn)

    def end_turn(self) -> None:
        """Send all that waits, and do what comes after it; now, and not when the turn ends."""
        self._is_scheduled = False
        self.flush()
        calls, self._afterwards = self._afterwards, []
        for call in calls:
            call()
        self._written()

    def _write(self, channel: str, payloads: list[bytes]) -> None:
        started = time.perf_counter()
        slow = self._namespaces.of(channel).slow
        receivers = [session.receiver for session in self._channels.members(channel)]
        frames = [frame(part) for part in _joined(payloads)]
        for framed in frames:
            for receiver in receivers:
                receiver.write(framed, channel, slow)
        stats = self._stats
        stats.messages += len(payloads) * len(receivers)
        stats.sent_bytes += sum(map(len, frames)) * len(receivers)
        stats.broadcasts.observe(time.perf_counter() - started)


def _joined(payloads: list[bytes]) -> list[bytes]:
    """Join messages by newlines, up to MAX_FRAME bytes each."""
    if sum(map(len, payloads)) + len(payloads) <= MAX_FRAME:
        return [b"\n".join(payloads)]
    parts: list[list[bytes]] = []
    size = MAX_FRAME
    for payload in payloads:
        if size + len(payload) >= MAX_FRAME:
            parts.append([])
            size = 0
        parts[-1].append(payload)
        size += len(payload) + 1
    return [b"\n".join(part) for part in parts]
