import pytest

from stack.diagnose.nginx_log import entries

HEAD = "2026/11/24 03:14:44 [error] 29#29: *7 "
TAIL = (
    ', client: 172.18.0.1, server: , request: "GET /ws?token=SECRET HTTP/1.1", '
    'upstream: "http://172.18.0.4:3002/ws?token=SECRET", host: "127.0.0.1:8080", '
    'referrer: "http://127.0.0.1:8080/?token=SECRET"'
)


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("connect() failed (111: Connection refused) while connecting to upstream", "listens"),
        ("connect() failed (113: No route to host) while connecting to upstream", "not on the"),
        ("upstream timed out (110: Operation timed out) while connecting to upstream", "firewall"),
        ("upstream timed out (110: x) while reading response header from upstream", "not answer"),
        ("upstream timed out (110: x) while proxying upgraded connection", "silent"),
        ("upstream prematurely closed connection while reading response header", "closed"),
        ("recv() failed (104: Connection reset by peer) while reading response", "reset"),
        ("upstream sent no valid HTTP/1.0 header while reading response header", "not speak HTTP"),
        ("upstream sent too big header while reading response header", "more headers"),
        ('upstream sent invalid header: "X\\x20Y..." while reading', "does not allow"),
        ("no live upstreams while connecting to upstream", "every server"),
        ("ws could not be resolved (3: Host not found)", "not known"),
        ("no resolver defined to resolve ws", "nobody to look"),
        ("SSL_do_handshake() failed (SSL: error:0A00010B) while SSL handshaking", "TLS"),
        ("client intended to send too large body: 200 bytes", "client_max_body_size"),
        ('limiting connections by zone "one"', "limit_conn"),
        ('limiting requests, excess: 1.000 by zone "one"', "limit_req"),
        ("4096 worker_connections are not enough while connecting", "worker"),
        ("socket() failed (24: Too many open files) while connecting", "open no more"),
    ],
)
def test_known_messages_are_explained(message: str, part: str) -> None:
    (one,) = entries([HEAD + message + TAIL])
    assert (one.level, one.message) == ("error", message)
    assert one.meaning
    assert part in one.meaning.says
    assert one.meaning.fix


def test_what_holds_tokens_is_left_out() -> None:
    (one,) = entries([HEAD + "connect() failed (111: Connection refused)" + TAIL])
    assert one.upstream == "http://172.18.0.4:3002/ws"
    assert "SECRET" not in repr(one)


def test_an_unknown_message_is_kept_without_a_meaning() -> None:
    (one,) = entries([HEAD + "something new"])
    assert (one.message, one.upstream, one.meaning) == ("something new", "", None)


def test_other_lines_are_left_out() -> None:
    assert entries(["", '{"time": 1}', "panic: [error] 1#1: x"]) == []
