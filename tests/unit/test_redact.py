"""Secrets go, and what only looks a little like one stays readable."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.redact import MASK, looks_secret, redact
from stack.token import mint

JWT = mint("s" * 32, "alice", ("room:1",), 1_700_000_000, 60)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"GET /ws?token={JWT} HTTP/1.1", f"GET /ws?token={MASK} HTTP/1.1"),
        (f"Sec-WebSocket-Protocol: bearer.{JWT}", f"Sec-WebSocket-Protocol: bearer.{MASK}"),
        (JWT, MASK),
        (f"Authorization: Bearer {JWT}", f"Authorization: Bearer {MASK}"),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {MASK}"),
        ("postgresql://postgres:s3cr3t@db:5432/x", f"postgresql://postgres:{MASK}@db:5432/x"),
        ("redis://:pw@redis:6379", f"redis://:{MASK}@redis:6379"),
        ("/a?key=abc&b=c", f"/a?key={MASK}&b=c"),
        ("POSTGRES_PASSWORD=x", f"POSTGRES_PASSWORD={MASK}"),
        ('["A=b", "DB_PASSWORD=a/b+c", "C=d"]', f'["A=b", "DB_PASSWORD={MASK}", "C=d"]'),
        ('{"password": "a b"}', f'{{"password": "{MASK}"}}'),
        (json.dumps('{"token": "a b"}'), json.dumps(f'{{"token": "{MASK}"}}')),
        ("NEXTAUTH_SECRET='it is a long one'", f"NEXTAUTH_SECRET='{MASK}'"),
        ("apikey: ABCDEF123", f"apikey: {MASK}"),
        (
            "-----BEGIN EC PRIVATE KEY-----\nMIIE\nabc\n-----END EC PRIVATE KEY-----\nrest",
            f"-----BEGIN EC PRIVATE KEY-----{MASK}-----END EC PRIVATE KEY-----\nrest",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", f"-----BEGIN PRIVATE KEY-----{MASK}"),
    ],
    ids=lambda text: text[:30],
)
def test_what_looks_like_a_secret_goes(text: str, wanted: str) -> None:
    assert redact(text, ()) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "POSTGRES_PASSWORD_FILE=/run/secrets/password",
        '"NEXTAUTH_SECRET_FILE": "/run/secrets/nextauth-secret"',
        "password authentication failed for user postgres",
        "a token was refused: expired",
        "the basic authentication module",
        "REDIS_URL=redis://redis:6379/0",
        "postgresql://postgres@db:5432/shop",
        "git@github.com:foo/bar",
        "12:30:45 http://a:80/b?c=d@e",
        "stack.yaml:1:2: name: must be text, not 12",
    ],
)
def test_nothing_else_is_touched(text: str) -> None:
    assert redact(text, ()) == text


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8), st.text())
def test_a_known_value_goes_wherever_it_stands(value: str, around: str) -> None:
    assert value not in redact(f"{around}{value}{around}", [f"{value}\n"]).replace(MASK, "")


def test_a_value_that_contains_another_goes_whole() -> None:
    assert redact("abcdef abc", ["abc", "abcdef", ""]) == f"{MASK} {MASK}"


@pytest.mark.parametrize("text", [JWT, "A_PASSWORD=abc", '{"password": "a b"}', "key=1"])
def test_twice_is_once(text: str) -> None:
    assert redact(redact(text, ()), ()) == redact(text, ())


@pytest.mark.parametrize("value", ["sk-live-51Hx0pQz", "postgres://a:b@c/d", "p4ssw0rd"])
def test_what_may_be_a_secret(value: str) -> None:
    assert looks_secret(value)


@pytest.mark.parametrize("value", ["", "true", "production", "3000", "20261123", "a-1"])
def test_what_is_none(value: str) -> None:
    assert not looks_secret(value)
