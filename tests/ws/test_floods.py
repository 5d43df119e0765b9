"""Who floods gives way to the others, and is closed with 3013: counted in answers, not seconds."""

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from ws_server.clients.connection import EARLY
from ws_server.clients.intake import Connection
from ws_server.core.rate import MANY, Rate
from ws_server.settings.config import load

from tests.ws.harness import Client, running

FLOODING = (3013, "too many requests")


async def pour(client: Client, opcode: Opcode, count: int, **options: Any) -> None:
    """Write so many frames at once, past the library."""
    one = Frame(opcode, b"x", **options).serialize(mask=True)
    client.socket.transport.write(one * count)


async def test_a_chunk_of_frames_is_parsed_in_more_than_one_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ws_server.clients.intake.SLICE", 0.0)
    chunks: list[int] = []
    parse = Connection._parse

    def counted(self: Connection, data: bytes) -> None:
        chunks.append(len(data))
        parse(self, data)

    monkeypatch.setattr(Connection, "_parse", counted)
    async with running() as live, live.client() as client:
        await client.sign_in()
        chunks.clear()
        await pour(client, Opcode.PING, 3000)
        assert "ping" in await client.ask({"id": 2, "ping": {}})
    assert max(chunks) <= 1024
    assert len(chunks) >= 3000 * 7 // 1024


async def test_another_client_is_answered_while_one_frame_is_carried_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ws_server.clients.intake.SLICE", 0.0)
    async with running() as live, live.client() as flood, live.client() as other:
        await flood.sign_in()
        await other.sign_in()
        service = live.server.parts.service
        await flood.socket.send("\n".join(json.dumps({"id": 1, "none": {}}) for _ in range(3000)))
        assert "ping" in await other.ask({"id": 2, "ping": {}})
        assert service.stats.errors[104] < 3000


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG])
async def test_few_control_frames_before_the_sign_in(opcode: Opcode) -> None:
    async with running() as live, live.client() as client:
        await pour(client, opcode, EARLY)
        assert "connect" in await client.sign_in()
    async with running() as live, live.client() as client:
        await pour(client, opcode, EARLY + 1)
        assert await client.closed() == FLOODING


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG, Opcode.TEXT])
async def test_frames_without_a_command_count_as_commands(opcode: Opcode) -> None:
    async with running(max_commands_per_second=5) as live, live.client() as client:
        await client.sign_in()
        empty = Frame(opcode, b"").serialize(mask=True)
        client.socket.transport.write(empty * 200)
        assert await client.closed() == FLOODING


async def test_fragments_count_as_commands() -> None:
    async with running(max_commands_per_second=5) as live, live.client() as client:
        await client.sign_in()
        await pour(client, Opcode.TEXT, 1, fin=False)
        await pour(client, Opcode.CONT, 2000, fin=False)
        assert await client.closed() == FLOODING


async def test_an_address_that_connects_too_often_is_refused_and_others_are_not() -> None:
    async with running(max_connects_per_second=1) as live:
        mine = {"X-Real-IP": "192.0.2.1"}

        async def come() -> None:
            async with live.client(additional_headers=mine):
                await asyncio.sleep(0)

        async def come_often() -> None:
            for _ in range(20):
                await come()

        with pytest.raises(InvalidStatus) as refused:
            await come_often()
        assert refused.value.response.status_code == 429
        async with live.client(additional_headers={"X-Real-IP": "192.0.2.2"}) as other:
            assert "connect" in await other.sign_in()


def test_a_rate_grants_a_burst_then_its_rate() -> None:
    rate = Rate(2)
    assert [rate.allows("a", 0) for _ in range(5)] == [True] * 4 + [False]
    assert rate.allows("b", 0)
    assert rate.allows("a", 0.5)
    assert not rate.allows("a", 0.5)


def test_a_rate_does_not_remember_more_addresses_than_many() -> None:
    rate = Rate(1)
    for number in range(MANY + 100):
        rate.allows(str(number), 0)
    assert len(rate._seen) == MANY


def test_commands_are_limited_by_default() -> None:
    settings = load({"NEXTAUTH_SECRET": "q7Lw-2vT9xZk4Rb8Nd1mYc5Hf3Js6Pg0"}, ())
    assert (settings.max_commands_per_second, settings.max_connects_per_second) == (500, 0)
