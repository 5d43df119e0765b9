"""Secrets go, and what only looks a little like one stays readable."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.project.token import mint
from stack.redaction.mask import MASK
from stack.redaction.redact import cleaned, redact
from tests.integration.planted import table

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
    around = f"{around} " if value.isalnum() else around
    assert value not in redact(f"{around}{value} {around}", [f"{value}\n"]).replace(MASK, "")


@given(st.text(min_size=8), st.text("abc/+:\n ", max_size=40))
def test_a_known_value_goes_in_every_form(value: str, around: str) -> None:
    value = f"{value.strip()}-1aX"
    for how, form in table.forms(value).items():
        assert form not in redact(f"{around} {form} {around}", [value]).replace(MASK, ""), how


@pytest.mark.parametrize("value", ["abcdefgh\udcff", "mel\udce2\udc82lon-speak", "friend\ud800-1"])
def test_a_value_that_is_no_utf_8_goes_too(value: str) -> None:
    raw = value.encode(errors="surrogatepass" if "\ud800" in value else "surrogateescape")
    forms = [
        value,
        raw.decode(errors="replace"),  # by whoever reads a log
        json.dumps(value),
        quote(raw),
        base64.b64encode(raw).decode(),
    ]
    for form in forms:
        assert form.strip('"=') not in redact(f"a {form} b", [value])


def test_a_value_that_contains_another_goes_whole() -> None:
    assert redact("abcdef abc", ["abc", "abcdef", ""]) == f"{MASK} {MASK}"


@pytest.mark.parametrize("text", [JWT, "A_PASSWORD=abc", '{"password": "a b"}', "key=1"])
def test_twice_is_once(text: str) -> None:
    assert redact(redact(text, ()), ()) == redact(text, ())


@pytest.mark.parametrize("name", table.LINES)
def test_a_line_of_a_log_loses_its_secrets_only(name: str) -> None:
    line = table.shown(table.LINES[name])
    left = redact(line, ())
    assert not [part for part in table.braced(table.LINES[name]) if part in left], left
    assert redact(left, ()) == left


@pytest.mark.parametrize("line", table.READABLE_LINES)
def test_a_harmless_line_stays(line: str) -> None:
    assert redact(line, ()) == line


def test_a_word_is_masked_only_as_a_whole_one() -> None:
    text = "swordfish, swordfishes and a_swordfish; 849302175 and 18493021750"
    wanted = f"{MASK}, swordfishes and a_swordfish; {MASK} and 18493021750"
    assert redact(text, ["swordfish", "849302175"]) == wanted
    assert redact(r"{\"log\": \"x\nswordfish\"}", ["swordfish"]).count(MASK) == 1
    assert redact("\x1b[31mswordfish\x1b[0m%3Dswordfish", ["swordfish"]).count(MASK) == 2


def test_of_values_that_overlap_nothing_is_left() -> None:
    left = redact("aa-bb-11-cc-dd-22-ee", ["aa-bb-11-cc-dd", "cc-dd-22-ee"])
    assert left == MASK


def test_a_json_value_keeps_its_shape() -> None:
    value = {
        "Env": ['DB_PASSWORD=it\'s, "x" y', "DEBUG=true"],
        "Cmd": ["server", "--password", "one", "--port", "80", "--api-token=two", "-v"],
        "Labels": {"com.example.deploy-token": "three", "com.example.team": "shop"},
        "Headers": [{"name": "X-Api-Key", "value": "four"}, {"name": "Host", "value": "a"}],
        "Tokens": ["five", "six"],
        "Count": 7,
        "log": "-----BEGIN PRIVATE KEY-----\nMIIE",
    }
    assert cleaned(value, ()) == {
        "Env": [f"DB_PASSWORD={MASK}", "DEBUG=true"],
        "Cmd": ["server", "--password", MASK, "--port", "80", f"--api-token={MASK}", "-v"],
        "Labels": {"com.example.deploy-token": MASK, "com.example.team": "shop"},
        "Headers": [{"name": "X-Api-Key", "value": MASK}, {"name": "Host", "value": "a"}],
        "Tokens": [MASK, MASK],
        "Count": 7,
        "log": f"-----BEGIN PRIVATE KEY-----{MASK}",
    }


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 300_000,
        "a-" * 150_000,
        "x=" * 150_000,
        "token=" * 50_000,
        "\\" * 300_000,
        "a://b:" * 50_000,
        "-----BEGIN PRIVATE KEY-----" * 10_000,
        "authorization" * 20_000,
        "?a=%3Fa%3D" * 30_000,
        "curl " * 50_000,
        "&code" * 50_000,
        '\\"a\\": \\"' * 20_000,
        "QUJD" * 80_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_text_makes_it_slow(hostile: str) -> None:
    # Ends within the time limit of the whole run; what is quadratic would take hours.
    redact(hostile, [f"{n}-ab/c d+{n * 7919}" for n in range(100)])
