"""Stores the presence of channels in Redis, and remembers the members of this replica.

A channel has a hash of its clients. A replica has a set of members: the clients to remove when it
dies.
"""

from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ws_server.broker import scripts
from ws_server.broker.link import RedisLink

PRESENT, MEMBERS = b"ws:present:", b"ws:members:"


class Script(Protocol):
    """Runs one script of ``scripts``."""

    async def __call__(self, script: str, keys: Sequence[bytes], *args: bytes) -> Any:
        """Return its answer. Raises BrokerDownError."""


class Presence:
    """The members of one replica. All coroutines raise BrokerDownError."""

    def __init__(self, link: RedisLink, script: Script, topic: bytes, replica: str) -> None:
        self.here: dict[tuple[str, str], tuple[bytes, bool]] = {}
        self._link = link
        self._script = script
        self._topic = topic
        self._replica = replica

    async def enter(self, channel: str, client: str) -> None:
        """Add a client in Redis and announce it, if it is still here."""
        if (channel, client) not in self.here:
            return
        info, announce = self.here[channel, client]
        await self._script(
            scripts.ENTER,
            (PRESENT + channel.encode(), MEMBERS + self._replica.encode()),
            *(client.encode(), info, self._topic + channel.encode()),
            *(_member(channel, client, announce=announce), _flag(announce)),
        )

    async def exit(self, channel: str, client: str, *, announce: bool) -> None:
        """Remove a client of this replica."""
        await self._take_out(self._replica, _member(channel, client, announce=announce))

    async def read(self, channel: str) -> Mapping[str, bytes]:
        """Return the clients of a channel, on all replicas."""
        found = await self._link.scan(b"HSCAN", PRESENT + channel.encode())
        return {found[n].decode(): found[n + 1] for n in range(0, len(found), 2)}

    async def members(self, replica: str) -> set[bytes]:
        """Return the members of a replica that Redis has."""
        return set(await self._link.scan(b"SSCAN", MEMBERS + replica.encode()))

    def reconciled(self, known: Collection[bytes]) -> Iterator[Awaitable[None]]:
        """Return the steps that make Redis have exactly the members of this replica."""
        yield from (self._take_out_unless_here(member) for member in known)
        yield from (self.enter(*who) for who in tuple(self.here))

    def reaped(self, replica: str, members: Collection[bytes]) -> Iterator[Awaitable[None]]:
        """Return the steps that remove the members of a dead replica."""
        return (self._take_out(replica, member) for member in members)

    async def _take_out_unless_here(self, member: bytes) -> None:
        _, client, channel = member.split(b" ", 2)
        if (channel.decode(), client.decode()) not in self.here:
            await self._take_out(self._replica, member)

    async def _take_out(self, replica: str, member: bytes) -> None:
        announce, client, channel = member.split(b" ", 2)
        await self._script(
            scripts.EXIT,
            (PRESENT + channel, MEMBERS + replica.encode()),
            *(client, self._topic + channel, member, announce),
        )


def _flag(value: bool) -> bytes:
    return b"1" if value else b"0"


def _member(channel: str, client: str, *, announce: bool) -> bytes:
    return b"%s %s %s" % (_flag(announce), client.encode(), channel.encode())
