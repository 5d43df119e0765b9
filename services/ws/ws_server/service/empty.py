"""Keeps streams without a publication in the broker while somebody here listens to them.

The broker forgets such a stream soon, or everybody who subscribes once would leave something there.
If it forgot one that has members, its first publication would be of another epoch, and end their
subscriptions with 2500.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from ws_server.broker.base import EMPTY_TTL, BrokerDownError
from ws_server.service.service import Service

INTERVAL = EMPTY_TTL / 4  # seconds; two may fail
AT_ONCE = 16  # reads, so that clients need not wait for them


async def keep_empty(service: Service) -> None:
    """Read every such stream again and again, until cancelled."""
    while True:
        await asyncio.sleep(INTERVAL)
        names = iter(service.hub.channels.empty())
        with suppress(BrokerDownError):
            await asyncio.gather(*(_read(service, names) for _ in range(AT_ONCE)))


async def _read(service: Service, names: Iterator[str]) -> None:
    for name in names:
        await service.broker.history(name, None, 0)
