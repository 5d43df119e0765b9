"""Holds a reply of Redis back until enough replicas have what it acknowledges; knows no channels.

WAIT blocks its connection, so it has one of its own: subscriptions and other requests go on.
https://redis.io/docs/latest/commands/wait/
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ws_server.broker.base import BrokerDownError
from ws_server.broker.identity import run_id
from ws_server.broker.link import RedisLink, fail, settle

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

T = TypeVar("T")
CONFIRMED = b"ws:confirmed"
TIMEOUT = 1.0  # seconds that replicas have for it


class Confirming:
    """Asks Redis whether ``many`` replicas have all that was written before.

    ``degraded`` says how many have it while they are too few.
    """

    def __init__(self, many: int) -> None:
        self.degraded = ""
        self._many = many
        self._link = RedisLink(_ignore, _ignore, _ignore)
        self._held: list[tuple[asyncio.Future[Any], Any]] = []
        self._wake = asyncio.Event()

    def hold(self, reply: asyncio.Future[T]) -> asyncio.Future[T]:
        """Return a future of the same reply, which comes when enough replicas have it.

        It raises what the reply raises, and BrokerDownError if too few have it in time.
        """
        held: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        reply.add_done_callback(partial(self._replied, held))
        return held

    async def run_id(self) -> str:
        """Return the ``run_id`` of the server that is asked."""
        return run_id(bytes(await self._link.request(b"INFO", b"server")))

    async def serve(self, connection: "Connection") -> None:
        """Confirm until the connection ends; raises."""
        try:
            await self._link.serve(connection, self._confirm)
        finally:
            self._release(BrokerDownError())

    async def _confirm(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            asked, self._held = self._held, []
            try:
                await self._ask()
            except BrokerDownError as error:
                self._release(error, asked)
                if not self.degraded:
                    raise
            else:
                for held, value in asked:
                    settle(held, value)

    async def _ask(self) -> None:
        # WAIT waits for the last write of its own connection, and so for all that precede that one.
        self._link.request(b"SET", CONFIRMED, b"")
        have = await self._link.request(b"WAIT", b"%d" % self._many, b"%d" % (TIMEOUT * 1000))
        self.degraded = "" if have >= self._many else f"{have} of {self._many} replicas have it"
        if self.degraded:
            raise BrokerDownError(self.degraded)

    def _replied(self, held: asyncio.Future[T], reply: asyncio.Future[T]) -> None:
        if reply.cancelled():
            held.cancel()
        elif error := reply.exception():
            fail(held, error)
        else:
            self._held.append((held, reply.result()))
            self._wake.set()

    def _release(self, error: BrokerDownError, held: Any = None) -> None:
        if held is None:
            held, self._held = self._held, []
        for future, _ in held:
            fail(future, error)


def _ignore(*_: object) -> None:
    """Nothing is subscribed here."""
