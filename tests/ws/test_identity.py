"""When a Redis still has all that it had, by what it says of itself."""

import pytest
from ws_server.broker.identity import Identity, run_id

MASTER = b"role:master\r\nmaster_replid:a\r\nmaster_repl_offset:10\r\n"
REPLICA = b"role:slave\r\nmaster_host:other\r\nmaster_port:6380\r\nmaster_replid:a\r\n"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MASTER, True),
        (MASTER.replace(b":10", b":11"), True),
        (MASTER.replace(b":10", b":9"), False),  # a machine that was restored
        (MASTER.replace(b"replid:a", b"replid:b"), False),  # promoted, or begun anew
        (REPLICA + b"master_repl_offset:10\r\n", False),  # demoted
    ],
)
def test_it_has_all_only_if_nothing_went_back(now: bytes, *, expected: bool) -> None:
    assert Identity.read(now).has_all_of(Identity.read(MASTER)) is expected


def test_a_replica_names_its_master() -> None:
    seen = Identity.read(REPLICA + b"master_repl_offset:10\r\n")
    assert (seen.is_master, seen.master) == (False, ("other", 6380))


def test_another_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="master_repl_offset"):
        Identity.read(REPLICA)
    assert run_id(b"# Server\r\nrun_id:abc\r\n") == "abc"
    assert run_id(b"") == ""
