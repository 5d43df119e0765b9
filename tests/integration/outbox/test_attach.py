"""``realtime.attach``: which changes of rows are published where, and what is refused."""

from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.integration.outbox.rows import changes, events
from tests.integration.outbox.test_publish import allow

ATTACH = "SELECT realtime.attach(%s, %s)"


@pytest.fixture
def orders(db: psycopg.Connection) -> psycopg.Connection:
    db.execute("CREATE TABLE orders (id int PRIMARY KEY, state text)")
    db.execute("SELECT realtime.attach('orders', 'orders:{id}')")
    return db


def row(number: int, state: str | None) -> dict[str, Any]:
    return {"id": number, "state": state}


def test_the_shape_of_an_event(orders: psycopg.Connection) -> None:
    orders.execute("INSERT INTO orders VALUES (1, 'new')")
    data = {"op": "insert", "table": "public.orders", "row": row(1, "new"), "old": None}
    assert events(orders) == [("orders:1", data)]


def test_insert_update_and_delete(orders: psycopg.Connection) -> None:
    orders.execute("INSERT INTO orders VALUES (1, 'new'), (2, 'new')")
    orders.execute("UPDATE orders SET state = 'paid' WHERE id = 1")
    orders.execute("DELETE FROM orders WHERE id = 2")
    assert changes(orders) == [
        ("orders:1", "insert", row(1, "new"), None),
        ("orders:2", "insert", row(2, "new"), None),
        ("orders:1", "update", row(1, "paid"), row(1, "new")),
        ("orders:2", "delete", None, row(2, "new")),
    ]


def test_an_upsert_is_what_it_did(orders: psycopg.Connection) -> None:
    upsert = (
        "INSERT INTO orders VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state"
    )
    nothing = "INSERT INTO orders VALUES (1, 'c') ON CONFLICT DO NOTHING"
    for query, values in ((upsert, ["a"]), (upsert, ["b"]), (nothing, [])):
        orders.execute(query, values)
    assert changes(orders) == [
        ("orders:1", "insert", row(1, "a"), None),
        ("orders:1", "update", row(1, "b"), row(1, "a")),
    ]


def test_truncate_is_no_change_of_rows(orders: psycopg.Connection) -> None:
    orders.execute("INSERT INTO orders VALUES (1, 'new')")
    changes(orders)
    orders.execute("TRUNCATE orders")
    assert changes(orders) == []


