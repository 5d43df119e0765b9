"""Reads the settings from the environment and their secret files, once; keeps no state."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ws_server.core.namespaces import Namespaces
from ws_server.core.policy import Policy
from ws_server.settings import cores, redis_address
from ws_server.settings import namespaces as namespace_options
from ws_server.settings.environment import ConfigError, Environment
from ws_server.settings.redis_address import RedisAddress
from ws_server.settings.strength import weakness_of

LOG_LEVELS = ("debug", "info", "warning", "error")
NOT_FORWARDED = frozenset(
    {"connection", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade"}
)
_HOOKS = {
    "rpc_url": "WS_RPC_URL",
    "subscribe_url": "WS_SUBSCRIBE_URL",
    "connect_url": "WS_CONNECT_URL",
    "refresh_url": "WS_REFRESH_URL",
    "publish_url": "WS_PUBLISH_URL",
    "sub_refresh_url": "WS_SUB_REFRESH_URL",
}
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A libpq connection URI, and the password apart from it so that no log can show it."""

    uri: str = field(repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Where the hooks are, "" for none; ``headers`` of the handshake are passed on."""

    rpc_url: str = field(default="", repr=False)  # a URL may hold a password
    subscribe_url: str = field(default="", repr=False)
    connect_url: str = field(default="", repr=False)
    refresh_url: str = field(default="", repr=False)
    publish_url: str = field(default="", repr=False)
    sub_refresh_url: str = field(default="", repr=False)
    headers: tuple[str, ...] = ()
    timeout: float = 1.0

    @property
    def is_on(self) -> bool:
        """Whether there is any hook."""
        urls = (self.rpc_url, self.subscribe_url, self.connect_url, self.refresh_url)
        return any((*urls, self.publish_url, self.sub_refresh_url))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; sizes are bytes, times are seconds."""

    secret: bytes = field(repr=False)
    previous_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    jwks_url: str = field(default="", repr=False)
    jwt_audience: str = ""
    jwt_issuer: str = ""
    session_table: str = ""
    allow_query_token: bool = False
    tokens_need_end: bool = True
    session_cookies: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    host: str = "0.0.0.0"  # noqa: S104 - inside a container; only the proxy's port is published
    port: int = 3002
    path: str = "/ws"
    api_host: str = "0.0.0.0"  # noqa: S104 - as above
    api_port: int = 3003
    api_key: bytes | None = field(default=None, repr=False)
    hooks: HookSettings = field(default_factory=HookSettings)
    redis: RedisAddress | None = None
    postgres: PostgresAddress | None = None
    outbox: bool = False
    allowed_origins: frozenset[str] = frozenset()
    max_message_bytes: int = 65536
    max_queue_bytes: int = 1048576
    max_channels: int = 128
    max_connections_per_user: int = 0
    max_connections_per_address: int = 0
    max_connects_per_second: int = 0
    max_commands_per_second: int = 500
    namespaces: Namespaces = field(default_factory=Namespaces)
    connect_timeout: float = 5.0
    ping_interval: float = 25.0
    pong_timeout: float = 10.0
    expired_grace: float = 25.0
    drain_timeout: float = 5.0
    workers: int = 1
    log_level: str = "info"


def load(environ: Mapping[str, str], brokers: tuple[str, ...]) -> Settings:
    """The settings, or ConfigError for the first variable that is wrong. An empty one is unset.

    ``brokers`` are the schemes that REDIS_URL may have, the usual one first.
    """
    env = Environment(environ)
    redis = redis_address.read(env, brokers)
    return Settings(
        secret=_secret(env),
        previous_secrets=_previous_secrets(env),
        jwks_url=_jwks_url(env),
        jwt_audience=env.text("WS_JWT_AUDIENCE"),
        jwt_issuer=env.text("WS_JWT_ISSUER"),
        session_table=_session_table(env),
        allow_query_token=_is_on(env, "WS_ALLOW_QUERY_TOKEN"),
        tokens_need_end=not _is_on(env, "WS_ALLOW_TOKENS_WITHOUT_EXP"),
        session_cookies=_session_cookies(env),
        policy=_policy(env),
        host=env.text("WS_HOST", "0.0.0.0"),  # noqa: S104
        port=env.integer("WS_PORT", 3002, 0, 65535),
        path=_path(env),
        api_host=env.text("WS_API_HOST", env.text("WS_HOST", "0.0.0.0")),  # noqa: S104
        api_port=_api_port(env),
        api_key=_api_key(env),
        hooks=_hooks(env),
        redis=redis,
        postgres=postgres(env),
        outbox=_outbox(env),
        allowed_origins=_origins(env),
        max_message_bytes=env.integer("WS_MAX_MESSAGE_BYTES", 65536, 128, 2**24),
        max_queue_bytes=env.integer("WS_MAX_QUEUE_BYTES", 1048576, 1024, 2**30),
        max_channels=env.integer("WS_MAX_CHANNELS", 128, 1, 100_000),
        max_connections_per_user=env.integer("WS_MAX_CONNECTIONS_PER_USER", 0, 0, 100_000),
        max_connections_per_address=env.integer("WS_MAX_CONNECTIONS_PER_ADDRESS", 0, 0, 100_000),
        max_connects_per_second=env.integer("WS_MAX_CONNECTS_PER_SECOND", 0, 0, 100_000),
        max_commands_per_second=env.integer("WS_MAX_COMMANDS_PER_SECOND", 500, 0, 100_000),
        namespaces=namespace_options.parse(env.text("WS_NAMESPACES"), "WS_NAMESPACES"),
        connect_timeout=env.seconds("WS_CONNECT_TIMEOUT", 5.0),
        ping_interval=env.seconds("WS_PING_INTERVAL", 25.0),
        pong_timeout=env.seconds("WS_PONG_TIMEOUT", 10.0),
        expired_grace=env.seconds("WS_EXPIRED_GRACE", 25.0),
        drain_timeout=env.seconds("WS_DRAIN_TIMEOUT", 5.0),
        workers=_workers(env, redis),
        log_level=env.choice("WS_LOG_LEVEL", "info", LOG_LEVELS),
    )


def _is_on(env: Environment, name: str) -> bool:
    return env.choice(name, "off", ("on", "off")) == "on"


def _policy(env: Environment) -> Policy:
    namespace = env.text("WS_PERSONAL_CHANNEL_NAMESPACE")
    is_personal = _is_on(env, "WS_PERSONAL_CHANNEL")
    if namespace and not is_personal:
        raise ConfigError("WS_PERSONAL_CHANNEL_NAMESPACE: needs WS_PERSONAL_CHANNEL=on")
    return Policy(_is_on(env, "WS_ALLOW_ANONYMOUS"), namespace if is_personal else None)


def _session_cookies(env: Environment) -> tuple[str, ...]:
    names = tuple(filter(None, map(str.strip, env.text("WS_SESSION_COOKIES").split(","))))
    for name in names:
        if not _HEADER.fullmatch(name):
            raise ConfigError(f"WS_SESSION_COOKIES: {name!r} is not the name of a cookie")
    return names


def _secret(env: Environment) -> bytes:
    name, text = _text_or_file(env, "NEXTAUTH_SECRET", "NEXTAUTH_SECRET_FILE")
    if not text:
        raise ConfigError("NEXTAUTH_SECRET_FILE: is not set, and neither is NEXTAUTH_SECRET")
    return _strong(name, text)


def _api_key(env: Environment) -> bytes | None:
    name, text = _text_or_file(env, "WS_API_KEY", "WS_API_KEY_FILE")
    return _strong(name, text) if text else None


def _api_port(env: Environment) -> int:
    port = env.integer("WS_API_PORT", 3003, 0, 65535)
    if _api_key(env) and 0 < port == env.integer("WS_PORT", 3002, 0, 65535):
        raise ConfigError("WS_API_PORT: must not be WS_PORT")
    return port


def _previous_secrets(env: Environment) -> tuple[bytes, ...]:
    name, text = _text_or_file(env, "NEXTAUTH_SECRET_PREVIOUS", "NEXTAUTH_SECRET_PREVIOUS_FILE")
    return tuple(_strong(name, line.strip()) for line in text.splitlines() if line.strip())


def _text_or_file(env: Environment, name: str, file_name: str) -> tuple[str, str]:
    """The variable that is set, the one for a file first, and what it says."""
    text = env.file(file_name)
    return (name, env.text(name)) if text is None else (file_name, text)


def _strong(name: str, secret: str) -> bytes:
    if weakness := weakness_of(secret):
        raise ConfigError(f"{name}: the secret {weakness}")
    return secret.encode()


def _jwks_url(env: Environment) -> str:
    if env.text("WS_JWKS_URL").startswith("file:///"):
        return env.text("WS_JWKS_URL")
    url = env.url("WS_JWKS_URL", ("https", "http"))
    return url.geturl() if url else ""


def _session_table(env: Environment) -> str:
    table = env.text("WS_SESSION_TABLE")
    if table and not env.text("DATABASE_URL"):
        raise ConfigError("WS_SESSION_TABLE: needs DATABASE_URL, where the table is")
    if table and not all(table.split(".")[:3]):
        raise ConfigError("WS_SESSION_TABLE: must be like sessions or auth.sessions")
    return table


def _hooks(env: Environment) -> HookSettings:
    urls = {
        name: url.geturl()
        for name, variable in _HOOKS.items()
        if (url := env.url(variable, ("http", "https")))
    }
    headers = tuple(filter(None, map(str.strip, env.text("WS_HOOK_HEADERS").split(","))))
    for header in headers:
        if not _HEADER.fullmatch(header) or header.lower() in NOT_FORWARDED:
            raise ConfigError(f"WS_HOOK_HEADERS: {header!r} is not a header that can be passed on")
    timeout = env.seconds("WS_HOOK_TIMEOUT", 1.0)
    return HookSettings(**urls, headers=headers, timeout=timeout)


def _path(env: Environment) -> str:
    path = env.text("WS_PATH", "/ws")
    if not path.startswith("/") or "?" in path or "#" in path:
        raise ConfigError("WS_PATH: must begin with / and have no query")
    return path


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


def postgres(env: Environment) -> PostgresAddress | None:
    """Where Postgres is, if it is anywhere; for what needs nothing else of the settings."""
    url = env.url("DATABASE_URL", ("postgresql", "postgres"))
    password = env.file("DATABASE_PASSWORD_FILE")
    return None if url is None else PostgresAddress(url.geturl(), password)


def _outbox(env: Environment) -> bool:
    has_database = bool(env.text("DATABASE_URL"))
    is_on = env.choice("WS_OUTBOX", "on" if has_database else "off", ("on", "off")) == "on"
    if is_on and not has_database:
        raise ConfigError("WS_OUTBOX: is on, but DATABASE_URL is not set")
    return is_on


def _origins(env: Environment) -> frozenset[str]:
    origins = [origin.strip() for origin in env.text("WS_ALLOWED_ORIGINS").split(",")]
    for origin in filter(None, origins):
        if "://" not in origin or origin.endswith("/"):
            raise ConfigError(f"WS_ALLOWED_ORIGINS: {origin!r} is not like https://example.com")
    return frozenset(origin.lower() for origin in origins if origin)
