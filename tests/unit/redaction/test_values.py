"""Which values are secret: by rule, from both sides."""

import pytest

from stack.redaction.values import is_plain, looks_random, named, says_secret, secret_values
from tests.integration.planted import table


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD", "DB_PASSWORD", "PGPASSWORD", "MYSQL_PWD", "SMTP_PASS", "POSTGRES_PASSWORD_DEV",
        "clientSecret", "client-secret", "SECRET_KEY_BASE", "AUTH_SECRET", "JWT_SECRET_2",
        "api_key", "apiKey", "APIKEY", "API_KEYS", "AWS_SECRET_ACCESS_KEY", "ENCRYPTION_KEY",
        "TOKEN", "GITHUB_TOKEN", "accessToken", "spring.datasource.password", "REDIS_AUTH",
        "PW", "DB_PW", "pw2", "LDAP_BINDPW", "SMTP_PSWD", "AWS_CREDS", "PASSKEY", "PRIVATEKEY",
        "SECRETKEY", "SENTRY_DSN", "SLACK_WEBHOOK_URL", "SESSION_SALT", "GOOGLE_CREDENTIALS",
        "--db-password",
    ],
)  # fmt: skip
def test_a_name_that_says_secret(name: str) -> None:
    assert says_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "NODE_ENV", "DEBUG", "KEYBOARD", "MONKEY", "PASSENGERS", "TOKEN_TTL", "MAX_TOKENS",
        "SECRET_NAME", "PASSWORD_FILE", "TOKEN_URL", "JWT_ALGORITHM", "PASSWORD_MIN_LENGTH",
        "KEY_SIZE", "AUTH_PROVIDER", "COOKIE_DOMAIN", "AUTHOR", "COMPASS", "SECRET_PATH",
        "PW_LENGTH", "SESSION", "SID", "SESSION_ID", "PWA_NAME",
    ],
)  # fmt: skip
def test_a_name_that_does_not(name: str) -> None:
    assert not says_secret(name)


