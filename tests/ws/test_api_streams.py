"""What the HTTP API may say of a stream: versions of a state, and where a recovery begins."""

from typing import Any

import httpx
import pytest
from cent import HistoryRequest, StreamPosition, SubscribeRequest

from tests.ws.harness import API_KEY, Running
from tests.ws.test_api import cent


async def test_only_newer_versions_are_published(served: Running) -> None:
    offsets = []
    for version, epoch in ((2, ""), (1, ""), (2, ""), (3, ""), (1, "new")):
        answer = await served.api(
            "publish", channel="log:1", data=version, version=version, version_epoch=epoch
        )
        offsets.append(answer["result"]["offset"])
    assert offsets == [1, 1, 1, 2, 3]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"channel": "news", "version": 1}, 108),  # no history
        ({"version": -1}, 107),
        ({"version": 2**53 + 1}, 107),
        ({"version_epoch": "x"}, 107),
        ({"version": 1, "skip_history": True}, 107),
        ({"version": 1, "version_epoch": "x" * 257}, 107),
    ],
)
async def test_a_version_that_nobody_keeps(
    served: Running, fields: dict[str, Any], code: int
) -> None:
    answer = await served.api("publish", **{"channel": "log:1", "data": 1} | fields)
    assert answer["error"]["code"] == code


async def test_half_of_a_surrogate_pair_is_no_version(served: Running) -> None:
    body = r'{"channel":"log:1","data":1,"version":1,"version_epoch":"\ud800"}'
    async with httpx.AsyncClient() as http:
        key = {"X-API-Key": API_KEY.decode()}
        answer = await http.post(f"{served.api_url}/publish", content=body, headers=key)
    assert answer.json()["error"]["code"] == 107


async def test_a_subscription_of_the_api_may_recover(served: Running) -> None:
    """As the real client of Centrifugo asks for it."""
    for number in range(3):
        await served.api("publish", channel="log:1", data=number)
    async with cent(served) as api, served.client() as client:
        await client.sign_in()
        known = await api.history(HistoryRequest(channel="log:1"))
        since = StreamPosition(offset=1, epoch=known.epoch)
        wanted = SubscribeRequest(user="alice", channel="log:1", recover_since=since)
        await api.subscribe(wanted)
        pushed = (await client.receive())["push"]["subscribe"]
        assert pushed["recovered"] is True
        assert [pub["data"] for pub in pushed["publications"]] == [1, 2]
        order: dict[str, Any] = {"user": "alice", "channel": "log:2"}
        answer = await served.api("subscribe", **order, recover_since={"offset": "x"})
        assert answer["error"]["code"] == 107
