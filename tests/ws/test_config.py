"""The environment that the server accepts, and what it says of the rest."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ws_server.broker.brokers import BROKERS
from ws_server.settings import config, cores
from ws_server.settings.config import HookSettings, PostgresAddress, Settings
from ws_server.settings.environment import ConfigError
from ws_server.settings.redis_address import RedisAddress, Tls

LONG = "q7Lw-2vT9xZk4Rb8Nd1mYc5Hf3Js6Pg0"
GOOD = {"NEXTAUTH_SECRET": "correct horse battery staple, thirty"}


def load(environ: Mapping[str, str]) -> Settings:
    return config.load(environ, tuple(BROKERS))


def test_defaults() -> None:
    settings = load(GOOD | {"WS_PORT": ""})
    assert (settings.host, settings.port, settings.path) == ("0.0.0.0", 3002, "/ws")
    assert (settings.redis, settings.postgres) == (None, None)
    assert (settings.api_key, settings.hooks) == (None, HookSettings())


def test_everything_set(tmp_path: Path) -> None:
    for name in ("redis", "postgres", "secret", "key"):
        (tmp_path / name).write_text(f"{name}-{LONG}\n")
    settings = load(
        {
            "NEXTAUTH_SECRET_FILE": str(tmp_path / "secret"),
            "REDIS_URL": "redis://redis:6380/3",
            "REDIS_PASSWORD_FILE": str(tmp_path / "redis"),
            "DATABASE_URL": "postgresql://postgres@postgres:5432/shop",
            "DATABASE_PASSWORD_FILE": str(tmp_path / "postgres"),
            "WS_ALLOWED_ORIGINS": "https://A.example, http://b.example:81,",
            "WS_CONNECT_TIMEOUT": "0.5",
            "WS_API_KEY_FILE": str(tmp_path / "key"),
            "WS_RPC_URL": "https://me:xxxx@app:8000/rpc?a=b",
            "WS_HOOK_HEADERS": "Cookie, X-Real-IP,",
        }
    )
    assert settings.secret == f"secret-{LONG}".encode()
    assert settings.redis == RedisAddress("redis", 6380, 3, None, f"redis-{LONG}")
    uri = "postgresql://postgres@postgres:5432/shop"
    assert settings.postgres == PostgresAddress(uri, f"postgres-{LONG}")
    assert settings.allowed_origins == {"https://a.example", "http://b.example:81"}
    assert settings.connect_timeout == 0.5
    assert settings.api_key == f"key-{LONG}".encode()
    url = "https://me:xxxx@app:8000/rpc?a=b"
    hooks = HookSettings(rpc_url=url, headers=("Cookie", "X-Real-IP"))
    assert settings.hooks == hooks
    assert "xxxx" not in repr(settings)
    assert LONG not in repr(settings)


def test_password_in_the_url() -> None:
    redis = load(GOOD | {"REDIS_URL": "redis://me:p%40ss@cache"}).redis
    assert redis == RedisAddress("cache", 6379, 0, "me", "p@ss")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rediss://me@h/2", RedisAddress("h", 6379, 2, "me", scheme="rediss", tls=Tls())),
        ("unix:///run/r.sock?db=3", RedisAddress("", 0, 3, scheme="unix", socket="/run/r.sock")),
        ("unix://:p@/r.sock", RedisAddress("", 0, 0, None, "p", "unix", socket="/r.sock")),
        (
            "redis+sentinel://me:p@one,[::1]:7/main/4",
            RedisAddress(
                *("", 0, 4, "me", "p", "redis+sentinel"),
                sentinels=(("one", 26379), ("::1", 7)),
                master="main",
            ),
        ),
    ],
)
def test_the_forms_of_redis_url(url: str, expected: RedisAddress) -> None:
    assert load(GOOD | {"REDIS_URL": url}).redis == expected


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("NEXTAUTH_SECRET", "", "NEXTAUTH_SECRET_FILE: is not set, and neither is NEXTAUTH_SECRET"),
        ("NEXTAUTH_SECRET", "short", "NEXTAUTH_SECRET: the secret has 5 bytes, but needs at least"),
        ("NEXTAUTH_SECRET_FILE", "/nowhere", "NEXTAUTH_SECRET_FILE: cannot read /nowhere: No such"),
        ("NEXTAUTH_SECRET_FILE", "/dev/null", "NEXTAUTH_SECRET_FILE: /dev/null is empty"),
        ("NEXTAUTH_SECRET", "s" * 40, "NEXTAUTH_SECRET: the secret has fewer than 8 different"),
        ("NEXTAUTH_SECRET", "secret123" * 5, "NEXTAUTH_SECRET: the secret is one short text again"),
        (
            "NEXTAUTH_SECRET",
            "your-super-secret-key-at-least-32-characters",
            "NEXTAUTH_SECRET: the secret looks like one of an example, which others know",
        ),
        ("NEXTAUTH_SECRET_PREVIOUS", "short", "NEXTAUTH_SECRET_PREVIOUS: the secret has 5 bytes"),
        ("NEXTAUTH_SECRET_PREVIOUS_FILE", "/nowhere", "NEXTAUTH_SECRET_PREVIOUS_FILE: cannot read"),
        ("WS_JWKS_URL", "ftp://h/keys", "WS_JWKS_URL: must look like https://host:port/name"),
        ("WS_SESSION_TABLE", "sessions", "WS_SESSION_TABLE: needs DATABASE_URL"),
        ("WS_ALLOW_QUERY_TOKEN", "yes", "WS_ALLOW_QUERY_TOKEN: must be one of on, off"),
        ("WS_PORT", "http", "WS_PORT: must be a whole number"),
        ("WS_PORT", "70000", "WS_PORT: must be from 0 to 65535, is 70000"),
        ("WS_PATH", "ws", "WS_PATH: must begin with /"),
        ("WS_CONNECT_TIMEOUT", "0", "WS_CONNECT_TIMEOUT: must be more than 0"),
        ("WS_CONNECT_TIMEOUT", "nan", "WS_CONNECT_TIMEOUT: must be more than 0"),
        ("WS_CONNECT_TIMEOUT", "soon", "WS_CONNECT_TIMEOUT: must be a number of seconds"),
        ("WS_LOG_LEVEL", "loud", "WS_LOG_LEVEL: must be one of debug, info, warning, error"),
        ("WS_ALLOWED_ORIGINS", "example.com", "WS_ALLOWED_ORIGINS: 'example.com' is not like"),
        ("REDIS_URL", "redis", "REDIS_URL: must look like redis://host:port/0"),
        ("REDIS_URL", "redis://h:x", "REDIS_URL: is not a valid URL"),
        ("REDIS_URL", "redis://", "REDIS_URL: must look like redis://host:port/0"),
        ("REDIS_URL", "unix://", "REDIS_URL: must look like unix:///run/redis/redis.sock?db=0"),
        ("REDIS_URL", "redis+sentinel://a,b", "REDIS_URL: must look like redis+sentinel://first"),
        ("REDIS_URL", "redis+sentinel://a,/m", "REDIS_URL: must look like redis+sentinel://first"),
        ("WS_REDIS_CA_FILE", "/nowhere", "WS_REDIS_CA_FILE: needs TLS"),
        ("REDIS_URL", "redis://h/one", "REDIS_URL: must end in a database number"),
        ("REDIS_PASSWORD_FILE", "/nowhere", "REDIS_PASSWORD_FILE: cannot read /nowhere"),
        ("WS_OUTBOX", "on", "WS_OUTBOX: is on, but DATABASE_URL is not set"),
        ("WS_OUTBOX", "yes", "WS_OUTBOX: must be one of on, off"),
        ("WS_API_KEY", "short", "WS_API_KEY: the secret has 5 bytes, but needs at least 32"),
        ("WS_API_KEY_FILE", "/nowhere", "WS_API_KEY_FILE: cannot read /nowhere"),
        ("WS_API_PORT", "-1", "WS_API_PORT: must be from 0 to 65535"),
        ("WS_RPC_URL", "app:8000", "WS_RPC_URL: must look like http://host:port/name"),
        ("WS_SUBSCRIBE_URL", "file:///x", "WS_SUBSCRIBE_URL: must look like http://host:port/name"),
        ("WS_HOOK_TIMEOUT", "0", "WS_HOOK_TIMEOUT: must be more than 0"),
        ("WS_HOOK_HEADERS", "Cookie;", "WS_HOOK_HEADERS: 'Cookie;' is not a header that can"),
        ("WS_HOOK_HEADERS", "Host", "WS_HOOK_HEADERS: 'Host' is not a header that can be passed"),
        ("DATABASE_URL", "mysql://h/d", "DATABASE_URL: must look like postgresql://host:port/name"),
    ],
)
def test_error_names_the_variable(variable: str, value: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(GOOD | {variable: value})
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(("value", "is_on"), [("", True), ("on", True), ("off", False)])
def test_the_outbox_is_on_with_a_database(value: str, is_on: bool) -> None:
    database = {"DATABASE_URL": "postgresql://postgres@postgres/shop"}
    assert load(GOOD | database | {"WS_OUTBOX": value}).outbox == is_on
    assert not load(GOOD | {"WS_OUTBOX": "off"}).outbox


def test_secret_of_the_file_wins(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff" * 40)
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(GOOD | {"NEXTAUTH_SECRET_FILE": str(tmp_path / "secret")})


def test_sign_in(tmp_path: Path) -> None:
    previous = tmp_path / "previous"
    previous.write_text(f"{LONG[::-1]}\n\n {LONG.swapcase()} \n")
    environment = GOOD | {
        "NEXTAUTH_SECRET_PREVIOUS_FILE": str(previous),
        "DATABASE_URL": "postgresql://postgres@postgres/shop",
        "WS_SESSION_TABLE": "auth.Session",
        "WS_JWKS_URL": "https://me:hunter2@id.example/keys",
        "WS_JWT_AUDIENCE": "ws",
        "WS_JWT_ISSUER": "https://id.example",
        "WS_ALLOW_QUERY_TOKEN": "on",
    }
    settings = load(environment)
    assert settings.previous_secrets == (LONG[::-1].encode(), LONG.swapcase().encode())
    assert (settings.session_table, settings.allow_query_token) == ("auth.Session", True)
    assert (settings.jwt_audience, settings.jwt_issuer) == ("ws", "https://id.example")
    assert settings.jwks_url == "https://me:hunter2@id.example/keys"
    assert "hunter2" not in repr(settings)
    assert LONG[::-1] not in repr(settings)
    assert load(GOOD | {"WS_JWKS_URL": "file:///run/keys.json"}).jwks_url == "file:///run/keys.json"


@pytest.mark.parametrize("table", [".", "a.", "a..b"])
def test_a_table_that_cannot_be(table: str) -> None:
    environment = GOOD | {"DATABASE_URL": "postgresql://h/d", "WS_SESSION_TABLE": table}
    with pytest.raises(ConfigError, match="WS_SESSION_TABLE: must be like sessions or auth"):
        load(environment)


@given(st.binary(min_size=32, max_size=64), st.sampled_from(["hex", "base64", "urlsafe"]))
def test_what_a_generator_makes_is_strong(random: bytes, form: str) -> None:
    """As far as it is random: hypothesis likes zeros, so they are mixed in only."""
    mixed = hashlib.sha256(random).digest()
    text = {
        "hex": mixed.hex(),
        "base64": base64.b64encode(mixed).decode(),
        "urlsafe": base64.urlsafe_b64encode(mixed).decode(),
    }[form]
    assert load({"NEXTAUTH_SECRET": text}).secret == text.encode()


REDIS = {"REDIS_URL": "redis://redis:6379/0"}


def test_workers_meet_in_redis_only() -> None:
    assert load(GOOD).workers == 1
    assert load(GOOD | REDIS | {"WS_WORKERS": "3"}).workers == 3
    with pytest.raises(ConfigError, match=r"^WS_WORKERS: more than 1 needs REDIS_URL"):
        load(GOOD | {"WS_WORKERS": "2"})
    with pytest.raises(ConfigError, match=r"^WS_WORKERS: must be auto or a whole number$"):
        load(GOOD | REDIS | {"WS_WORKERS": "many"})


def test_the_internal_port_is_another_one() -> None:
    same = {"WS_PORT": "3003", "WS_API_KEY": LONG}
    with pytest.raises(ConfigError, match=r"^WS_API_PORT: must not be WS_PORT$"):
        load(GOOD | same)
    assert load(GOOD | {"WS_PORT": "3003"}).api_port == 3003  # and stays closed, without a key


def test_automatic_workers_are_as_many_as_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available", lambda: 6)
    assert load(GOOD | REDIS | {"WS_WORKERS": "auto"}).workers == 6
    assert load(GOOD | {"WS_WORKERS": "auto"}).workers == 1
