"""The namespaces of stack.yaml are those that the realtime server reads."""

import dataclasses
from pathlib import Path

import pytest
from ws_server.core import namespaces
from ws_server.settings.environment import ConfigError
from ws_server.settings.namespaces import parse

from stack.config.model import Namespace
from stack.layout.topology import lay_out
from tests.unit.layout.test_topology import IMAGES
from tests.unit.written import loaded, service

ROOM = """\
ws:
    preset: realtime
    namespaces:
      room: {presence: true, join_leave: true, history_size: 9, history_ttl: 1h, slow: latest}"""


def environment(folder: Path, text: str) -> dict[str, str]:
    topology = lay_out(loaded(folder, service(text)), IMAGES)
    (found,) = [item for item in topology.containers if item.service == "ws"]
    return dict(found.environment)


def test_both_sides_know_the_same_options() -> None:
    known = {option.name for option in dataclasses.fields(namespaces.Namespace)}
    assert set(Namespace.model_fields) == known


def test_what_is_written_arrives(tmp_path: Path) -> None:
    text = environment(tmp_path, ROOM)["WS_NAMESPACES"]
    room = parse(text, "WS_NAMESPACES").of("room:1")
    assert room == namespaces.Namespace(
        presence=True, join_leave=True, history_size=9, history_ttl=3600, slow="latest"
    )


def test_nothing_written_is_nothing_set(tmp_path: Path) -> None:
    assert "WS_NAMESPACES" not in environment(tmp_path, "ws: {preset: realtime}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "must be an object of objects"),
        ('{"room":', "is not JSON"),
        ('{"room": {"presnce": true}}', "room: unknown option presnce"),
        ('{"room": {"presence": 1}}', "room: presence must be true or false"),
        ('{"room": {"slow": "x"}}', "room: slow must be one of disconnect, drop_oldest, latest"),
        ('{"": {"history_size": -1}}', r"\(no namespace\): history_size must be a whole number"),
        ('{"room": {"history_ttl": "1h"}}', "room: history_ttl must be a number of seconds"),
        ('{"room": {"force_recovery": true}}', "room: force_recovery needs history_size"),
        ('{"room": {"join_leave": true}}', "room: join_leave needs presence"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=f"WS_NAMESPACES: {says}"):
        parse(text, "WS_NAMESPACES")
