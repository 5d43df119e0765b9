import pytest

from stack.probe.proc_net import Listener, is_loopback, listeners

# As /proc/net/tcp and tcp6 print them: address and port in hexadecimal, bytes of a word reversed.
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 3
   0: 00000000000000000000000001000000:0BB9 00000000000000000000000000000000:0000 0A 0:0 0:0
   1: 0000000000000000FFFF00000100007F:0BBA 00000000000000000000000000000000:0000 0A 0:0 0:0
""".splitlines()


def test_it_gives_what_listens_and_only_that() -> None:
    assert listeners(TABLE) == (
        Listener("0.0.0.0", 3000),
        Listener("::1", 3001),
        Listener("127.0.0.1", 3002),  # IPv4 as an IPv6 socket sees it
        Listener("127.0.0.1", 8080),
    )


@pytest.mark.parametrize(
    ("address", "wanted"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("0.0.0.0", False), ("::", False)],
)
def test_loopback_is_what_nobody_else_reaches(address: str, wanted: bool) -> None:
    assert is_loopback(Listener(address, 1)) is wanted


def test_nothing_listens_where_nothing_is_said() -> None:
    assert listeners([]) == ()
