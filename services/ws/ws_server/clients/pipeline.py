"""The publications of one connection that are on their way to the broker; answers keep their order.

One at a time would be a way to Redis and back for each, and a fan-out of its own. Reads no frames.
"""

import asyncio
from collections import deque
from itertools import islice

from ws_server.core import codes, protocol
from ws_server.core.effects import Publish
from ws_server.core.publication import Position
from ws_server.core.session import Receiver
from ws_server.service.service import Service

MAX_PUBLICATIONS = 128
MAX_BYTES = 64 * 1024


class Pipeline:
    """What one connection published and is not answered yet."""

    def __init__(self, service: Service, receiver: Receiver) -> None:
        self._service = service
        self._receiver = receiver
        self._published: deque[tuple[Publish, asyncio.Future[Position]]] = deque()
        self._on_the_way = 0  # bytes
        self._is_settling = False

    def publish(self, effect: Publish) -> bool:
        """Hand it to the broker; the answer is sent when the broker has answered.

        Return False when ``keep_up`` has to be awaited before the next one.
        """
        if not self._published:
            self._receiver.begin()
        done = self._service.publish(effect.channel, effect.payload)
        self._published.append((effect, done))
        self._on_the_way += len(effect.payload)
        if done.done():
            self._settle_soon()
            return True
        done.add_done_callback(self._arrived)
        return len(self._published) < MAX_PUBLICATIONS and self._on_the_way < MAX_BYTES

    async def keep_up(self) -> None:
        """Wait while more is on its way to the broker than one connection may have there."""
        while len(self._published) >= MAX_PUBLICATIONS or self._on_the_way >= MAX_BYTES:
            await self._settled((len(self._published) + 1) // 2)

    async def answered(self) -> None:
        """Wait until all that was published is answered.

        Needed before anything else is: replies come in the order of the commands.
        """
        while self._published:
            await self._settled(len(self._published))

    async def _settled(self, count: int) -> None:
        first = (done for _, done in islice(self._published, count))
        # What is done already must not end the turn of the loop, and with it the joining.
        if waiting := [done for done in first if not done.done()]:
            await asyncio.wait(waiting)
        self._settle()

    def _arrived(self, _done: object) -> None:
        self._settle_soon()

    def _settle_soon(self) -> None:
        if not self._is_settling:
            self._is_settling = True
            self._service.fanout.afterwards(self._settle)

    def _settle(self) -> None:
        """Answer what the broker has, after the publications themselves."""
        self._is_settling = False
        answers: list[bytes] = []
        published, channel = self._published, ""
        while published and published[0][1].done():
            effect, done = published.popleft()
            self._on_the_way -= len(effect.payload)
            if effect.channel != channel:
                channel = effect.channel
                self._service.fanout.flush(channel)
            answers.append(self._answer(effect.command_id, done))
        if answers:
            self._receiver.send(b"\n".join(answers))
            if not published:
                self._receiver.end()

    def _answer(self, command_id: int, done: asyncio.Future[Position]) -> bytes:
        if done.exception() is None:
            return b'{"id":%d,"publish":{}}' % command_id
        self._service.stats.errors[codes.INTERNAL.code] += 1
        return protocol.failure(command_id, codes.INTERNAL)
