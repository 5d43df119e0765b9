"""The registry of the services that ship with stack: one line each. Pure."""

from stack.config.preset import front, postgres, realtime, redis
from stack.config.preset.kind import Preset

# `localhost` is the one for one program, and the other for the next.
LOOPBACK = ("127.0.0.1", "::1")
NGINX = "nginx"  # the service name of the front
INIT_FOLDER = "/docker-entrypoint-initdb.d"  # what Postgres runs once
API_PORT = 3003  # where the realtime service listens for other services; never published

PRESETS = {
    NGINX: front.PRESET,
    "realtime": realtime.PRESET,
    "redis": redis.PRESET,
    "postgres": postgres.PRESET,
}
DATA_FOLDERS = frozenset(preset.data for preset in PRESETS.values() if preset.data)


def of(name: str | None) -> Preset | None:
    """Give the preset of that name; None for a service that is none."""
    return PRESETS[name] if name else None


def secret_variables(preset: str | None) -> tuple[str, ...]:
    """Give the variables in which users give the secret of a preset; none for other services."""
    return PRESETS[preset].secret_variables if preset else ()
