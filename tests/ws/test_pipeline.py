"""Publications of one connection leave without waiting for each other; answers keep their order."""

import asyncio
from typing import Any

from ws_server.broker.base import BrokerDownError, Keep
from ws_server.broker.memory import MemoryBroker
from ws_server.clients.pipeline import MAX_PUBLICATIONS
from ws_server.core import codes
from ws_server.core.publication import Position, Version

from tests.ws.harness import Client, running, until


class Held(MemoryBroker):
    """A broker that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[asyncio.Future[Position]] = []

    def publish(
        self,
        _channel: str,
        _payload: bytes,
        _keep: Keep | None = None,
        _key: str = "",
        _until: float = 0.0,
        _version: Version | None = None,
        _after: str = "",
    ) -> asyncio.Future[Position]:
        future: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self.asked.append(future)
        return future

    def answer(self, *numbers: int) -> None:
        for number in numbers:
            self.asked[number].set_result(Position(0, ""))

    async def until(self, count: int) -> None:
        await until(lambda: len(self.asked) >= count)


def publish(number: int) -> dict[str, Any]:
    return {"id": number, "publish": {"channel": "room:1", "data": number}}


async def joined(client: Client) -> None:
    await client.sign_in()
    await client.subscribe("room:1")


async def test_frames_are_handed_over_before_the_first_is_answered() -> None:
    broker = Held()
    async with running(broker) as live, live.client() as client:
        await joined(client)
        for number in (10, 11, 12):
            await client.send(publish(number))
        await broker.until(3)
        broker.answer(1, 2)  # of two channels, the later may be there first
        await asyncio.sleep(0.05)
        broker.answer(0)
        assert [(await client.receive())["id"] for _ in range(3)] == [10, 11, 12]


async def test_a_later_answer_is_not_waited_for_in_a_circle() -> None:
    broker = Held()
    async with running(broker) as live, live.client() as client:
        await joined(client)
        sending = asyncio.create_task(
            client.send(*(publish(n + 1) for n in range(MAX_PUBLICATIONS + 1)))
        )
        await broker.until(MAX_PUBLICATIONS)
        broker.answer(*range(1, MAX_PUBLICATIONS))
        await asyncio.sleep(0.05)
        broker.answer(0)
        await broker.until(MAX_PUBLICATIONS + 1)
        broker.answer(MAX_PUBLICATIONS)
        await sending
        assert [(await client.receive())["id"] for _ in range(3)] == [1, 2, 3]


async def test_what_was_refused_is_said_in_its_place() -> None:
    broker = Held()
    async with running(broker) as live, live.client() as client:
        await joined(client)
        await client.send(publish(10), publish(11))
        await broker.until(2)
        broker.asked[0].set_exception(BrokerDownError())
        broker.answer(1)
        assert (await client.receive())["error"]["code"] == 100
        assert await client.receive() == {"id": 11, "publish": {}}


async def test_another_command_waits_until_all_is_published() -> None:
    broker = Held()
    async with running(broker) as live, live.client() as client:
        await joined(client)
        await client.send(publish(10))
        await client.send({"id": 11, "unsubscribe": {"channel": "room:1"}}, publish(12))
        await broker.until(1)
        await asyncio.sleep(0.05)
        broker.answer(0)
        assert await client.receive() == {"id": 10, "publish": {}}
        assert await client.receive() == {"id": 11, "unsubscribe": {}}
        assert (await client.receive())["error"]["code"] == 103  # a subscriber no more
        assert len(broker.asked) == 1


async def test_one_connection_fills_no_memory_while_the_broker_is_slow() -> None:
    broker = Held()
    async with running(broker) as live, live.client() as client:
        await joined(client)
        sending = asyncio.create_task(client.send(*(publish(n) for n in range(10, 10 + 500))))
        await broker.until(MAX_PUBLICATIONS)
        await asyncio.sleep(0.05)
        assert len(broker.asked) == MAX_PUBLICATIONS
        for number in range(500):
            await broker.until(number + 1)
            broker.answer(number)
        await sending
        assert [(await client.receive())["id"] for _ in range(500)] == list(range(10, 510))


async def test_the_goodbye_waits_for_what_was_published_in_a_frame_before() -> None:
    broker = Held()
    async with running(broker, drain_timeout=2.0) as live, live.client() as client:
        await joined(client)
        await client.send(publish(10))
        await broker.until(1)
        stopping = asyncio.create_task(live.server.stop())
        await asyncio.sleep(0.1)
        broker.answer(0)
        assert await client.receive() == {"id": 10, "publish": {}}
        assert await client.closed() == (3001, "shutdown")
        await stopping


async def test_a_malformed_frame_ends_the_connection_after_the_answers() -> None:
    broker = Held()
    async with running(broker) as live, live.client() as client:
        await joined(client)
        await client.send(publish(10))
        await client.socket.send("{")
        await broker.until(1)
        await asyncio.sleep(0.05)
        broker.answer(0)
        assert await client.receive() == {"id": 10, "publish": {}}
        assert (await client.closed())[0] == 3501


async def test_what_comes_after_the_server_closed_is_not_carried_out() -> None:
    broker = Held()
    async with running(broker) as live, live.client() as client:
        await joined(client)
        (session,) = live.server.parts.hub.sessions
        session.receiver.close(codes.FORCED)
        await client.send(publish(10))
        assert await client.closed() == (3503, "force disconnect")
        assert broker.asked == []
