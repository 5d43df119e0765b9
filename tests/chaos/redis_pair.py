"""A Redis and its replica behind one address, and how they fail over. Judges nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.ws.redis_server import Address, RealRedis, Servers, address_of, redis_servers


@dataclass
class RedisPair:
    """``master`` is the one that takes writes; both may have been it."""

    master: RealRedis
    follower: RealRedis
    address: Address
    dice: random.Random

    def url_of(self, user: str) -> str:
        """Where one of several users comes in."""
        return f"redis://{user}:{user}@127.0.0.1:{self.address.port}/0"

    async def settled(self) -> None:
        """Return when each has its role, which nobody but us changes here."""

    async def fail_over(self) -> None:
        """The master dies, its replica takes its place, and the old master follows it."""
        await asyncio.to_thread(self.master.kill)
        await self._promote()
        await asyncio.to_thread(self.follower.start)
        await asyncio.to_thread(self.follower.follow, self.master)

    async def fail_over_late(self) -> None:
        """The same, with a replica that lacks the last publications."""
        await asyncio.to_thread(self.follower.stop_following)
        await asyncio.sleep(self.dice.uniform(0.3, 1.5))
        await self.fail_over()

    async def demote(self) -> None:
        """Both live and change places; the address leads to the demoted one for a while."""
        old, new = self.master, self.follower
        await asyncio.to_thread(new.follow, None)
        await asyncio.to_thread(old.follow, new)
        self.master, self.follower = new, old
        await asyncio.sleep(self.dice.uniform(0, 2))
        self.address.lead_to(new.port)

    async def restore(self) -> None:
        """The master dies and comes back with the files of a moment before."""
        files = await asyncio.to_thread(self.master.files)
        await asyncio.sleep(self.dice.uniform(0.3, 1.5))
        await asyncio.to_thread(self.master.kill)
        await asyncio.to_thread(self.master.write_files, files)
        await asyncio.to_thread(self.master.start)

    async def fill(self) -> None:
        """Refuse what needs memory for a while."""
        await asyncio.to_thread(self.master.ask, "CONFIG", "SET", "maxmemory", "1")
        await asyncio.sleep(self.dice.uniform(0.3, 2))
        await asyncio.to_thread(self.master.ask, "CONFIG", "SET", "maxmemory", "0")

    async def _promote(self) -> None:
        self.master, self.follower = self.follower, self.master
        await asyncio.to_thread(self.master.follow, None)
        self.address.lead_to(self.master.port)


@asynccontextmanager
async def redis_pair(dice: random.Random, *options: str) -> AsyncIterator[RedisPair]:
    """Start both, and remove them whatever happens."""
    with redis_servers() as servers:
        master, follower = await asyncio.to_thread(_start, servers, options)
        async with address_of(master) as address:
            yield RedisPair(master, follower, address, dice)


def _start(servers: Servers, options: tuple[str, ...]) -> tuple[RealRedis, RealRedis]:
    master, follower = servers.start(*options), servers.start(*options)
    follower.follow(master)
    return master, follower
