"""Carries publications, presence and control messages between replicas, over Redis.

A channel is a pub/sub topic, and with a history a stream whose entries are named by their offset,
beside a hash of its epoch and last offset. See ``scripts`` for the steps that change them.
"""

import asyncio
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, islice
from typing import Any, cast
from uuid import uuid4

from ws_server.broker import scripts
from ws_server.broker.base import (
    EMPTY_TTL,
    MAX_HISTORY_BYTES,
    BrokerDownError,
    BrokerRefusedError,
    Keep,
    Listener,
)
from ws_server.broker.confirming import Confirming
from ws_server.broker.connecting import connect
from ws_server.broker.link import RedisLink, fail, settle
from ws_server.broker.membership import REPLICAS, Membership
from ws_server.broker.presence import Presence
from ws_server.broker.watch import Watch
from ws_server.core.publication import History, Kind, Position, Publication, Version
from ws_server.log import Log
from ws_server.settings.redis_address import RedisAddress
from ws_server.upkeep import keep as keep_connected

META, STREAM = b"ws:meta:", b"ws:stream:"
KEY = b"ws:key:"
# Topics have the number of the database in them, but for 0: Redis gives it to keys alone.
TOPIC = b"ws%s:"
CONTROL = b"ws%s-orders"  # topic of control messages; with a replica's name, of that replica only
STANDING = b"ws:orders"  # control messages that stay valid for a time, by its end
BEAT_INTERVAL = 1.0
BEAT_TIMEOUT = 3.0
KEY_TTL = 300.0  # seconds that a key of a publication is remembered
ALL = 2**31 - 1
# Redis closes a connection with subscriptions when 32 MB of answers wait for it, or 8 MB for long.
SMALL, SMALL_AT_ONCE = 64 * 1024, 64  # bytes of an answer, and how many are asked for at a time
PART = 1000  # topics or control messages of one step
_KINDS: dict[bytes, Kind] = {b"j": "join", b"l": "leave"}


