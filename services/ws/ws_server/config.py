"""Reads the settings from the environment and their secret files, once; keeps no state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote

from ws_server import cores, namespaces
from ws_server.auth import MIN_SECRET_BYTES
from ws_server.environment import ConfigError, Environment
from ws_server.namespaces import Namespaces

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis answers and how to sign in."""

    host: str
    port: int
    db: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A libpq connection URI, and the password apart from it so that no log can show it."""

    uri: str = field(repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; sizes are bytes, times are seconds."""

    secret: bytes = field(repr=False)
    host: str = "0.0.0.0"  # noqa: S104 - inside a container; only the proxy's port is published
    port: int = 3002
    path: str = "/ws"
    redis: RedisAddress | None = None
    postgres: PostgresAddress | None = None
    allowed_origins: frozenset[str] = frozenset()
    max_message_bytes: int = 65536
    max_queue_bytes: int = 1048576
    max_channels: int = 128
    max_connections_per_user: int = 0
    max_connections_per_address: int = 0
    max_commands_per_second: int = 0
    namespaces: Namespaces = field(default_factory=Namespaces)
    connect_timeout: float = 5.0
    ping_interval: float = 25.0
    pong_timeout: float = 10.0
    expired_grace: float = 25.0
    drain_timeout: float = 5.0
    workers: int = 1
    log_level: str = "info"


def load(environ: Mapping[str, str]) -> Settings:
    """The settings, or ConfigError for the first variable that is wrong. An empty one is unset."""
    env = Environment(environ)
    redis = _redis(env)
    return Settings(
        secret=_secret(env),
        host=env.text("WS_HOST", "0.0.0.0"),  # noqa: S104
        port=env.integer("WS_PORT", 3002, 0, 65535),
        path=_path(env),
        redis=redis,
        postgres=_postgres(env),
        allowed_origins=_origins(env),
        max_message_bytes=env.integer("WS_MAX_MESSAGE_BYTES", 65536, 128, 2**24),
        max_queue_bytes=env.integer("WS_MAX_QUEUE_BYTES", 1048576, 1024, 2**30),
        max_channels=env.integer("WS_MAX_CHANNELS", 128, 1, 100_000),
        max_connections_per_user=env.integer("WS_MAX_CONNECTIONS_PER_USER", 0, 0, 100_000),
        max_connections_per_address=env.integer("WS_MAX_CONNECTIONS_PER_ADDRESS", 0, 0, 100_000),
        max_commands_per_second=env.integer("WS_MAX_COMMANDS_PER_SECOND", 0, 0, 100_000),
        namespaces=namespaces.parse(env.text("WS_NAMESPACES"), "WS_NAMESPACES"),
        connect_timeout=env.seconds("WS_CONNECT_TIMEOUT", 5.0),
        ping_interval=env.seconds("WS_PING_INTERVAL", 25.0),
        pong_timeout=env.seconds("WS_PONG_TIMEOUT", 10.0),
        expired_grace=env.seconds("WS_EXPIRED_GRACE", 25.0),
        drain_timeout=env.seconds("WS_DRAIN_TIMEOUT", 5.0),
        workers=_workers(env, redis),
        log_level=env.choice("WS_LOG_LEVEL", "info", LOG_LEVELS),
    )


def _secret(env: Environment) -> bytes:
    name = "NEXTAUTH_SECRET_FILE" if env.text("NEXTAUTH_SECRET_FILE") else "NEXTAUTH_SECRET"
    text = env.file(name) if name.endswith("_FILE") else env.text(name)
    if not text:
        raise ConfigError("NEXTAUTH_SECRET_FILE: is not set, and neither is NEXTAUTH_SECRET")
    secret = text.encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise ConfigError(
            f"{name}: the secret has {len(secret)} bytes, but needs at least {MIN_SECRET_BYTES}"
        )
    return secret


def _path(env: Environment) -> str:
    path = env.text("WS_PATH", "/ws")
    if not path.startswith("/") or "?" in path or "#" in path:
        raise ConfigError("WS_PATH: must begin with / and have no query")
    return path


def _redis(env: Environment) -> RedisAddress | None:
    url = env.url("REDIS_URL", ("redis",))
    password = env.file("REDIS_PASSWORD_FILE")
    if url is None:
        return None
    db = url.path.strip("/") or "0"
    if not db.isdecimal():
        raise ConfigError("REDIS_URL: must end in a database number, such as /0")
    return RedisAddress(
        host=url.hostname or "",
        port=url.port or 6379,
        db=int(db),
        username=unquote(url.username) if url.username else None,
        password=password or _url_password(url),
    )


def _workers(env: Environment, redis: RedisAddress | None) -> int:
    """How many processes: each is a replica to the others, and hears of them by Redis."""
    text = env.text("WS_WORKERS", "1").lower()
    if text == "auto":
        return cores.available() if redis else 1
    if not text.isdecimal():
        raise ConfigError("WS_WORKERS: must be auto or a whole number")
    workers = env.integer("WS_WORKERS", 1, 1, 64)
    if workers > 1 and redis is None:
        raise ConfigError("WS_WORKERS: more than 1 needs REDIS_URL: workers meet in Redis only")
    return workers


def _postgres(env: Environment) -> PostgresAddress | None:
    url = env.url("DATABASE_URL", ("postgresql", "postgres"))
    password = env.file("DATABASE_PASSWORD_FILE")
    return None if url is None else PostgresAddress(url.geturl(), password)


def _url_password(url: SplitResult) -> str | None:
    return unquote(url.password) if url.password else None


def _origins(env: Environment) -> frozenset[str]:
    origins = [origin.strip() for origin in env.text("WS_ALLOWED_ORIGINS").split(",")]
    for origin in filter(None, origins):
        if "://" not in origin or origin.endswith("/"):
            raise ConfigError(f"WS_ALLOWED_ORIGINS: {origin!r} is not like https://example.com")
    return frozenset(origin.lower() for origin in origins if origin)
