"""Carries publications between replicas over Redis pub/sub; knows no sessions.

One connection in RESP3, where replies and pushed messages share a socket: all commands of a loop
turn leave in one write, and what one replica publishes arrives everywhere in that order. The
connection is redis-py's, its life is ours: redis-py's own pub/sub reconnects silently, and a silent
reconnect is a gap that nobody hears of.
"""

import asyncio
import importlib
import math
from collections import deque
from typing import TYPE_CHECKING, Any

from ws_server.broker import BrokerDownError, Deliver
from ws_server.config import RedisAddress
from ws_server.log import Log
from ws_server.upkeep import keep

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

PREFIX = b"ws:"
CONNECT_TIMEOUT = 2.0
BEAT_INTERVAL = 1.0
BEAT_TIMEOUT = 3.0


class RedisBroker:
    """A Broker; see there. ``is_ready`` while Redis answers and every channel is subscribed."""

    name = "redis"

    def __init__(self, address: RedisAddress, deliver: Deliver, log: Log) -> None:
        self.is_ready = False
        self._address = address
        self._deliver = deliver
        self._log = log
        self._channels: dict[bytes, asyncio.Future[None]] = {}
        self._outgoing: list[tuple[bytes, ...]] = []
        self._replies: deque[asyncio.Future[Any]] = deque()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await keep(self.name, self._serve_once, self._log)

    async def subscribe(self, channel: str) -> None:
        """Return when Redis confirmed the subscription. Raises BrokerDownError."""
        if not self.is_ready:
            raise BrokerDownError
        key = PREFIX + channel.encode()
        if key not in self._channels:
            self._channels[key] = asyncio.get_running_loop().create_future()
            self._send(b"SUBSCRIBE", key)
        # Shielded, because several sessions may wait for the same confirmation.
        await asyncio.shield(self._channels[key])

    def unsubscribe(self, channel: str) -> None:
        """Stop delivering the channel, soon."""
        key = PREFIX + channel.encode()
        if self._channels.pop(key, None) is not None and self.is_ready:
            self._send(b"UNSUBSCRIBE", key)

    async def publish(self, channel: str, payload: bytes) -> None:
        """Return when Redis has the publication. Raises BrokerDownError."""
        if not self.is_ready:
            raise BrokerDownError
        await self._request(b"PUBLISH", PREFIX + channel.encode(), payload)

    async def _serve_once(self) -> None:
        connection = await self._connect()
        for key in self._channels:
            self._send(b"SUBSCRIBE", key)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write(connection))
                tasks.create_task(self._read(connection))
                tasks.create_task(self._beat())
        finally:
            self._reset()
            await connection.disconnect(nowait=True)

    async def _connect(self) -> "Connection":
        # Importing redis-py takes long; in a thread, the server answers meanwhile.
        module = await asyncio.to_thread(importlib.import_module, "redis.asyncio.connection")
        retry = importlib.import_module("redis.asyncio.retry")
        backoff = importlib.import_module("redis.backoff")
        connection: Connection = module.Connection(
            host=self._address.host,
            port=self._address.port,
            db=self._address.db,
            username=self._address.username,
            password=self._address.password,
            protocol=3,
            driver_info=None,
            socket_connect_timeout=CONNECT_TIMEOUT,
            retry=retry.Retry(backoff.NoBackoff(), 0),
        )
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await connection.connect()  # type: ignore[no-untyped-call]  # redis-py types it not
        return connection

    async def _write(self, connection: "Connection") -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._outgoing = self._outgoing, []
            packed = connection.pack_commands(batch)
            await connection.send_packed_command(packed, check_health=False)

    async def _read(self, connection: "Connection") -> None:
        while True:
            # An error reply raises and ends the connection: after one, which of the requests it
            # answers could only be guessed.
            answer = await connection.read_response(
                disable_decoding=True, timeout=math.inf, push_request=True
            )
            if isinstance(answer, list):
                self._pushed(answer)
            else:
                _settle(self._replies.popleft(), answer)

    async def _beat(self) -> None:
        while True:
            async with asyncio.timeout(BEAT_TIMEOUT):
                await self._request(b"PING")
            # The first answer comes after all SUBSCRIBEs were taken in order.
            if not self.is_ready:
                self.is_ready = True
                self._log.info("dependency_up", dependency=self.name, channels=len(self._channels))
            await asyncio.sleep(BEAT_INTERVAL)

    def _pushed(self, message: list[Any]) -> None:
        kind, key = message[0], message[1]
        if kind == b"message":
            self._deliver(key[len(PREFIX) :].decode(), message[2])
        elif kind == b"subscribe" and key in self._channels:
            _settle(self._channels[key], None)

    def _send(self, *command: bytes) -> None:
        self._outgoing.append(command)
        self._wake.set()

    async def _request(self, *command: bytes) -> Any:
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies.append(reply)
        self._send(*command)
        return await reply

    def _reset(self) -> None:
        """Tell everybody who waits. Confirmed channels stay, for the next connection."""
        self.is_ready = False
        waiting = {key: future for key, future in self._channels.items() if not future.done()}
        for key in waiting:
            del self._channels[key]
        for future in (*waiting.values(), *self._replies):
            if not future.done():
                future.set_exception(BrokerDownError())
                future.exception()  # marked as seen: the one who waited may be gone
        self._outgoing, self._replies = [], deque()
        self._wake.clear()


def _settle(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)