class RedisBroker:
    """Implements Broker; ``is_ready`` while Redis answers and every channel is subscribed."""

    name = "redis"

    def __init__(self, address: RedisAddress, log: Log) -> None:
        self.is_ready = False
        self.replica = uuid4().hex[:12]
        self._listener: Listener | None = None
        self._log = log
        self._address = address
        self._link = RedisLink(self._pushed, self._confirmed, self._refused)
        self._channels: dict[bytes, asyncio.Future[None]] = {}
        self._small, self._large = asyncio.Semaphore(SMALL_AT_ONCE), asyncio.Semaphore(1)
        self._shas: dict[str, bytes] = {}
        self._is_connected = self._was_ready = False
        database = b"%d" % address.db if address.db else b""
        self._topic, everybody = TOPIC % database, CONTROL % database
        self._control = (everybody, b"%s:%s" % (everybody, self.replica.encode()))
        self._presence = Presence(self._link, self._script, self._topic, self.replica)
        self._membership = Membership(self._presence, self._script, self.replica, log)
        self._confirming = Confirming(address.min_replicas) if address.min_replicas else None
        self._watch = Watch(self._link)

    @property
    def degraded(self) -> str:
        """Why Redis refuses to write, in its words; "" if it does not."""
        too_few = self._confirming.degraded if self._confirming else ""
        return self._membership.degraded or too_few

    @property
    def lag(self) -> float:
        """How long Redis took for the last answer, or has taken for the pending one."""
        return self._watch.lag

    async def run(self, listener: Listener) -> None:
        """Stay connected until cancelled."""
        self._listener = listener
        await keep_connected(self.name, self._serve_once, self._log)

    async def subscribe(self, channel: str) -> None:
        """Return when Redis confirmed the subscription. Raises BrokerDownError."""
        self._require_ready()
        topic = self._topic + channel.encode()
        if topic not in self._channels:
            self._channels[topic] = asyncio.get_running_loop().create_future()
            self._link.change_topics(b"SUBSCRIBE", topic)
        # Shielded, because several sessions may wait for the same confirmation.
        await asyncio.shield(self._channels[topic])

    def unsubscribe(self, channel: str) -> None:
        """Stop delivering the channel soon."""
        topic = self._topic + channel.encode()
        confirmed = self._channels.pop(topic, None)
        if confirmed is None:
            return
        settle(confirmed, None)  # a waiting caller sees that the channel was left
        if self._is_connected:
            self._link.change_topics(b"UNSUBSCRIBE", topic)

    def publish(
        self,
        channel: str,
        payload: bytes,
        keep: Keep | None = None,
        key: str = "",
        until: float = math.inf,
        version: Version | None = None,
        after: str = "",
    ) -> asyncio.Future[Position]:
        """Send it to Redis."""
        if not self.is_ready:
            return _down()
        name = channel.encode()
        if keep is None and not key:
            return self._link.request(
                b"PUBLISH", self._topic + name, b"p0::" + payload, read=_nowhere
            )
        size, ttl, meta_ttl = (keep.size, keep.ttl, keep.meta_ttl) if keep else (0, 0.0, 0.0)
        # With its length, because the channel and the key may contain colons.
        keys = [each for each in (key, after) if each]
        known = [KEY + b"%d:%s:%s" % (len(name), name, each.encode()) for each in keys]
        command = self._command(
            scripts.PUBLISH,
            (META + name, STREAM + name, *known),
            *(self._topic + name, payload, b"%d" % size, _ms(ttl), _ms(meta_ttl)),
            *(uuid4().hex[:8].encode(), self._watch.life, _ms(KEY_TTL), _seconds(until)),
            *((b"%d" % version.number, version.epoch.encode()) if version else (b"", b"")),
        )
        reply = self._link.request(*command, read=_position, script=_PUBLISH)
        return self._confirming.hold(reply) if keep and self._confirming else reply

    def deadline(self) -> float:
        """Return until when Redis remembers keys of now, by its clock."""
        return self._watch.now + KEY_TTL

    async def history(
        self, channel: str, since: Position | None, limit: int, *, reverse: bool = False
    ) -> History:
        """Return publications, at most MAX_HISTORY_BYTES. Raises BrokerDownError."""
        offset = since.offset if since else None
        first, last = b"-", b"+"
        if offset is not None and reverse:
            last = b"(%d-0" % max(1, offset)  # offsets begin at 1, and Redis rejects "(0-0"
        elif offset is not None:
            first = b"(%d-0" % offset
        wanted = b"%d" % (ALL if limit < 0 else limit)
        what = (first, last, wanted, b"1" if reverse else b"0")
        async with self._small:
            top, found, is_cut = await self._read(channel, *what, most=SMALL)
        if is_cut:
            async with self._large:
                top, found, _ = await self._read(channel, *what, most=MAX_HISTORY_BYTES)
        position = _position(top)
        return History(
            tuple(_entry(row, position.epoch) for row in cast("Sequence[Any]", found)), position
        )

    async def _read(self, channel: str, *what: bytes, most: int) -> Any:
        self._require_ready()
        name = channel.encode()
        return await self._script(
            scripts.HISTORY,
            (META + name, STREAM + name),
            *what,
            *(uuid4().hex[:8].encode(), self._watch.life, _ms(EMPTY_TTL), b"%d" % most),
        )

    async def forget(self, channel: str) -> None:
        """Delete the stream; its offset and epoch stay. Raises BrokerDownError."""
        self._require_ready()
        await self._link.request(b"DEL", STREAM + channel.encode())

    async def enter(self, channel: str, client: str, info: bytes, *, announce: bool) -> None:
        """Add a client; remembered here as well, in case Redis loses its data."""
        self._presence.here[channel, client] = (info, announce)
        if self.is_ready:
            with self._owing():
                await self._presence.enter(channel, client)

    async def exit(self, channel: str, client: str, *, announce: bool) -> None:
        """Remove a client."""
        self._presence.here.pop((channel, client), None)
        self._require_ready()
        with self._owing():
            await self._presence.exit(channel, client, announce=announce)

    async def present(self, channel: str) -> Mapping[str, bytes]:
        """Return the clients of a channel, on all replicas. Raises BrokerDownError."""
        async with self._large:
            self._require_ready()
            return await self._presence.read(channel)

    async def command(self, payload: bytes, replica: str = "", *, until: float = 0.0) -> None:
        """Send a control message; store it if it has an ``until``. Raises BrokerDownError."""
        self._require_ready()
        topic = self._control[0]
        if replica:
            topic += b":" + replica.encode()
        if not until:
            await self._link.request(b"PUBLISH", topic, payload)
            return
        await self._script(scripts.STANDING, (STANDING,), *(payload, _ms(until), topic))

    async def time(self) -> float:
        """Return the time of Redis. Raises BrokerDownError."""
        self._require_ready()
        seconds, micros = await self._link.request(b"TIME")
        return int(seconds) + int(micros) / 1e6

    async def replicas(self) -> Collection[str]:
        """Return the replicas with a beat in the last seconds. Raises BrokerDownError."""
        self._require_ready()
        names = await self._link.request(b"ZRANGE", REPLICAS, b"0", b"-1")
        return [bytes(name).decode() for name in names]

    async def _serve_once(self) -> None:
        connection = await connect(self._address)
        self._is_connected = True
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._link.serve(connection, self._beat))
                if self._confirming:
                    tasks.create_task(self._confirm(self._confirming))
        finally:
            self._reset()

    async def _confirm(self, confirming: Confirming) -> None:
        await confirming.serve(await connect(self._address))

    async def _beat(self) -> None:
        """Look at Redis every second, and leave it if it is silent or may have forgotten data."""
        await self._subscribe_anew()
        async with asyncio.timeout(BEAT_TIMEOUT):
            await self._introduce()
        self._membership.begin()
        while True:
            await self._watch.look(is_urgent=self.is_ready)
            if not self.is_ready:
                await self._become_ready()
            await self._membership.attend()
            await asyncio.sleep(BEAT_INTERVAL)

    async def _subscribe_anew(self) -> None:
        """Return when Redis has processed all subscriptions; each is confirmed by itself."""
        topics = iter((*self._control, *self._channels))
        while part := tuple(islice(topics, PART)):
            wanted = [each for each in part if each in self._control or each in self._channels]
            if wanted:
                self._link.change_topics(b"SUBSCRIBE", *wanted)
            async with asyncio.timeout(BEAT_TIMEOUT):
                await self._link.request(b"ECHO", b"")

    async def _introduce(self) -> None:
        """Load the scripts, and ask what Redis is."""
        for script in _SCRIPTS:
            loaded = self._link.request(b"SCRIPT", b"LOAD", script.encode())
            self._shas[script] = bytes(await loaded)
        await self._watch.begin()
        if self._confirming and await self._confirming.run_id() != self._watch.run_id:
            raise BrokerDownError("its two connections lead to two servers")

    async def _become_ready(self) -> None:
        # From the last to end first: concurrent removals of ended ones do not shift the others.
        for start in count(0, PART):
            part = (b"%d" % start, b"%d" % (start + PART - 1))
            async with asyncio.timeout(BEAT_TIMEOUT):
                standing = await self._link.request(b"ZREVRANGE", STANDING, *part)
            for message in standing:
                self._told(bytes(message))
            if not standing:
                break
        self.is_ready = True
        self._log.info("dependency_up", dependency=self.name, channels=len(self._channels))
        if self._was_ready and self._listener:
            self._listener.reconnected()
        self._was_ready = True

    async def _script(self, script: str, keys: Sequence[bytes], *args: bytes) -> Any:
        command = self._command(script, keys, *args)
        return await self._link.request(*command, script=script.encode())

    @contextmanager
    def _owing(self) -> Iterator[None]:
        """Have what Redis refuses told again later."""
        try:
            yield
        except BrokerRefusedError:
            self._membership.owe()
            raise

    def _command(self, script: str, keys: Sequence[bytes], *args: bytes) -> tuple[bytes, ...]:
        return (b"EVALSHA", self._shas[script], b"%d" % len(keys), *keys, *args)

    def _require_ready(self) -> None:
        if not self.is_ready:
            raise BrokerDownError

    def _pushed(self, message: list[Any]) -> None:
        topic = bytes(message[1])
        if topic in self._control:
            self._told(bytes(message[2]))
        else:
            self._deliver(topic[len(self._topic) :].decode(), bytes(message[2]))

    def _confirmed(self, kind: bytes, topic: bytes) -> None:
        if kind == b"subscribe" and topic in self._channels:
            settle(self._channels[topic], None)

    def _refused(self, topics: tuple[bytes, ...], why: str) -> None:
        if set(topics) & set(self._control):
            raise BrokerDownError(why)
        for topic in topics:
            if confirmed := self._channels.pop(topic, None):
                fail(confirmed, BrokerRefusedError(why))

    def _told(self, message: bytes) -> None:
        if self._listener:
            self._listener.control(message)

    def _deliver(self, channel: str, message: bytes) -> None:
        letter, listener = message[:1], self._listener
        if listener is None:
            return
        if letter == b"p":
            offset, epoch, payload = message[1:].split(b":", 2)
            publication = Publication(payload, int(offset), epoch.decode())
            listener.deliver(channel, "pub", publication)
        elif letter in _KINDS:
            listener.deliver(channel, _KINDS[letter], Publication(message[1:]))

    def _reset(self) -> None:
        """Fail pending subscriptions; confirmed channels are kept for the next connection."""
        self.is_ready = self._is_connected = False
        waiting = {topic: future for topic, future in self._channels.items() if not future.done()}
        for topic, future in waiting.items():
            del self._channels[topic]
            fail(future, BrokerDownError())


_PUBLISH = scripts.PUBLISH.encode()
_SCRIPTS = (
    *(scripts.PUBLISH, scripts.HISTORY, scripts.ENTER, scripts.EXIT),
    *(scripts.BEAT, scripts.STANDING),
)


def _ms(seconds: float) -> bytes:
    return b"%d" % max(1, round(seconds * 1000))


def _seconds(until: float) -> bytes:
    return b"" if until == math.inf else b"%d" % until


def _down() -> asyncio.Future[Any]:
    failed = asyncio.get_running_loop().create_future()
    fail(failed, BrokerDownError())
    return failed


def _nowhere(_receivers: object) -> Position:
    return Position(0, "")


def _position(place: bytes | bytearray) -> Position:
    offset, _, epoch = bytes(place).partition(b":")
    return Position(int(offset), epoch.decode())


def _entry(row: Any, epoch: str) -> Publication:
    name, fields = row
    return Publication(bytes(fields[1]), int(bytes(name).partition(b"-")[0]), epoch)
