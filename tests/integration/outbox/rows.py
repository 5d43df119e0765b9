"""What is in the outbox, as a test wants to see it. No tests."""

import json
from typing import Any

import psycopg


def events(db: psycopg.Connection) -> list[Any]:
    """Give channel and data of what waits, in order."""
    query = "SELECT channel, data FROM realtime.outbox ORDER BY id"
    return [(channel, json.loads(data)) for channel, data in db.execute(query)]


def changes(db: psycopg.Connection) -> list[Any]:
    """Give channel, op, row and old of the row changes that wait, and forget them."""
    found = [(name, data["op"], data["row"], data["old"]) for name, data in events(db)]
    db.execute("DELETE FROM realtime.outbox")
    return found
