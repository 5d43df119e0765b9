"""tests/vectors/protocol.json against a real server: what docs/protocol.md promises."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ws.harness import Client, Running, token

FILE = Path(__file__).parents[1] / "vectors" / "protocol.json"
DATA: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", DATA["vectors"], ids=lambda vector: vector["name"])
async def test_vector(live: Running, vector: dict[str, Any]) -> None:
    async with live.client() as client:
        await client.socket.send(DATA["connect"]["send"].replace("<token>", token()))
        assert matches(await client.receive(), DATA["connect"]["receive"])
        for frame in vector["send"]:
            await client.socket.send(frame)
        # Replies keep their order and pushes keep theirs; frames of one turn are taken together.
        waiting = list(vector["receive"])
        while waiting:
            received = await client.receive()
            expected = next(
                (each for each in waiting if ("push" in each) == ("push" in received)), None
            )
            assert matches(received, expected), received
            waiting.remove(expected)
        await expect_end(client, vector.get("close"))


async def expect_end(client: Client, code: int | None) -> None:
    if code is not None:
        assert (await client.closed())[0] == code
    else:  # nothing more arrives: the next answer is to this
        assert await client.ask({"id": 99, "ping": {}}) == {"id": 99, "ping": {}}


def matches(value: Any, expected: Any) -> bool:
    if expected == "<any>":
        return True
    if isinstance(expected, dict) and isinstance(value, dict):
        return expected.keys() == value.keys() and all(
            matches(value[key], expected[key]) for key in expected
        )
    if isinstance(expected, list) and isinstance(value, list):
        return len(expected) == len(value) and all(map(matches, value, expected))
    return bool(value == expected)
