"""A broker is one file and one line: each is in the registry, and its URL chooses it."""

import importlib
import inspect
import io
from pathlib import Path

import pytest
from ws_server.broker import base, brokers
from ws_server.broker.base import Broker
from ws_server.broker.memory import MemoryBroker
from ws_server.log import Log
from ws_server.settings import config
from ws_server.settings.environment import ConfigError
from ws_server.settings.redis_address import RedisAddress

SECRET = {"NEXTAUTH_SECRET": "q7Lw-2vT9xZk4Rb8Nd1mYc5Hf3Js6Pg0"}


class Another(MemoryBroker):
    """A broker with an address, as another file could bring it."""

    def __init__(self, address: RedisAddress, _log: Log) -> None:
        super().__init__()
        self.address = address


def test_each_broker_is_in_the_registry() -> None:
    words = {name for name, _ in inspect.getmembers(Broker, inspect.isfunction) if name[0] != "_"}
    found = set()
    for path in Path(base.__file__).parent.glob("*.py"):
        module = importlib.import_module(f"ws_server.broker.{path.stem}")
        own = [one for _, one in inspect.getmembers(module, inspect.isclass)]
        own = [one for one in own if one.__module__ == module.__name__ and one is not Broker]
        found |= {one for one in own if words <= {*dir(one)}}
    assert found == {MemoryBroker, *brokers.BROKERS.values()}


def test_the_scheme_of_the_url_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "BROKERS", {**brokers.BROKERS, "another": Another})
    schemes = tuple(brokers.BROKERS)
    log = Log("debug", io.StringIO())
    for url, name in (("another://h:7/0", "Another"), ("redis://h/0", "RedisBroker")):
        settings = config.load(SECRET | {"REDIS_URL": url}, schemes)
        assert type(brokers.broker_at(settings.redis, log)).__name__ == name
    assert type(brokers.broker_at(None, log)) is MemoryBroker
    with pytest.raises(ConfigError, match="must look like redis://host:port/0"):
        config.load(SECRET | {"REDIS_URL": "third://h/0"}, schemes)
