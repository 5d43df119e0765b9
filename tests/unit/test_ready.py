"""A store that refuses our password is given up at once; whatever else it says is waited for."""

import time

import pytest

from stack.diagnose.exchange import Target
from stack.plan import AwaitReady
from stack.presets import PRESETS, REFUSED
from stack.ready import Ready, RefusedError, Watch
from stack.topology import Container, Mount
from tests.unit.fake_engine import FakeEngine

SAID = 'password authentication failed for user "postgres"'


def refusal(source: str) -> RefusedError:
    """Let a store on that volume or folder refuse the password."""
    engine = FakeEngine(said=["starting", SAID, REFUSED], lines={"shop-db-1": ["the log"]})
    mounts = (Mount("backup", "/backup"), Mount(source, PRESETS["postgres"].data or ""))
    store = Container("db", "i", port=5432, probe="ask", mounts=mounts)
    watch = Watch(time.monotonic() + 60)
    door = Target("", "127.0.0.1", 1, "/")
    ready = Ready(engine, "shop", door, "g", lambda: "", watch, hidden=("s3cret",))
    with pytest.raises(RefusedError) as caught:
        ready.await_container(AwaitReady("", container=store, number=1))
    return caught.value


def test_the_volume_is_named_and_three_ways_out() -> None:
    error = refusal("db")
    assert error.message == f"db: {SAID}: the volume shop_db was made with other secrets"
    old, new, none = error.hint.splitlines()
    assert old == "bring back the .stack/secrets that it was made with"
    assert new.endswith("$(cat .stack/secrets/db-password)'\" | stack exec db psql -U postgres")
    assert none == "or delete all data: stack down --volumes"
    assert error.evidence == ("the log",)


def test_data_in_a_folder_is_not_what_down_deletes() -> None:
    error = refusal("./pgdata")
    assert error.message.endswith(": the folder ./pgdata was made with other secrets")
    assert error.hint.splitlines()[-1] == "or delete all data: empty ./pgdata"
