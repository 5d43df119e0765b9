"""Where the server listens: of the addresses behind a name, on its own one."""

import errno
import socket

import pytest
from ws_server.workers.listener import listen

ELSEWHERE = "192.0.2.1"  # RFC 5737: nobody has it


def known_as(monkeypatch: pytest.MonkeyPatch, *addresses: str, port: int = 0) -> None:
    """Let every name stand for these addresses, as a service's name does for its replicas."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_an_address_is_listened_on() -> None:
    with listen("127.0.0.1", 0) as one:
        assert one.getsockname()[0] == "127.0.0.1"
    with listen("0.0.0.0", 0) as one:
        assert one.getsockname()[0] == "0.0.0.0"


@pytest.mark.parametrize("others", [[ELSEWHERE], [ELSEWHERE, ELSEWHERE], []])
def test_a_name_is_the_own_address_behind_it(
    monkeypatch: pytest.MonkeyPatch, others: list[str]
) -> None:
    known_as(monkeypatch, *others, "127.0.0.1", *others)
    with listen("ws.internal", 0) as one:
        assert one.getsockname()[0] == "127.0.0.1"


def test_a_name_of_others_only_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    known_as(monkeypatch, ELSEWHERE, ELSEWHERE)
    with pytest.raises(OSError, match=r"ws\.internal:80"):
        listen("ws.internal", 80)


def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(OSError, match=r"name\.invalid:80"):
        listen("name.invalid", 80)


def test_a_port_that_is_taken_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", 0) as one:
        port = one.getsockname()[1]
        known_as(monkeypatch, "127.0.0.1", ELSEWHERE, port=port)
        with pytest.raises(OSError, match=f"ws.internal:{port}") as caught:
            listen("ws.internal", port)
        assert caught.value.errno == errno.EADDRINUSE
