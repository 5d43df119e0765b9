"""One connection to Redis that carries both commands and pushed messages; knows no channels.

RESP3: all commands of a loop turn leave in one write, and answers and messages arrive in the order
in which Redis made them. The connection is redis-py's, its life is ours: redis-py's own pub/sub
reconnects silently (redis-py#3979), and a silent reconnect is a gap that no client is told about.
"""

import asyncio
import importlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ws_server.broker.base import BrokerDownError, BrokerRefusedError

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

WINDOW = 256  # requests that wait for their answer; all others wait here
WINDOW_BYTES = 1024 * 1024
"""Redis keeps what it could not send yet, and ends a connection with subscriptions at 32 MiB. Each
message that comes of a command on its own connection takes 20 KiB there, however short it is."""
SCANNED = 10_000  # members in one answer, about
_MESSAGES = {b"message", b"smessage"}
_CONFIRMATIONS = {b"subscribe", b"unsubscribe", b"ssubscribe", b"sunsubscribe"}


class _Request(NamedTuple):
    command: tuple[bytes, ...]
    size: int
    reply: asyncio.Future[Any]
    read: Callable[[Any], Any]
    script: bytes = b""  # the text of the script that the command names by its digest


@dataclass(slots=True)
class _Topics:
    """A SUBSCRIBE or UNSUBSCRIBE, which is confirmed topic by topic, or refused once for all."""

    command: tuple[bytes, ...]
    left: int


class RedisLink:
    """Sends commands while it is connected, and passes pushes on.

    ``on_message`` gets each message of a subscription, ``on_topic`` the kind and topic of each
    confirmation, ``on_refused`` the topics of a subscription that Redis refused, and why.
    """

    def __init__(
        self,
        on_message: Callable[[list[Any]], None],
        on_topic: Callable[[bytes, bytes], None],
        on_refused: Callable[[tuple[bytes, ...], str], None],
    ) -> None:
        self._on_message = on_message
        self._on_topic = on_topic
        self._on_refused = on_refused
        self._outgoing: deque[_Topics | _Request] = deque()
        self._sent: deque[_Topics | _Request] = deque()  # in the order of their answers
        self._again: list[_Request] = []
        self._requests = self._bytes = 0  # of what was sent
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

    def change_topics(self, verb: bytes, *topics: bytes) -> None:
        """Send a SUBSCRIBE or UNSUBSCRIBE."""
        self._outgoing.append(_Topics((verb, *topics), len(topics)))
        self._wake.set()

    def request(
        self,
        *command: bytes,
        read: Callable[[Any], Any] = lambda answer: answer,
        is_urgent: bool = False,
        script: bytes = b"",
    ) -> asyncio.Future[Any]:
        """Send a command; the future gets what ``read`` makes of its answer.

        Or BrokerRefusedError if Redis answered with an error, which concerns no other request, and
        BrokerDownError if there will be no answer. An urgent one overtakes all that waits here. An
        EVALSHA of a ``script`` that Redis does not know any more is sent again with its text.
        """
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        request = _Request(command, sum(map(len, command)), reply, read, script)
        if is_urgent:
            self._outgoing.appendleft(request)
        else:
            self._outgoing.append(request)
        self._wake.set()
        return reply

    async def scan(self, command: bytes, key: bytes) -> list[bytes]:
        """Return all that a set or a hash has, read in parts; something may be there twice."""
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
        """Return what may be sent now."""
        if self._again and not self._sent:
            self._outgoing.extendleft(reversed(self._again))
            self._again = []
        batch: list[tuple[bytes, ...]] = []
        while self._outgoing and self._is_open(WINDOW, WINDOW_BYTES):
            item = self._outgoing.popleft()
            self._sent.append(item)
            batch.append(item.command)
            if isinstance(item, _Request):
                self._requests += 1
                self._bytes += item.size
        return batch

    def _is_open(self, requests: int, size: int) -> bool:
        return self._requests < requests and self._bytes < size and not self._again

    async def _read(self, connection: "Connection") -> None:
        # Loaded with the connection; importing it with this module would slow every start down.
        refusal = importlib.import_module("redis.exceptions").ResponseError
        while True:
            try:
                answer = await connection.read_response(
                    disable_decoding=True, timeout=math.inf, push_request=True
                )
            except refusal as error:  # a whole answer was read, so the next one is in place
                self._failed(words(error))
                continue
            kind = answer[0] if isinstance(answer, list) and answer else None
            if kind in _MESSAGES:
                self._on_message(answer)
            elif kind in _CONFIRMATIONS:
                self._confirmed(bytes(answer[0]), bytes(answer[1]))
            else:
                self._answered(answer)

    def _confirmed(self, kind: bytes, topic: bytes) -> None:
        head = self._sent[0] if self._sent else None
        if isinstance(head, _Topics):
            head.left -= 1
            if not head.left:
                self._sent.popleft()
                self._go_on()
        self._on_topic(kind, topic)

    def _answered(self, answer: Any) -> None:
        request = self._next_request()
        try:
            value = request.read(answer)
        except (TypeError, ValueError, LookupError) as error:  # such as a key that is not ours
            fail(request.reply, BrokerRefusedError(f"an answer that cannot be read: {error}"))
        else:
            settle(request.reply, value)
        self._go_on()

    def _failed(self, why: str) -> None:
        if self._sent and isinstance(self._sent[0], _Topics):
            refused = self._sent.popleft()
            self._on_refused(refused.command[1:], why)
        else:
            request = self._next_request()
            if why.startswith("NOSCRIPT") and request.script:
                # Nothing else is sent until all answers are there: what is published first has to
                # stand first, and those that were sent meanwhile fail in the same way.
                text = (b"EVAL", request.script, *request.command[2:])
                self._again.append(request._replace(command=text, script=b""))
            else:
                fail(request.reply, BrokerRefusedError(why))
            if why.startswith("READONLY"):
                raise BrokerDownError(why)  # not the master any more: look for the one that is
        self._go_on()

    def _next_request(self) -> _Request:
        request = self._sent.popleft() if self._sent else None
        if not isinstance(request, _Request):
            raise BrokerDownError("an answer that was not asked for")
        self._requests -= 1
        self._bytes -= request.size
        return request

    def _go_on(self) -> None:
        # Not for each answer: the next requests are to leave together, too.
        if self._again:
            if not self._sent:
                self._wake.set()
        elif self._outgoing and self._is_open(WINDOW // 2, WINDOW_BYTES // 2):
            self._wake.set()

    def _reset(self) -> None:
        """Tell everything that waits for an answer that there will be none."""
        for item in (*self._sent, *self._again, *self._outgoing):
            if isinstance(item, _Request):
                fail(item.reply, BrokerDownError())
        self._outgoing, self._sent, self._again = deque(), deque(), []
        self._requests = self._bytes = 0
        self._wake.clear()


def words(error: Exception) -> str:
    """Return an error reply as Redis wrote it, from its code on."""
    code = getattr(error, "status_code", None)  # redis-py cuts off the codes that it knows
    return f"{code} {error}" if code else str(error)


def settle(future: asyncio.Future[Any], value: object) -> None:
    """Set the result of a future unless it is done."""
    if not future.done():
        future.set_result(value)


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
    """Set the exception of a future unless it is done."""
    if not future.done():
        future.set_exception(error)
        future.exception()  # marks it as retrieved: the waiting task may be gone