@pytest.mark.parametrize(
    "value",
    [
        "sk-live-51Hx0pQz", "p4ssw0rd", "Tr0ub4dor&3x", "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "aB3-xY9-zK2-qW7-Lm5", "key-3ax6xnjp29jd6fds4gc373sgvjxteol0", "P@ssw0rd!",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE",
        "https://hooks.example/T01AB/Zx9Yw8Vu7Ts6Rq5P", "GQjVbLkWmTzRxYpN", "Bearer 51Hx0pQz1",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)  # fmt: skip
def test_what_looks_random(value: str) -> None:
    assert looks_random(value)


@pytest.mark.parametrize(
    "value",
    [
        "", "true", "production", "3000", "20261128", "a-1", "http://api:8000/v1", "us-east-1a",
        "postgres17", "python3.13-slim-bookworm", "2026-11-28T12:00:00Z", "application/json",
        "Europe/Berlin", "en_US.UTF-8", "0.0.0.0:8000", "192.168.100.200", "10.0.0.0/16", "[::1]",
        "postgresql://postgres@db:5432/shop", "amqp://guest:guest@mq:5672", "debug,info,warn",
        "/var/lib/application/data2", "--max-old-space-size=4096", "-XX:G1HeapRegionSize=8m",
        "SecretManagerService", "swordfish", "correct-horse-battery", "${API_KEY}", "**/*.ts",
        "*/5 * * * *", "alice@example.com", "1.2.3-beta1", "v2.40.3", "sha256", "admin@shop2.io",
        "registry.example:5000/team/app:1.2.3", "image/svg+xml;q=0.9", "12345678901234567890",
    ],
)  # fmt: skip
def test_what_does_not(value: str) -> None:
    assert not looks_random(value)


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("DB_PASSWORD", "swordfish", {"swordfish"}),  # one lower-case word
        ("ANIMAL", "swordfish", set()),
        ("DB_PASSWORD", "hunter2", {"hunter2"}),
        ("DB_PASSWORD", "q7Z", set()),  # too short: only beside its name
        ("DB_PASSWORD", "12345", set()),  # may be a port
        ("DB_PASSWORD", "123456", {"123456"}),
        ("DB_PASSWORD", "changeme", set()),  # common
        ("DB_PASSWORD", "shop", set()),  # the project's own name
        ("DB_PASSWORD", "/run/secrets/db", set()),
        ("DB_PASSWORD", "${DB_PASSWORD}", set()),
        ("PASSWORD_LOGIN", "true", set()),
        ("TLS_KEY", "./certs/front.key", set()),
        ("STORE", "postgres://app:mellon@db/x", {"mellon"}),
        ("STORE", "postgres://app:a%40bcd@db/x", {"a%40bcd", "a@bcd"}),
        ("STORE", "Server=db;Password=mellon;Encrypt=yes", {"mellon"}),
        ("CONFIG", '{"a": {"token": "mellon"}, "b": "friend"}', {"mellon"}),
        ("OPTS", "--fast 51Hx0pQz51 slow", {"51Hx0pQz51"}),
        ("PW", "swordfish", {"swordfish"}),
        # The name of a session alone says little.
        ("SESSION", "mellonspeakfriend1", {"mellonspeakfriend1"}),
        (
            "connect.sid",
            "s:mellon4711friend.speak",
            {"s:mellon4711friend.speak", "mellon4711friend.speak"},
        ),
        ("PHPSESSID", "mellonspeakfriend1", {"mellonspeakfriend1"}),
        ("SESSION_ID", "mellonspeakfriend1", {"mellonspeakfriend1"}),
        ("COOKIE", "mellon", {"mellon"}),
        ("SESSION", "mellon-speak-friend", set()),
        ("SESSION", "postgres17", set()),
        ("SESSION_STORE", "mellonspeakfriend1", set()),
        ("BASIC_AUTH", "bob:builder", {"bob:builder", "builder"}),
        ("API_KEYS", "a8d7f6e5,b9c8d7e6", {"a8d7f6e5,b9c8d7e6", "a8d7f6e5", "b9c8d7e6"}),
    ],
)
def test_what_is_masked_wherever_it_stands(name: str, value: str, masked: set[str]) -> None:
    assert secret_values([(name, value)], {"shop"}) == masked


def test_lines_of_a_key_are_masked_one_by_one() -> None:
    lines = table.PEM.split("\n")
    assert secret_values([("JWT_KEY", table.PEM)]) == {table.PEM, *lines[1:-1]}


def test_a_long_value_is_masked_in_pieces() -> None:
    value = "".join(f"{n:04x}" for n in range(1, 2600))
    found = secret_values([("BLOB_SECRET", value)])
    assert all(len(piece) <= 1016 for piece in found)
    assert sum(map(len, found)) == len(value)


def test_nothing_of_the_readable_table_is_masked() -> None:
    assert secret_values(table.READABLE_ENV.items(), {"postgres"}) == set()


@pytest.mark.parametrize("value", ["", "off", "/a/b.pem", "http://a:80/b", "${X}", "$X", "****"])
def test_what_is_plain_under_any_name(value: str) -> None:
    assert is_plain(value)


@pytest.mark.parametrize("value", ["swordfish", "12345", "http://u:p@a", "/x9Y8z7W6v5+u4", "$2b$1"])
def test_what_is_not(value: str) -> None:
    assert not is_plain(value)


def test_names_of_texts_in_a_json_value() -> None:
    value = {"Env": ["A_KEY=x=y", "B"], "Cmd": ["run", "--token", "t", "--pass=p"], "L": {"k": "v"}}
    assert list(named(value)) == [
        ("A_KEY", "x=y"),
        ("Env", "B"),
        ("Cmd", "run"),
        ("Cmd", "--token"),
        ("--token", "t"),
        ("--pass", "p"),
        ("k", "v"),
    ]
