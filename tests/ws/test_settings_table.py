"""The table of settings in docs/realtime.md names exactly what the server reads."""

import re
from pathlib import Path

from ws_server.broker.brokers import BROKERS
from ws_server.settings import config

ROOT = Path(__file__).parents[2]
VARIABLE = r"(?:WS|REDIS|DATABASE|NEXTAUTH)_[A-Z_]+"


def documented() -> dict[str, str]:
    """Each variable with its default, as the table says."""
    _, _, section = (ROOT / "docs" / "realtime.md").read_text("utf-8").partition("\n## Settings\n")
    found: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", section, re.MULTILINE):
        variables, values = re.findall(rf"`({VARIABLE})`", names), re.findall(r"`(.*?)`", defaults)
        found |= dict(zip(variables, values or [""] * len(variables), strict=True))
    return found


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    folder = ROOT / "services" / "ws" / "ws_server"
    sources = "".join(path.read_text("utf-8") for path in sorted(folder.rglob("*.py")))
    assert set(re.findall(rf'"({VARIABLE})"', sources)) == set(documented())


def test_the_defaults_are_those_of_the_server() -> None:
    secret = {"NEXTAUTH_SECRET": "q7Lw-2vT9xZk4Rb8Nd1mYc5Hf3Js6Pg0"}
    stated = {name: value for name, value in documented().items() if value}
    assert len(stated) > 15
    brokers = tuple(BROKERS)
    assert config.load(secret | stated, brokers) == config.load(secret, brokers)
