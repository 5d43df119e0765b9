"""A Redis and its replica that three sentinels watch, and how they fail over. Judges nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from tests.chaos.redis_pair import RedisPair
from tests.integration.containers import eventually
from tests.ws.redis_server import RealRedis, Servers, address_of, redis_servers

SENTINEL = """
sentinel monitor main 127.0.0.1 {port} 2
sentinel down-after-milliseconds main 1000
sentinel failover-timeout main 4000
"""


class WatchedPair(RedisPair):
    """Servers whose roles the sentinels give out; ``settled`` follows them."""

    sentinels: tuple[RealRedis, ...] = ()

    def url_of(self, user: str) -> str:
        """Where one of several users comes in: by the sentinels."""
        places = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{user}:{user}@{places}/main/0"

    async def settled(self) -> None:
        """Return when all sentinels name one master, and its replica has all."""
        await asyncio.to_thread(eventually, self._follow_sentinels, 60)

    async def fail_over(self) -> None:
        """The master dies, and comes back when the sentinels have named the other one."""
        dead = self.master
        await asyncio.to_thread(dead.kill)
        await asyncio.to_thread(eventually, partial(self._is_replaced, dead), 30)
        await asyncio.to_thread(dead.start)
        await self.settled()

    async def fail_over_late(self) -> None:
        """The same: sentinels do not promote a replica that has not followed."""
        await self.fail_over()

    async def demote(self) -> None:
        """The sentinels have both change places while they live."""
        old = self.master
        await asyncio.to_thread(self.sentinels[0].ask, "SENTINEL", "FAILOVER", "main")
        await asyncio.to_thread(eventually, partial(self._is_replaced, old), 30)
        await self.settled()

    async def restore(self) -> None:
        """The master comes back with older files, as a master or as a replica."""
        await super().restore()
        await self.settled()

    def _named(self) -> set[int]:
        asked = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
        return {int(each.ask(*asked)[1]) for each in self.sentinels}

    def _is_replaced(self, old: RealRedis) -> None:
        assert old.port not in self._named()

    def _follow_sentinels(self) -> None:
        (port,) = self._named()
        pair = (self.master, self.follower)
        self.master, self.follower = sorted(pair, key=lambda each: each.port != port)
        assert self.master.ask("INFO", "replication")["role"] == "master"
        seen = self.follower.ask("INFO", "replication")
        assert (seen["role"], seen.get("master_link_status")) == ("slave", "up")
        assert int(seen["master_port"]) == port


@asynccontextmanager
async def watched_pair(dice: random.Random, *options: str) -> AsyncIterator[WatchedPair]:
    """Start all of them, and remove them whatever happens."""
    with redis_servers() as servers:
        master, follower, sentinels = await asyncio.to_thread(_start, servers, options)
        async with address_of(master) as address:  # where nobody comes in
            pair = WatchedPair(master, follower, address, dice)
            pair.sentinels = sentinels
            await pair.settled()
            yield pair


def _start(
    servers: Servers, options: tuple[str, ...]
) -> tuple[RealRedis, RealRedis, tuple[RealRedis, ...]]:
    master, follower = servers.start(*options), servers.start(*options)
    follower.follow(master)
    text = SENTINEL.format(port=master.port)
    sentinels = tuple(servers.start_sentinel(text, "") for _ in range(3))
    for each in sentinels:
        eventually(partial(each.ask, "SENTINEL", "CKQUORUM", "main"))
        eventually(partial(_knows_replica, each))
    return master, follower, sentinels


def _knows_replica(sentinel: RealRedis) -> None:
    assert sentinel.ask("SENTINEL", "REPLICAS", "main")
