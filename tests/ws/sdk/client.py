"""centrifuge-python, driven by JSON lines on stdin; what happens to it goes to stdout likewise.

Each line names one of several clients by its number.
"""

import asyncio
import json
import sys
from typing import Any

from centrifuge import (
    Client,
    ClientEventHandler,
    ReplyError,
    StreamPosition,
    SubscriptionEventHandler,
)


class Voice:
    """What one client says."""

    def __init__(self, number: int) -> None:
        self.number = number

    def say(self, event: str, **fields: Any) -> None:
        line = {"client": self.number, "event": event, **fields}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


class OfClient(ClientEventHandler):  # type: ignore[misc]  # it has no types
    def __init__(self, voice: Voice) -> None:
        self.say = voice.say

    async def on_connecting(self, ctx: Any) -> None:
        self.say("connecting", code=ctx.code, reason=ctx.reason)

    async def on_connected(self, ctx: Any) -> None:
        self.say("connected")

    async def on_disconnected(self, ctx: Any) -> None:
        self.say("disconnected", code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx: Any) -> None:
        self.say("error", code=ctx.code)


class OfSubscription(SubscriptionEventHandler):  # type: ignore[misc]  # as above
    leave: Any = None  # called once, when it has recovered

    def __init__(self, voice: Voice) -> None:
        self.say = voice.say

    async def on_subscribing(self, ctx: Any) -> None:
        self.say("subscribing", code=ctx.code, reason=ctx.reason)

    async def on_subscribed(self, ctx: Any) -> None:
        self.say("subscribed", wasRecovering=ctx.was_recovering, recovered=ctx.recovered)
        if self.leave and ctx.recovered:
            leave, self.leave = self.leave, None
            await leave()

    async def on_unsubscribed(self, ctx: Any) -> None:
        self.say("unsubscribed", code=ctx.code, reason=ctx.reason)

    async def on_publication(self, ctx: Any) -> None:
        self.say("publication", data=ctx.pub.data, offset=ctx.pub.offset or 0)

    async def on_join(self, ctx: Any) -> None:
        self.say("join", user=ctx.info.user)

    async def on_leave(self, ctx: Any) -> None:
        self.say("leave", user=ctx.info.user)

    async def on_error(self, ctx: Any) -> None:
        self.say("sub_error", code=ctx.code)


class Actions:
    """One method for each thing to do."""

    def __init__(self, voice: Voice, url: str) -> None:
        self.voice = voice
        self.tokens: asyncio.Queue[str] = asyncio.Queue()
        self.client = Client(
            url,
            events=OfClient(voice),
            get_token=self.get_token,
            min_reconnect_delay=0.05,
            max_reconnect_delay=0.2,
            proxy=None,
        )

    async def get_token(self) -> str:
        self.voice.say("token_wanted")
        return await self.tokens.get()

    def sub(self, channel: str) -> Any:
        found = self.client.get_subscription(channel)
        assert found
        return found

    async def connect(self, token: str = "") -> None:
        if token:
            self.client.set_token(token)
        await self.client.connect()

    async def disconnect(self) -> None:
        await self.client.disconnect()

    async def token(self, token: str) -> None:
        await self.tokens.put(token)

    async def subscribe(self, channel: str, leaves: bool = False) -> None:
        events = OfSubscription(self.voice)
        sub = self.client.new_subscription(
            channel, events, min_resubscribe_delay=0.05, max_resubscribe_delay=0.2
        )
        events.leave = sub.unsubscribe if leaves else None
        await sub.subscribe()

    async def resubscribe(self, channel: str) -> None:
        await self.sub(channel).subscribe()

    async def unsubscribe(self, channel: str) -> None:
        await self.sub(channel).unsubscribe()

    async def publish(self, channel: str, data: Any) -> None:
        await self.sub(channel).publish(data)

    async def history(
        self, channel: str, limit: int, since: Any = None, reverse: bool = False
    ) -> list[int]:
        position = StreamPosition(**since) if since else None
        found = await self.sub(channel).history(limit, since=position, reverse=reverse)
        return [pub.offset for pub in found.publications]

    async def presence(self, channel: str) -> list[str]:
        found = await self.sub(channel).presence()
        return sorted(info.user for info in found.clients.values())

    async def presence_stats(self, channel: str) -> list[int]:
        found = await self.sub(channel).presence_stats()
        return [found.num_clients, found.num_users]

    async def rpc(self, method: str) -> Any:
        return (await self.client.rpc(method, {})).data


async def carry_out(actions: Actions, action: str, order: dict[str, Any]) -> None:
    try:
        result = await getattr(actions, action)(**order)
    except ReplyError as error:
        actions.voice.say("failed", code=error.code)
    else:
        actions.voice.say("done", result=result)


async def main() -> None:
    clients: dict[int, Actions] = {}
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:  # an error that is not of the protocol ends all
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            order = json.loads(line)
            number, action = order.pop("client"), order.pop("do")
            if action == "open":
                clients[number] = Actions(Voice(number), order["url"])
            else:
                tasks.create_task(carry_out(clients[number], action, order))


if __name__ == "__main__":
    asyncio.run(main())