def test_a_row_that_moves_leaves_one_channel_and_enters_another(db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE t (tenant int, n int)")
    db.execute("SELECT realtime.attach('t', 'tenant:{tenant}')")
    db.execute("INSERT INTO t VALUES (1, 1)")
    db.execute("UPDATE t SET tenant = 2, n = 2")
    db.execute("UPDATE t SET tenant = NULL")
    db.execute("UPDATE t SET tenant = 3")
    assert changes(db)[1:] == [
        ("tenant:1", "delete", None, {"tenant": 1, "n": 1}),
        ("tenant:2", "insert", {"tenant": 2, "n": 2}, None),
        ("tenant:2", "delete", None, {"tenant": 2, "n": 2}),
        ("tenant:3", "insert", {"tenant": 3, "n": 2}, None),
    ]


def test_a_value_that_makes_no_channel_does_not_fail_the_write(orders: psycopg.Connection) -> None:
    warnings: list[str | None] = []
    orders.add_notice_handler(lambda said: warnings.append(said.message_primary))
    orders.execute("SELECT realtime.attach('orders', 'state:{state}')")
    orders.execute("INSERT INTO orders VALUES (1, repeat('a', 256)), (2, NULL), (3, 'b')")
    assert [name for name, *_ in changes(orders)] == ["state:b"]
    text = f"realtime: nothing is published, because 'state:{'a' * 256}' cannot be a channel"
    assert warnings == [text]


def test_weird_names_and_values(db: psycopg.Connection) -> None:
    table = Identifier('S"x', "we'ird $1 {t}")
    column = Identifier("Sp ace\"'\\")
    db.execute(SQL("CREATE SCHEMA {}").format(Identifier('S"x')))
    db.execute(SQL("CREATE TABLE {} ({} text, id text)").format(table, column))
    name = table.as_string(db)
    db.execute(ATTACH, [name, "x:{Sp ace\"'\\}-{id}"])
    db.execute(SQL("INSERT INTO {} VALUES (%s, %s)").format(table), ["{id}", "'\\1"])
    ((channel, data),) = events(db)
    assert channel == "x:{id}-'\\1"
    assert data["table"] == name
    assert data["row"] == {"Sp ace\"'\\": "{id}", "id": "'\\1"}
    assert db.execute("SELECT realtime.detach(%s)", [name]).fetchone() == (True,)


def test_a_partitioned_table_is_one_table(db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE p (id int) PARTITION BY RANGE (id)")
    db.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    db.execute("SELECT realtime.attach('p', 'p:{id}')")
    db.execute("INSERT INTO p1 VALUES (1)")
    assert [(name, data["table"]) for name, data in events(db)] == [("p:1", "public.p")]


def test_attaching_again_replaces_the_template(orders: psycopg.Connection) -> None:
    orders.execute("SELECT realtime.attach('orders', 'all')")
    orders.execute("INSERT INTO orders VALUES (1, 'new')")
    assert [name for name, *_ in changes(orders)] == ["all"]


def test_a_detached_table_publishes_nothing(orders: psycopg.Connection) -> None:
    detach = "SELECT realtime.detach('orders')"
    assert [orders.execute(detach).fetchone() for _ in range(2)] == [(True,), (False,)]
    orders.execute("INSERT INTO orders VALUES (1, 'new')")
    assert changes(orders) == []


def test_detach_leaves_a_trigger_of_that_name_that_is_not_ours(db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE t (id int)")
    db.execute(
        "CREATE TRIGGER realtime BEFORE UPDATE ON t FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    )
    assert db.execute("SELECT realtime.detach('t')").fetchone() == (False,)
    with pytest.raises(psycopg.errors.DuplicateObject, match=r"realtime\.attach: public\.t has"):
        db.execute("SELECT realtime.attach('t', 't:{id}')")


def test_a_column_that_is_gone_is_said_when_a_row_changes(orders: psycopg.Connection) -> None:
    orders.execute("ALTER TABLE orders RENAME id TO number")
    with pytest.raises(psycopg.errors.UndefinedColumn, match="not have any more: id") as caught:
        orders.execute("INSERT INTO orders VALUES (1, 'new')")
    assert str(caught.value.diag.message_hint).startswith("Call realtime.attach again")


@pytest.mark.parametrize(
    ("table", "template", "text", "hint"),
    [
        ("nowhere", "a", 'relation "nowhere" does not exist', None),
        ("orders", None, "realtime.attach: table and template must not be NULL", None),
        (
            *("orders", "o:{ID}"),
            "realtime.attach: public.orders has no column \"ID\", which 'o:{ID}' names",
            "Its columns are id, state.",
        ),
        (
            *("orders", "o:{}"),
            "realtime.attach: public.orders has no column \"\", which 'o:{}' names",
            "Its columns are id, state.",
        ),
        (
            *("orders", "o:{id"),
            "realtime.attach: 'o:{id' cannot name channels",
            "Write printable characters without *, and columns in braces: orders:{id}.",
        ),
        (
            *("orders", "o:*"),
            "realtime.attach: 'o:*' cannot name channels",
            "Write printable characters without *, and columns in braces: orders:{id}.",
        ),
        (
            *("seen", "o:{id}"),
            "realtime.attach: public.seen is not a table",
            "Views have no row changes of their own: attach the tables below.",
        ),
    ],
)
def test_attach_refuses(
    orders: psycopg.Connection, table: str, template: str | None, text: str, hint: str | None
) -> None:
    orders.execute("CREATE VIEW seen AS SELECT * FROM orders")
    with pytest.raises(psycopg.Error) as caught:
        orders.execute(ATTACH, [table, template])
    assert caught.value.diag.message_primary == text
    assert caught.value.diag.message_hint == hint


def test_nobody_attaches_the_table_of_somebody_else(
    orders: psycopg.Connection, role: psycopg.Connection
) -> None:
    allow(orders, role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="orders"):
        role.execute("SELECT realtime.attach('orders', 'mine')")


def test_a_cast_of_a_role_runs_with_its_rights_only(
    db: psycopg.Connection, role: psycopg.Connection
) -> None:
    """``to_jsonb`` calls it, so it must not be called with the rights of the schema's owner."""
    allow(db, role)
    for query in (
        b"CREATE TYPE own AS ENUM ('a')",
        b"CREATE FUNCTION own_json(own) RETURNS json RETURN to_json(current_user)",
        b"CREATE CAST (own AS json) WITH FUNCTION own_json(own)",
        b"CREATE TABLE mine (id int, o own)",
        b"SELECT realtime.attach('mine', 'mine:{id}')",
        b"INSERT INTO mine VALUES (1, 'a')",
    ):
        role.execute(query)
    assert changes(db) == [("mine:1", "insert", {"id": 1, "o": role.info.user}, None)]
