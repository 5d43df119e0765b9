"""The registry of the brokers between replicas: one line each, by the scheme of their URL."""

from collections.abc import Callable, Mapping

from ws_server.broker.base import Broker
from ws_server.broker.memory import MemoryBroker
from ws_server.broker.redis import RedisBroker
from ws_server.log import Log
from ws_server.settings.redis_address import RedisAddress

BROKERS: Mapping[str, Callable[[RedisAddress, Log], Broker]] = {
    "redis": RedisBroker,
    "rediss": RedisBroker,
    "unix": RedisBroker,
    "redis+sentinel": RedisBroker,
    "rediss+sentinel": RedisBroker,
}


def broker_at(address: RedisAddress | None, log: Log) -> Broker:
    """Return the broker at an address; without one, the broker of a single process."""
    return BROKERS[address.scheme](address, log) if address else MemoryBroker()
