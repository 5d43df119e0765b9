"""A channel server of Django Channels: groups of the in-memory layer. A peer of bench.fanout.

python -m bench.peers.django_channels PORT
"""

import sys

import uvicorn
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings

BACKEND = "channels.layers.InMemoryChannelLayer"
# Room for a whole burst: with the default of 100 messages the rest would be dropped.
LAYERS = {"default": {"BACKEND": BACKEND, "CONFIG": {"capacity": 100_000}}}


class Consumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # it has no types
    """Understands ``sub CHANNEL`` and ``pub CHANNEL TEXT``."""

    async def receive(self, text_data: str) -> None:
        """Answer one frame."""
        verb, channel, *text = text_data.split(" ", 2)
        if verb == "pub":
            await self.channel_layer.group_send(channel, {"type": "pass.on", "text": text[0]})
            return
        if verb == "sub":
            await self.channel_layer.group_add(channel, self.channel_name)
        await self.send("ok")

    async def pass_on(self, event: dict[str, str]) -> None:
        """Send what the layer brings."""
        await self.send(event["text"])


if __name__ == "__main__":
    settings.configure(CHANNEL_LAYERS=LAYERS)
    application = ProtocolTypeRouter({"websocket": Consumer.as_asgi()})
    uvicorn.run(application, port=int(sys.argv[1]), log_level="error", loop="uvloop")
