"""The broker against a stand-in that speaks just enough of Redis, so that it can be cut off."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from ws_server.broker import BrokerDownError
from ws_server.config import RedisAddress
from ws_server.log import Log
from ws_server.redis_broker import RedisBroker


class Standin:
    """HELLO, PING, SUBSCRIBE, UNSUBSCRIBE and PUBLISH in RESP3; everything else is OK."""

    def __init__(self) -> None:
        self.subscribers: dict[bytes, set[asyncio.StreamWriter]] = {}
        self.writers: set[asyncio.StreamWriter] = set()
        self.server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self.server
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                count = int((await reader.readuntil())[1:])
                command = [await self.argument(reader) for _ in range(count)]
                self.execute(command[0].upper(), command[1:], writer)
        self.writers.discard(writer)
        for members in self.subscribers.values():
            members.discard(writer)

    async def argument(self, reader: asyncio.StreamReader) -> bytes:
        size = int((await reader.readuntil())[1:])
        return (await reader.readexactly(size + 2))[:-2]

    def execute(self, name: bytes, words: list[bytes], writer: asyncio.StreamWriter) -> None:
        if name == b"HELLO":
            writer.write(b"%1\r\n$5\r\nproto\r\n:3\r\n")
        elif name == b"PUBLISH":
            members = self.subscribers.get(words[0], set())
            for member in members:
                member.write(b">3\r\n$7\r\nmessage\r\n" + bulk(words[0]) + bulk(words[1]))
            writer.write(b":%d\r\n" % len(members))
        elif name == b"SUBSCRIBE":
            self.subscribers.setdefault(words[0], set()).add(writer)
            writer.write(b">3\r\n$9\r\nsubscribe\r\n" + bulk(words[0]) + b":1\r\n")
        elif name == b"UNSUBSCRIBE":
            self.subscribers[words[0]].discard(writer)
            writer.write(b">3\r\n$11\r\nunsubscribe\r\n" + bulk(words[0]) + b":0\r\n")
        else:
            writer.write(b"+PONG\r\n" if name == b"PING" else b"+OK\r\n")


def bulk(value: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(value), value)


@pytest.fixture
async def redis() -> AsyncIterator[Standin]:
    standin = Standin()
    await standin.start()
    yield standin
    await standin.stop()


@asynccontextmanager
async def connected(
    redis: Standin, deliver: Callable[[str, bytes], None] = lambda _channel, _payload: None
) -> AsyncIterator[RedisBroker]:
    broker = RedisBroker(
        RedisAddress("127.0.0.1", redis.port, 0), deliver, Log("info", io.StringIO())
    )
    task = asyncio.create_task(broker.run())
    try:
        await ready(broker)
        yield broker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ready(broker: RedisBroker, *, expected: bool = True) -> None:
    async with asyncio.timeout(5):
        while broker.is_ready is not expected:  # noqa: ASYNC110 - asked as /readyz is
            await asyncio.sleep(0.005)


async def down(call: Callable[[], Awaitable[None]]) -> bool:
    try:
        await call()
    except BrokerDownError:
        return True
    return False


async def test_two_replicas_get_everything_in_order(redis: Standin) -> None:
    here: list[bytes] = []
    there: list[tuple[str, bytes]] = []
    async with (
        connected(redis, lambda _channel, payload: here.append(payload)) as one,
        connected(redis, lambda channel, payload: there.append((channel, payload))) as two,
    ):
        await asyncio.gather(
            one.subscribe("room:ü"), one.subscribe("room:ü"), two.subscribe("room:ü")
        )
        payloads = [b"%d" % number for number in range(1000)]
        await asyncio.gather(*(one.publish("room:ü", payload) for payload in payloads))
        await one.publish("other", b"not for us")
        await two.publish("room:ü", b"last")
        await one.publish("room:ü", b"done")  # answered after what was pushed before it
        await two.publish("other", b"-")
    assert here == [*payloads, b"last", b"done"]
    assert there == [("room:ü", payload) for payload in here]


async def test_unsubscribe(redis: Standin) -> None:
    got: list[bytes] = []
    async with connected(redis, lambda _channel, payload: got.append(payload)) as broker:
        await broker.subscribe("a")
        broker.unsubscribe("a")
        await broker.publish("a", b"nobody listens")
    assert got == []


async def test_redis_comes_back_and_so_do_the_subscriptions(redis: Standin) -> None:
    got: list[bytes] = []
    async with connected(redis, lambda _channel, payload: got.append(payload)) as broker:
        await broker.subscribe("a")
        await redis.stop()
        await ready(broker, expected=False)
        assert await down(lambda: broker.publish("a", b"lost"))
        assert await down(lambda: broker.subscribe("b"))
        broker.unsubscribe("b")
        await redis.start()
        started = asyncio.get_running_loop().time()
        await ready(broker)
        assert asyncio.get_running_loop().time() - started < 0.5  # 0.1 s on an idle machine
        await broker.publish("a", b"back")
    assert got == [b"back"]


async def test_who_waits_for_an_answer_hears_that_redis_is_gone(redis: Standin) -> None:
    async with connected(redis) as broker:
        redis.execute = lambda *_: None  # type: ignore[method-assign]  # it answers nothing now
        waiting = [
            asyncio.create_task(down(lambda: broker.publish("a", b"x"))),
            asyncio.create_task(down(lambda: broker.subscribe("a"))),
        ]
        await asyncio.sleep(0.05)
        await redis.stop()
        assert await asyncio.gather(*waiting) == [True, True]
