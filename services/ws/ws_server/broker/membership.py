"""Tells Redis every second that this replica lives, and takes out the members of a dead one."""

import asyncio
import math
from collections.abc import Awaitable, Iterator
from itertools import islice

from ws_server.broker import scripts
from ws_server.broker.base import BrokerRefusedError
from ws_server.broker.presence import Presence, Script
from ws_server.log import Log

REPLICAS = b"ws:replicas"
LIFETIME = 4.0  # seconds without a sign of life after which a replica counts as dead
STEP_TIMEOUT = 3.0
PART = 1000  # members of one step
OWED_EVERY = 5.0  # seconds between two attempts to tell Redis what it refused


class Membership:
    """The signs of life of one replica.

    ``degraded`` says why Redis refused the last one, in its words; a Redis that is out of memory
    still answers reads. What was to be written meanwhile is told when it writes again.
    """

    def __init__(self, presence: Presence, script: Script, replica: str, log: Log) -> None:
        self.degraded = ""
        self._presence = presence
        self._script = script
        self._replica = replica
        self._log = log
        self._since = math.inf
        self._is_forgotten = self._is_owed = False
        self._told_at = -math.inf

    def begin(self) -> None:
        """Begin anew on a new connection: Redis may have lost everything, or restored what was."""
        self._since, self._is_forgotten = math.inf, True

    def owe(self) -> None:
        """Tell all again, because Redis refused a part."""
        self._is_owed = True

    async def attend(self) -> None:
        """Give a sign of life, and take out the members of dead replicas."""
        dead = await self._sign()
        if self._is_forgotten and not self.degraded:
            self._is_forgotten = self._is_owed = False
            self._told_at = _now()
            await self._in_parts(self._presence.reconciled(await self._members(self._replica)))
        while dead:
            members = await self._members(dead)
            await self._in_parts(self._presence.reaped(dead, members))
            self._log.warning("replica_lost", replica=dead, members=len(members))
            dead = await self._sign(dead)

    async def _sign(self, reaped: str = "") -> str:
        """Say that this replica lives; return one that does not, to be taken out."""
        # After a silence all look dead, and each first has to be able to say that it lives.
        may_reap = _now() - self._since >= LIFETIME
        try:
            async with asyncio.timeout(STEP_TIMEOUT):
                is_new, dead = await self._script(
                    scripts.BEAT,
                    (REPLICAS,),
                    *(self._replica.encode(), b"%d" % (LIFETIME * 1000), reaped.encode()),
                    b"%d" % may_reap,
                )
        except BrokerRefusedError as error:
            self._change(str(error))
            self._since, self._is_forgotten = math.inf, True
            return ""
        self._change("")
        self._since = min(self._since, _now())
        is_owed = self._is_owed and _now() - self._told_at > OWED_EVERY
        self._is_forgotten = self._is_forgotten or bool(is_new) or is_owed
        return bytes(dead).decode()

    def _change(self, why: str) -> None:
        if why and not self.degraded:
            self._log.warning("dependency_degraded", dependency="redis", error=why)
        if self.degraded and not why:
            self._log.info("dependency_restored", dependency="redis")
        self.degraded = why

    async def _in_parts(self, steps: Iterator[Awaitable[None]]) -> None:
        """Take many steps, and say between them that this replica lives."""
        while part := tuple(islice(steps, PART)):
            async with asyncio.timeout(STEP_TIMEOUT):
                for done in await asyncio.gather(*part, return_exceptions=True):
                    if isinstance(done, BrokerRefusedError):
                        self.owe()
                    elif isinstance(done, BaseException):
                        raise done
            await self._sign()

    async def _members(self, replica: str) -> set[bytes]:
        async with asyncio.timeout(STEP_TIMEOUT):
            return await self._presence.members(replica)


def _now() -> float:
    return asyncio.get_running_loop().time()
