"""Where Redis is: one server, a Unix socket, or the master that sentinels name; opens nothing.

The forms of REDIS_URL are those of redis-py; ``redis+sentinel`` has several addresses.
https://redis.readthedocs.io/en/stable/connections.html
"""

from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from ws_server.settings.environment import ConfigError, Environment

PORT, SENTINEL_PORT = 6379, 26379
_FILES = ("WS_REDIS_CA_FILE", "WS_REDIS_CERT_FILE", "WS_REDIS_KEY_FILE")


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: an authority instead of the system's, and a client's certificate; "" for none."""

    ca: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis answers and how to sign in."""

    host: str
    port: int
    db: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    scheme: str = "redis"  # which broker it is
    min_replicas: int = 0  # that must have a stored publication before it is acknowledged
    socket: str = ""  # the path of a Unix socket, which replaces host and port
    tls: Tls | None = None
    sentinels: tuple[tuple[str, int], ...] = ()  # they know the host and port of the ``master``
    master: str = ""
    sentinel_password: str | None = field(default=None, repr=False)


def read(env: Environment, brokers: tuple[str, ...]) -> RedisAddress | None:
    """Return the address in REDIS_URL and beside it; None without one. Raises ConfigError."""
    min_replicas = env.integer("WS_REDIS_MIN_REPLICAS", 0, 0, 16)
    text, password = env.text("REDIS_URL"), env.file("REDIS_PASSWORD_FILE")
    tls = _tls(env, text)
    if not text and min_replicas:
        raise ConfigError("WS_REDIS_MIN_REPLICAS: needs REDIS_URL, whose replicas are meant")
    if not text:
        return None
    try:
        url = urlsplit(text)
        if url.scheme not in brokers:
            raise _unlike("redis://host:port/0")
        address = _place(url)
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError("REDIS_URL: is not a valid URL") from None
    return replace(
        address,
        username=unquote(url.username) if url.username else None,
        password=password or (unquote(url.password) if url.password else None),
        scheme=url.scheme,
        min_replicas=min_replicas,
        tls=tls,
        sentinel_password=env.file("WS_REDIS_SENTINEL_PASSWORD_FILE"),
    )


def _place(url: SplitResult) -> RedisAddress:
    """Return where it is. Raises ConfigError, and ValueError for a port that is none."""
    if url.scheme == "unix":
        if not url.path.strip("/"):
            raise _unlike("unix:///run/redis/redis.sock?db=0")
        database = _database(parse_qs(url.query).get("db", ["0"])[-1])
        return RedisAddress("", 0, database, socket=url.path)
    parts = url.path.strip("/").split("/")
    if url.scheme.endswith("+sentinel"):
        found = url.netloc.rpartition("@")[2].split(",")
        sentinels = tuple(_host_and_port(each, SENTINEL_PORT) for each in found)
        if not parts[0] or not all(host for host, _ in sentinels):
            raise _unlike("redis+sentinel://first:26379,second:26379/mymaster/0")
        database = _database("/".join(parts[1:]))
        return RedisAddress("", 0, database, sentinels=sentinels, master=unquote(parts[0]))
    host, port = _host_and_port(url.netloc.rpartition("@")[2], PORT)
    if not host:
        raise _unlike(f"{url.scheme}://host:port/0")
    return RedisAddress(host, port, _database("/".join(parts)))


def _host_and_port(text: str, port: int) -> tuple[str, int]:
    one = urlsplit(f"//{text}")
    return one.hostname or "", one.port or port


def _database(text: str) -> int:
    if text and not text.isdecimal():
        raise ConfigError("REDIS_URL: must end in a database number, such as /0")
    return int(text or "0")


def _tls(env: Environment, url: str) -> Tls | None:
    files = [env.text(name) for name in _FILES]
    if not url.startswith("rediss"):
        for name in filter(env.text, _FILES):
            raise ConfigError(f"{name}: needs TLS, so a REDIS_URL that begins with rediss")
        return None
    for name in _FILES:
        env.file(name)  # a file that cannot be read is said at the start
    if bool(files[1]) != bool(files[2]):
        raise ConfigError(f"{_FILES[1]}: needs {_FILES[2]}, and the other way around")
    return Tls(*files)


def _unlike(example: str) -> ConfigError:
    return ConfigError(f"REDIS_URL: must look like {example}")
