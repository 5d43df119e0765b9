"""The environment that the server accepts, and what it says of the rest."""

from pathlib import Path

import pytest
from ws_server import cores
from ws_server.config import PostgresAddress, RedisAddress, load
from ws_server.environment import ConfigError

GOOD = {"NEXTAUTH_SECRET": "s" * 32}


def test_defaults() -> None:
    settings = load(GOOD | {"WS_PORT": ""})
    assert (settings.host, settings.port, settings.path) == ("0.0.0.0", 3002, "/ws")
    assert (settings.redis, settings.postgres) == (None, None)


def test_everything_set(tmp_path: Path) -> None:
    for name in ("redis", "postgres", "secret"):
        (tmp_path / name).write_text(f"{name}-{'x' * 32}\n")
    settings = load(
        {
            "NEXTAUTH_SECRET_FILE": str(tmp_path / "secret"),
            "REDIS_URL": "redis://redis:6380/3",
            "REDIS_PASSWORD_FILE": str(tmp_path / "redis"),
            "DATABASE_URL": "postgresql://postgres@postgres:5432/shop",
            "DATABASE_PASSWORD_FILE": str(tmp_path / "postgres"),
            "WS_ALLOWED_ORIGINS": "https://A.example, http://b.example:81,",
            "WS_CONNECT_TIMEOUT": "0.5",
        }
    )
    assert settings.secret == b"secret-" + b"x" * 32
    assert settings.redis == RedisAddress("redis", 6380, 3, None, f"redis-{'x' * 32}")
    uri = "postgresql://postgres@postgres:5432/shop"
    assert settings.postgres == PostgresAddress(uri, f"postgres-{'x' * 32}")
    assert settings.allowed_origins == {"https://a.example", "http://b.example:81"}
    assert settings.connect_timeout == 0.5
    assert "xxxx" not in repr(settings)


def test_password_in_the_url() -> None:
    redis = load(GOOD | {"REDIS_URL": "redis://me:p%40ss@cache"}).redis
    assert redis == RedisAddress("cache", 6379, 0, "me", "p@ss")


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("NEXTAUTH_SECRET", "", "NEXTAUTH_SECRET_FILE: is not set, and neither is NEXTAUTH_SECRET"),
        ("NEXTAUTH_SECRET", "short", "NEXTAUTH_SECRET: the secret has 5 bytes, but needs at least"),
        ("NEXTAUTH_SECRET_FILE", "/nowhere", "NEXTAUTH_SECRET_FILE: cannot read /nowhere: No such"),
        ("NEXTAUTH_SECRET_FILE", "/dev/null", "NEXTAUTH_SECRET_FILE: /dev/null is empty"),
        ("WS_PORT", "http", "WS_PORT: must be a whole number"),
        ("WS_PORT", "70000", "WS_PORT: must be from 0 to 65535, is 70000"),
        ("WS_PATH", "ws", "WS_PATH: must begin with /"),
        ("WS_CONNECT_TIMEOUT", "0", "WS_CONNECT_TIMEOUT: must be more than 0"),
        ("WS_CONNECT_TIMEOUT", "nan", "WS_CONNECT_TIMEOUT: must be more than 0"),
        ("WS_CONNECT_TIMEOUT", "soon", "WS_CONNECT_TIMEOUT: must be a number of seconds"),
        ("WS_LOG_LEVEL", "loud", "WS_LOG_LEVEL: must be one of debug, info, warning, error"),
        ("WS_ALLOWED_ORIGINS", "example.com", "WS_ALLOWED_ORIGINS: 'example.com' is not like"),
        ("REDIS_URL", "redis", "REDIS_URL: must look like redis://host:port/name"),
        ("REDIS_URL", "redis://h:x", "REDIS_URL: is not a valid URL"),
        ("REDIS_URL", "redis://h/one", "REDIS_URL: must end in a database number"),
        ("REDIS_PASSWORD_FILE", "/nowhere", "REDIS_PASSWORD_FILE: cannot read /nowhere"),
        ("DATABASE_URL", "mysql://h/d", "DATABASE_URL: must look like postgresql://host:port/name"),
    ],
)
def test_error_names_the_variable(variable: str, value: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(GOOD | {variable: value})
    assert str(caught.value).startswith(text)


def test_secret_of_the_file_wins(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff" * 40)
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(GOOD | {"NEXTAUTH_SECRET_FILE": str(tmp_path / "secret")})


REDIS = {"REDIS_URL": "redis://redis:6379/0"}


def test_workers_meet_in_redis_only() -> None:
    assert load(GOOD).workers == 1
    assert load(GOOD | REDIS | {"WS_WORKERS": "3"}).workers == 3
    with pytest.raises(ConfigError, match=r"^WS_WORKERS: more than 1 needs REDIS_URL"):
        load(GOOD | {"WS_WORKERS": "2"})
    with pytest.raises(ConfigError, match=r"^WS_WORKERS: must be auto or a whole number$"):
        load(GOOD | REDIS | {"WS_WORKERS": "many"})


def test_automatic_workers_are_as_many_as_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available", lambda: 6)
    assert load(GOOD | REDIS | {"WS_WORKERS": "auto"}).workers == 6
    assert load(GOOD | {"WS_WORKERS": "auto"}).workers == 1
