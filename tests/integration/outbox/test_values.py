"""The values of a row are no syntax of the channel that a template makes of them."""

import sys
import unicodedata
from itertools import combinations, product
from urllib.parse import unquote

import psycopg
import pytest
from psycopg.sql import SQL, Literal
from ws_server.core.namespaces import is_channel, is_personal
from ws_server.outbox.migrate import FIRST, migrations

from tests.integration.outbox.backends import Backends
from tests.integration.outbox.rows import changes, events

OF = "SELECT realtime.channel_of(%s, jsonb_build_object('a', %s::text, 'b', %s::text))"


def channel_of(db: psycopg.Connection, template: str, a: str, b: str = "") -> str:
    ((found,),) = db.execute(OF, [template, a, b]).fetchall()
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plan", "doc:plan"),
        ("6f1c-ü .{x}", "doc:6f1c-ü .{x}"),  # nothing of it means anything
        ("", "doc:"),
        ("plan#mallory", "doc:plan%23mallory"),
        ("a,b", "doc:a%2Cb"),
        ("a:b/c", "doc:a%3Ab%2Fc"),
        ("100%", "doc:100%25"),
        ("a*", "doc:a%2A"),
        ("a\nb\u2028", "doc:a%0Ab%E2%80%A8"),
    ],
)
def test_a_value_is_a_value(db: psycopg.Connection, value: str, expected: str) -> None:
    found = channel_of(db, "doc:{a}", value)
    assert found == expected
    assert unquote(found) == f"doc:{value}"


def test_a_title_delivers_to_nobody(db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE doc (title text)")
    db.execute("SELECT realtime.attach('doc', 'doc:{title}')")
    db.execute("INSERT INTO doc VALUES ('plan#mallory')")
    ((channel, _),) = events(db)
    assert not is_personal(channel, "mallory")


def test_the_owner_in_a_template_is_the_user_of_that_id(db: psycopg.Connection) -> None:
    for user in ("alice", "oidc:alice", "100%", "a/b"):
        channel = channel_of(db, "inbox:{b}#{a}", user, "x#mallory")
        assert is_personal(channel, user)
        assert not is_personal(channel, "mallory")
    for user in ("alice,mallory", "alice#mallory"):
        channel = channel_of(db, "#{a}", user)
        assert not is_personal(channel, "mallory")


@pytest.mark.parametrize("template", ["org:{a}:{b}", "{a}-{b}", "{a}-{b}-", "{a}2{b}", "{a} - {b}"])
def test_different_rows_have_different_channels(db: psycopg.Connection, template: str) -> None:
    values = ["", "1", "2", "3", "1:2", "2:3", "-", "1-2", "2-3", "%", "%2D", "5", " ", " - "]
    found = {pair: channel_of(db, template, *pair) for pair in product(values, repeat=2)}
    same = [pairs for pairs in combinations(found, 2) if found[pairs[0]] == found[pairs[1]]]
    assert same == []


def test_a_separator_that_nothing_follows_is_in_no_way(db: psycopg.Connection) -> None:
    assert channel_of(db, "doc:{a}-x", "1-2") == "doc:1-2-x"
    assert channel_of(db, "doc:{b}-{a}", "1-2", "3-4") == "doc:3%2D4-1-2"


def test_every_character_makes_a_channel(db: psycopg.Connection) -> None:
    chars = (chr(n) for n in range(1, sys.maxunicode + 1))
    known = [char for char in chars if unicodedata.category(char) not in ("Cn", "Cs")]
    query = "SELECT c, realtime.percent_encode(c) FROM unnest(%s::text[]) AS c"
    for char, encoded in db.execute(query, [known]):
        is_plain = is_channel(char) and char not in "#,:/%"
        assert encoded == (char if is_plain else "".join(f"%{b:02X}" for b in char.encode()))


@pytest.mark.parametrize("template", ["{a}{b}", "x:{a}{b}", "{a}%{b}", "{a}%-{b}"])
def test_what_merges_rows_is_refused(db: psycopg.Connection, template: str) -> None:
    db.execute("CREATE TABLE t (a text, b text)")
    with pytest.raises(psycopg.Error) as caught:
        db.execute("SELECT realtime.attach('t', %s)", [template])
    text = f"realtime.attach: '{template}' does not keep two columns apart"
    assert caught.value.diag.message_primary == text
    assert caught.value.diag.message_hint


def test_a_table_that_was_attached_before_is_safe_after(backends: Backends, empty: str) -> None:
    with psycopg.connect(backends.uri(empty), autocommit=True) as link:
        link.execute(FIRST.encode())
        first, *rest = migrations()
        link.execute(first.script.encode())
        link.execute("CREATE TABLE t (a text)")
        link.execute("SELECT realtime.attach('t', 't:{a}')")
        insert = SQL("INSERT INTO t VALUES ({}), ('plain')").format(Literal("x#mallory"))
        link.execute(insert)
        assert [name for name, *_ in changes(link)] == ["t:x#mallory", "t:plain"]
        for migration in rest:
            link.execute(migration.script.encode())
        link.execute(insert)
        assert [name for name, *_ in changes(link)] == ["t:x%23mallory", "t:plain"]
