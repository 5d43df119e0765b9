"""``realtime.publish``: what it takes, what it refuses, and who may call it."""

import sys
import unicodedata
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from ws_server.core.namespaces import is_channel

from tests.integration.outbox.rows import events

PUBLISH = "SELECT realtime.publish(%s, %s, %s)"
TAGS = "realtime.publish: tags must be a JSON object of strings"


def test_it_takes_what_the_documentation_shows(db: psycopg.Connection) -> None:
    db.execute("""SELECT realtime.publish('orders:42', '{"state":"paid"}')""")
    db.execute("""SELECT realtime.publish('orders:42', data => '[1.50]', tags => '{"a": "b"}')""")
    assert events(db) == [("orders:42", {"state": "paid"}), ("orders:42", [1.5])]
    tags = db.execute("SELECT tags FROM realtime.outbox ORDER BY id").fetchall()
    assert tags == [(None,), ('{"a": "b"}',)]


def test_the_order_in_a_transaction_is_that_of_the_calls(db: psycopg.Connection) -> None:
    with db.transaction():
        for number in range(50):
            db.execute(PUBLISH, ["a", str(number), None])
    assert events(db) == [("a", number) for number in range(50)]


def test_what_rolls_back_never_was(db: psycopg.Connection) -> None:
    with db.transaction():
        db.execute(PUBLISH, ["a", "1", None])
        with db.transaction() as inner:
            db.execute(PUBLISH, ["a", "2", None])
            raise psycopg.Rollback(inner)
    with db.transaction() as outer:
        db.execute(PUBLISH, ["a", "3", None])
        raise psycopg.Rollback(outer)
    assert events(db) == [("a", 1)]


@pytest.mark.parametrize(
    ("channel", "data", "tags", "text"),
    [
        ("", "1", None, "realtime.publish: '' cannot be a channel"),
        (None, "1", None, "realtime.publish: NULL cannot be a channel"),
        ("all:*", "1", None, "realtime.publish: 'all:*' cannot be a channel"),
        ("a\nb", "1", None, "realtime.publish: 'a\nb' cannot be a channel"),
        ("ä" * 256, "1", None, f"realtime.publish: '{'ä' * 256}' cannot be a channel"),
        ("a", None, None, "realtime.publish: data is NULL"),
        ("a", "1", "[]", TAGS),
        ("a", "1", '{"n": 1}', TAGS),
        ("a", "1", '{"n": null, "s": ""}', TAGS),
        ("a", "{", None, "invalid input syntax for type json"),
    ],
)
def test_it_refuses(
    db: psycopg.Connection, channel: str | None, data: str | None, tags: str | None, text: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        db.execute(PUBLISH, [channel, data, tags])
    assert caught.value.diag.message_primary == text
    assert caught.value.diag.message_hint or "json" in text
    assert events(db) == []


def test_its_size_has_a_limit_that_the_owner_sets(
    db: psycopg.Connection, role: psycopg.Connection
) -> None:
    allow(db, role)
    data, tags = f'"{"ä" * 524_280}"', '{"a": "bc"}'  # 1,048,562 bytes and 11
    role.execute(PUBLISH, ["a", data, None])
    with pytest.raises(psycopg.errors.ProgramLimitExceeded) as caught:
        role.execute(PUBLISH, ["a", f'"{"ä" * 524_283}"', tags])
    said = caught.value.diag
    assert said.message_primary == (
        "realtime.publish: 1048579 bytes for 'a', and at most 1048576 are allowed"
    )
    _, _, pasted = str(said.message_hint).partition(": ")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(pasted.encode())
    db.execute(pasted.encode())
    role.execute(PUBLISH, ["a", f'"{"ä" * 524_283}"', tags])  # in a session that had the old limit
    assert len(events(db)) == 2


def test_an_attached_row_that_is_too_large_fails_the_write(db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE t (id int, body text)")
    db.execute("SELECT realtime.attach('t', 't:{id}')")
    db.execute("INSERT INTO t VALUES (1, repeat('x', 700000))")
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match=r"1400\d\d\d bytes for 't:1'"):
        db.execute("UPDATE t SET body = body || 'x'")  # as the new row and as the old one
    assert len(events(db)) == 1


def test_it_accepts_the_channels_that_the_server_accepts(db: psycopg.Connection) -> None:
    chars = (chr(n) for n in range(1, sys.maxunicode + 1))
    # What is not assigned yet depends on the version of Unicode; half of a pair is no character.
    known = [char for char in chars if unicodedata.category(char) not in ("Cn", "Cs")]
    query = "SELECT char FROM unnest(%s::text[]) AS char WHERE realtime.is_channel(char)"
    accepted = {char for (char,) in db.execute(query, [known])}
    assert accepted == {char for char in known if is_channel(char)}
    lengths = db.execute(
        "SELECT realtime.is_channel(repeat('ä', n)) FROM unnest('{255,256}'::int[]) n"
    )
    assert lengths.fetchall() == [(True,), (False,)]


def test_a_role_needs_usage_and_execute_and_no_more(
    db: psycopg.Connection, role: psycopg.Connection
) -> None:
    grants = [
        "GRANT USAGE ON SCHEMA realtime TO {}",
        "GRANT EXECUTE ON FUNCTION realtime.publish TO {}",
    ]
    for grant in grants:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute(PUBLISH, ["a", "1", None])
        db.execute(SQL(grant).format(Identifier(role.info.user)))
    role.execute(PUBLISH, ["a", "1", None])
    assert events(db) == [("a", 1)]
    for query in (b"SELECT * FROM realtime.outbox", b"DELETE FROM realtime.outbox"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute(query)


def test_no_search_path_of_the_caller_matters(
    db: psycopg.Connection, role: psycopg.Connection
) -> None:
    """A function that somebody puts in the way must not run with the owner's rights."""
    allow(db, role)
    role.execute(
        "CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT 1/0'"
    )
    role.execute("CREATE FUNCTION public.hashtext(text) RETURNS int LANGUAGE sql AS 'SELECT 1/0'")
    role.execute("SET search_path = public, pg_catalog")
    role.execute(PUBLISH, ["a", "1", None])
    assert events(db) == [("a", 1)]


def allow(db: psycopg.Connection, role: psycopg.Connection) -> None:
    """Grant what docs/realtime.md says."""
    user: Any = Identifier(role.info.user)
    db.execute(SQL("GRANT USAGE ON SCHEMA realtime TO {}").format(user))
    db.execute(SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA realtime TO {}").format(user))
