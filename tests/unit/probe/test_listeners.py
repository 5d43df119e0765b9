"""Which ports of this machine are taken, by real sockets."""

import errno
import socket

import pytest

from stack.probe.listeners import is_free, is_listening, loopbacks


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_listening_and_free_are_opposites(closed_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert is_listening("127.0.0.1", port)
        assert not is_free("127.0.0.1", port)
    assert not is_listening("127.0.0.1", closed_port)
    assert is_free("127.0.0.1", closed_port)


def test_loopbacks_are_the_addresses_that_can_be_bound() -> None:
    assert loopbacks() == ("127.0.0.1", *(("::1",) if socket.has_dualstack_ipv6() else ()))


def test_a_machine_without_ipv6_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel says it with IPv6 compiled out, or switched off on loopback."""
    real = socket.socket.bind

    def bind(self: socket.socket, address: tuple[str, int]) -> None:
        if self.family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "cannot assign requested address")
        real(self, address)

    monkeypatch.setattr(socket.socket, "bind", bind)
    assert loopbacks() == ("127.0.0.1",)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_ipv6_is_looked_at_by_itself() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]
        assert not is_free("::1", port)
        assert is_free("127.0.0.1", port)
