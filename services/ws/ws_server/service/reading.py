"""Presence and history as results, for clients and the HTTP API alike; checks no permission."""

from collections.abc import Collection

from ws_server.broker.base import Broker
from ws_server.core import codes, protocol
from ws_server.core.codes import ReplyError
from ws_server.core.publication import Position


class RefusedError(Exception):
    """A request is answered by this error and not by a result."""

    def __init__(self, error: ReplyError) -> None:
        super().__init__(error.message)
        self.error = error


async def history(
    broker: Broker, channel: str, since: Position | None, limit: int, *, reverse: bool
) -> bytes:
    """Return a HistoryResult. Raises BrokerDownError; RefusedError for a lost stream's epoch."""
    found = await broker.history(channel, since, limit, reverse=reverse)
    if since and since.epoch not in {"", found.top.epoch}:
        raise RefusedError(codes.UNRECOVERABLE_POSITION)
    top = {"epoch": found.top.epoch, "offset": found.top.offset}
    return protocol.subscribed(top, [pub.json for pub in found.publications])


async def presence(broker: Broker, channel: str) -> bytes:
    """Return a PresenceResult. Raises BrokerDownError."""
    return b'{"presence":' + protocol.object_of(await broker.present(channel)) + b"}"


async def presence_stats(broker: Broker, channel: str) -> bytes:
    """Return a PresenceStatsResult. Raises BrokerDownError."""
    present = await broker.present(channel)
    return protocol.encode(presence_counts(present.values()))


def presence_counts(infos: Collection[bytes]) -> dict[str, int]:
    """Return how many clients and users a presence has."""
    users = {protocol.user_of(info) for info in infos}
    return {"num_clients": len(infos), "num_users": len(users)}
