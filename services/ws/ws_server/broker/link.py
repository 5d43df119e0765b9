"""One connection to Redis for commands and pushed messages; knows no channels.

With RESP3, all commands of a loop turn leave in one write, and replies and messages arrive in the
order in which Redis made them. redis-py provides the connection, but reconnecting is ours: its
pub/sub reconnects silently (redis-py#3979), which would leave an unnoticed gap.
"""

import asyncio
import importlib
import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ws_server.broker.base import BrokerDownError
from ws_server.settings.config import RedisAddress

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

CONNECT_TIMEOUT = 2.0  # seconds
WINDOW = 256  # requests that were sent and not answered; all others wait here
WINDOW_BYTES = 1024 * 1024
"""Redis buffers unsent replies, and closes a connection with subscriptions at 32 MiB. A message
that a command causes on its own connection takes 20 KiB of that, however short it is."""
SCANNED = 10_000  # members per answer, approximately


class _Request(NamedTuple):
    command: tuple[bytes, ...]
    size: int
    reply: asyncio.Future[Any]
    read: Callable[[Any], Any]


class RedisLink:
    """Sends commands while connected; ``on_push`` gets every message of a subscription."""

    def __init__(self, address: RedisAddress, on_push: Callable[[list[Any]], None]) -> None:
        self._address = address
        self._on_push = on_push
        self._outgoing: deque[tuple[bytes, ...] | _Request] = deque()
        self._unanswered: deque[_Request] = deque()
        self._unanswered_bytes = 0
        self._wake = asyncio.Event()

    async def serve(self, connection: "Connection", beside: Callable[[], Any]) -> None:
        """Write and read until the connection ends, and run ``beside`` concurrently; raises."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write(connection))
                tasks.create_task(self._read(connection))
                tasks.create_task(beside())
        finally:
            # In this order: a request during the disconnect must not wait for the next connection.
            try:
                await connection.disconnect(nowait=True)
            finally:
                self._reset()

    async def connect(self) -> "Connection":
        """Open the connection and sign in."""
        # Importing redis-py takes long; in a thread, it does not block the server.
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
            # With a timeout, writes are wrapped in wait_for, which on Python 3.11 can swallow the
            # cancellation that ends this connection: it would never reconnect.
            socket_timeout=None,
            retry=retry.Retry(backoff.NoBackoff(), 0),
        )
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await connection.connect()  # type: ignore[no-untyped-call]  # untyped in redis-py
        return connection

    def send(self, *command: bytes) -> None:
        """Send a command whose only answers are pushes, such as SUBSCRIBE."""
        self._outgoing.append(command)
        self._wake.set()

    def request(
        self,
        *command: bytes,
        read: Callable[[Any], Any] = lambda answer: answer,
        is_urgent: bool = False,
    ) -> asyncio.Future[Any]:
        """Send a command; the future gets ``read(answer)``, or BrokerDownError.

        An urgent command overtakes all that wait here.
        """
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        request = _Request(command, sum(map(len, command)), reply, read)
        if is_urgent:
            self._outgoing.appendleft(request)
        else:
            self._outgoing.append(request)
        self._wake.set()
        return reply

    async def scan(self, command: bytes, key: bytes) -> list[bytes]:
        """Return all elements of a set or hash, read in parts; may contain duplicates."""
        found: list[bytes] = []
        cursor = b"0"
        while True:
            answer = await self.request(command, key, cursor, b"COUNT", b"%d" % SCANNED)
            cursor = bytes(answer[0])
            found += map(bytes, answer[1])
            if cursor == b"0":
                return found

    async def _write(self, connection: "Connection") -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if batch := self._batch():
                packed = connection.pack_commands(batch)
                await connection.send_packed_command(packed, check_health=False)

    def _batch(self) -> list[tuple[bytes, ...]]:
        """Return the commands that may be sent now."""
        batch: list[tuple[bytes, ...]] = []
        while self._outgoing and self._is_open(WINDOW, WINDOW_BYTES):
            item = self._outgoing.popleft()
            if isinstance(item, _Request):
                self._unanswered.append(item)
                self._unanswered_bytes += item.size
                batch.append(item.command)
            else:
                batch.append(item)
        return batch

    def _is_open(self, requests: int, size: int) -> bool:
        return len(self._unanswered) < requests and self._unanswered_bytes < size

    async def _read(self, connection: "Connection") -> None:
        while True:
            # An error reply raises and ends the connection: after it, replies could no longer be
            # assigned to requests.
            answer = await connection.read_response(
                disable_decoding=True, timeout=math.inf, push_request=True
            )
            if isinstance(answer, list) and answer and answer[0] in _PUSHES:
                self._on_push(answer)
            else:
                self._answered(answer)

    def _answered(self, answer: Any) -> None:
        request = self._unanswered[0]  # stays in the queue if ``read`` raises: _reset fails it
        settle(request.reply, request.read(answer))
        self._unanswered.popleft()
        self._unanswered_bytes -= request.size
        # Not for each answer, so that the next commands leave together as well.
        if self._outgoing and self._is_open(WINDOW // 2, WINDOW_BYTES // 2):
            self._wake.set()

    def _reset(self) -> None:
        """Fail all requests that wait for an answer."""
        for item in (*self._unanswered, *self._outgoing):
            if isinstance(item, _Request) and not item.reply.done():
                item.reply.set_exception(BrokerDownError())
                item.reply.exception()  # marks it as retrieved: the waiting task may be gone
        self._outgoing, self._unanswered = deque(), deque()
        self._unanswered_bytes = 0
        self._wake.clear()


def settle(future: asyncio.Future[Any], value: object) -> None:
    """Set the result of a future unless it is done."""
    if not future.done():
        future.set_result(value)


_PUSHES = {b"message", b"subscribe", b"unsubscribe"}
