"""Looks at Redis every second: what data it has, how late it answers, what time it is. Only reads.

So the look works while Redis refuses to write.
"""

import asyncio
import math
import time
from uuid import uuid4

from ws_server.broker.base import BrokerDownError
from ws_server.broker.identity import Identity, run_id
from ws_server.broker.link import RedisLink

MEMORY = b"ws:memory"  # another value is another memory of the same Redis; see ``identity``
TIMEOUT = 3.0


class Watch:
    """What is known of the Redis behind a link.

    ``life`` is another one as soon as Redis may have forgotten something. It belongs to epochs.
    """

    def __init__(self, link: RedisLink) -> None:
        self.life = b""
        self.run_id = ""
        self._link = link
        self._identity: Identity | None = None
        self._asked_at: float | None = None
        self._lag = 0.0
        self._ahead = -math.inf  # seconds that the clock of Redis is ahead of the monotonic one

    @property
    def lag(self) -> float:
        """The response time of the last look, or of the pending one, in seconds."""
        waited = 0.0 if self._asked_at is None else time.monotonic() - self._asked_at
        return max(self._lag, waited)

    @property
    def now(self) -> float:
        """The time of Redis in seconds, or earlier."""
        return time.monotonic() + self._ahead

    async def begin(self) -> None:
        """Ask a Redis that was just connected what it is. Raises BrokerDownError."""
        request = self._link.request
        server, told = await request(b"INFO", b"server"), await request(b"INFO", b"replication")
        identity, before = Identity.read(bytes(told)), self._identity
        if before and identity == before and not identity.has_all_of(before):
            await request(b"SET", MEMORY, uuid4().hex.encode())
        memory = bytes(await request(b"GET", MEMORY) or b"")
        self._identity, self.run_id = identity, run_id(bytes(server))
        self.life = f"{self.run_id}:{identity.replication_id}:{memory.decode()}".encode()

    async def look(self, *, is_urgent: bool) -> None:
        """Look once; ``is_urgent`` overtakes other requests.

        Raises BrokerDownError if Redis was demoted or may have forgotten something, TimeoutError.
        """
        self._asked_at = time.monotonic()
        async with asyncio.timeout(TIMEOUT):
            told = await self._link.request(b"INFO", b"replication", is_urgent=is_urgent)
            clock = await self._link.request(b"TIME", is_urgent=is_urgent)
        now = time.monotonic()
        self._lag, self._asked_at, self._ahead = now - self._asked_at, None, int(clock[0]) - now
        identity = Identity.read(bytes(told))
        if not identity.is_master:
            raise BrokerDownError("it is a replica now")
        if self._identity and not identity.has_all_of(self._identity):
            raise BrokerDownError("it may have forgotten what it had")
        self._identity = identity
