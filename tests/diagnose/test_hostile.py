"""Servers that mean harm, and credentials: the doctor ends in time, and repeats neither."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.probe.proc_net import Listener
from tests.diagnose import emulator
from tests.diagnose.conftest import Doctor
from tests.diagnose.emulator import Rule

LIMIT = 4.0  # seconds that the doctor is given
GRACE = 5.0  # seconds more, for a busy machine
ENDLESS = [
    pytest.param({"raw": "HTTP/1.1 200 OK\r\n", "endless": "A: b\r\n" * 500}, "WS114", id="head"),
    pytest.param({"raw": "HTTP/1.1 200 OK\r\n\r\n", "endless": "x" * 9000}, "WS143", id="body"),
    pytest.param({"raw": "HTTP/1.1 2", "endless": "0", "pause": 0.2}, "WS106", id="slow-loris"),
    pytest.param({"raw": f"HTTP/1.1 200 OK\r\nA: {'b' * 10_000_000}\r\n"}, "WS114", id="10-MB"),
    pytest.param({"raw": "\x00" * 100_000}, "WS108", id="zeros"),
    pytest.param({"raw": "HTTP/1.1 200 OK\r\nA"}, "WS107", id="half-a-head"),
    pytest.param({"raw": "HTTP/1.1 999999 ?\r\n\r\n"}, "WS108", id="odd-status"),
    pytest.param({"status": 302, "mirror": True}, "WS128", id="redirect-loop"),
    pytest.param({"status": 302, "headers": ["Location: http://[::1"]}, "WS127", id="no-url"),
    pytest.param({"accept": True, "then": "82 ff ff ff ff ff ff ff ff ff"}, "WS184", id="frame"),
    pytest.param({"accept": True, "endless": "\x81\x01x" * 3000}, "", id="messages-without-end"),
]
SECRET = "s3cr3t-Value-91"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLXRoYXQ"


@contextmanager
def refusing_tls() -> Iterator[int]:
    """Answer each connection by a TLS alert (RFC 8446 §6.2): handshake_failure."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")

        threading.Thread(target=answer, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def echoing() -> list[Rule]:
    """Repeat what came, in all places that the doctor looks at."""
    return [{"echo": True, "status": "403 "}]


@pytest.mark.parametrize(("rule", "code"), ENDLESS)
def test_it_ends_in_time_and_says_what_happened(run: Doctor, rule: Rule, code: str) -> None:
    with emulator.running([rule]) as server:
        start = time.monotonic()
        done = run(f"ws://127.0.0.1:{server.port}/ws", "--json", "--timeout", str(LIMIT))
        assert time.monotonic() - start < LIMIT + GRACE
    assert done.codes == ([code] if code else [])


@pytest.mark.parametrize(
    "raw",
    [
        "00 00 00 04 00 00 00 00 00" + "00 00 08 06 00 00 00 00 00" + "00" * 8,  # pings
        "00 00 06 04 00 00 00 00 00 00 08 00 00 00 01",  # settings, for ever
        "00 00 00 04 00 00 00 00 00" + "00 40 00 09 00 00 00 00 01" + "00" * 64,  # continuation
        "00 00 00 04 00 00 00 00 00" + "00 00 01 01 00 00 00 00 01 82",  # a head without end
        "ff ff ff ff ff ff ff ff ff",
        "00",
    ],
    ids=["pings", "settings", "continuations", "heads", "ones", "zeros"],
)
def test_http2_without_end_ends_in_time(
    run: Doctor, pems: Path, monkeypatch: pytest.MonkeyPatch, raw: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pems / "root.pem"))
    start = time.monotonic()
    with emulator.running([{"accept": True}], "127.0.0.1", pems / "good.pem", {"raw": raw}) as one:
        done = run(f"wss://127.0.0.1:{one.port}/ws", "--json", "--timeout", str(LIMIT))
    with emulator.running([], http2={"raw": raw, "only": True}) as two:
        other = run(f"ws://127.0.0.1:{two.port}/ws", "--json", "--timeout", str(LIMIT))
    assert time.monotonic() - start < 2 * (LIMIT + GRACE)
    assert (done.code, done.codes) in [(0, []), (0, ["WS139"])]
    assert other.codes == ["WS111" if raw[9:14] == "04 00" else "WS108"]


def test_http2_in_silence_ends_in_time(
    run: Doctor, pems: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pems / "root.pem"))
    start = time.monotonic()
    silent = {"connect": True, "silent": True}
    with emulator.running([{"accept": True}], "127.0.0.1", pems / "good.pem", silent) as server:
        done = run(f"wss://127.0.0.1:{server.port}/ws", "--json", "--timeout", str(LIMIT))
    assert time.monotonic() - start < LIMIT + GRACE
    assert (done.code, done.codes) == (0, ["WS139"])


def test_a_tls_alert_is_named(run: Doctor) -> None:
    with refusing_tls() as port:
        done = run(f"wss://127.0.0.1:{port}/ws", "--json")
    assert done.codes == ["WS122"]
    assert "alert" in done.document["findings"][0]["message"]


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_control_characters_do_not_reach_the_terminal(run: Doctor, form: list[str]) -> None:
    bad = "\x1b[31mred\x07\x9b2J\u202e"
    rules: list[Rule] = [
        {"status": f"403 {bad[:-1]}", "headers": [f"Server: {bad[:-1]}"], "body": f"origin {bad}"}
    ]
    with emulator.running(rules) as server:
        done = run(f"ws://127.0.0.1:{server.port}/ws", *form)  # run looks for them
    assert "red" in done.out


def test_a_server_cannot_imitate_findings(run: Doctor) -> None:
    rules: list[Rule] = [{"accept": True, "close": 4000, "reason": "x\nnothing is wrong"}]
    with emulator.running(rules) as server:
        done = run(f"ws://127.0.0.1:{server.port}/ws")
    assert not [line for line in done.out.splitlines() if line.startswith("nothing")]


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize(
    "options",
    [
        ["--token", TOKEN],
        ["--token", SECRET],
        ["--cookie", f"session={SECRET}"],
        ["--cookie", f"a=b; session={SECRET}"],
        ["--header", f"X-Key: {SECRET}"],
        ["--header", f"Authorization: Bearer {SECRET}"],
        ["--header", f"Authorization: Basic {SECRET}"],
    ],
    ids=lambda value: value[1][:16],
)
def test_credentials_appear_in_no_output(run: Doctor, options: list[str], form: list[str]) -> None:
    with emulator.running(echoing()) as server:
        done = run(f"ws://127.0.0.1:{server.port}/ws", *options, *form)
        sent = "".join(str(request.headers) for request in server.seen)
    assert SECRET in sent or TOKEN in sent
    assert SECRET not in done.out + done.err
    assert TOKEN not in done.out + done.err
    assert "redacted" in done.out


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("place", ["user:{0}@127.0.0.1:{1}/ws", "127.0.0.1:{1}/ws?token={0}"])
def test_credentials_in_a_url_appear_in_no_output(run: Doctor, place: str, form: list[str]) -> None:
    with emulator.running(echoing()) as server:
        done = run("ws://" + place.format(SECRET, server.port), *form)
    assert done.code == 1
    assert SECRET not in done.out + done.err


def test_a_url_that_cannot_be_read_is_not_repeated(run: Doctor) -> None:
    done = run(f"ftp://user:{SECRET}@localhost/")
    assert (done.code, SECRET in done.err) == (2, False)


def test_neighbours_get_no_credentials(run: Doctor, neighbours: list[Listener]) -> None:
    with emulator.running([{"status": 404}]) as page, emulator.running([{"accept": True}]) as other:
        neighbours.append(Listener("127.0.0.1", other.port, "other"))
        url = f"ws://127.0.0.1:{page.port}/ws?token={SECRET}"
        done = run(url, "--json", "--token", SECRET, "--cookie", f"a={SECRET}")
        seen = [(request.path, *request.headers.items()) for request in other.seen]
    assert done.codes == ["WS105"]
    assert seen
    assert SECRET not in str(seen)


@pytest.mark.parametrize("joined", [True, False])
def test_the_log_of_a_bug_holds_no_credentials(
    run: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, joined: bool
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("stack.diagnose.doctor.examine.examine", fail)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    options = [f"--token={SECRET}"] if joined else ["--token", SECRET]
    assert run("ws://localhost/ws", *options).code == 3
    (log,) = tmp_path.glob("stack-bug-*.log")
    assert "--token" in log.read_text()
    assert SECRET not in log.read_text()


def test_a_server_that_is_silent_to_everything_costs_no_more_than_the_limit(run: Doctor) -> None:
    with emulator.running([{"silent": True}]) as server:
        start = time.monotonic()
        url = f"ws://127.0.0.1:{server.port}/chat/ws?token=x"
        done = run(url, "--json", "--timeout", "10", "--subprotocol", "a", "--cookie", "a=b")
        assert time.monotonic() - start < 10 + GRACE / 2
    assert done.codes == ["WS106"]


MEASURED = [
    pytest.param([{"floods": "81 01 78"}], ["--message", "1000"], [], id="endless-answer"),
    pytest.param([{"floods": "81 01 78"}], ["--message", "60000000"], [], id="endless-and-large"),
    pytest.param([{"deaf": True}], ["--message", "60000000"], ["WS178"], id="never-reads"),
    pytest.param([{"then": "82 7f ff ff"}], ["--message", "9"], [], id="half-a-frame"),
    pytest.param([{"endless": "\x81\x01x" * 3000}], ["--connections", "40"], [], id="floods"),
    pytest.param(
        [{"ranks": [1, 2, 3, 4, 5, 6]}, {"silent": True}],
        ["--connections", "40"],
        ["WS187"],
        id="silent-when-full",
    ),
    pytest.param(
        [{"ranks": [1, 2, 3, 4, 5, 6]}, {"raw": "HTTP/1.1 200 OK\r\n", "endless": "A: b\r\n" * 99}],
        ["--connections", "40"],
        ["WS187"],
        id="endless-head-when-full",
    ),
]


@pytest.mark.parametrize(("rules", "options", "codes"), MEASURED)
def test_measuring_ends_in_time(
    run: Doctor, rules: list[Rule], options: list[str], codes: list[str]
) -> None:
    rules = [{"accept": not rule.keys() & {"silent", "raw"}, **rule} for rule in rules]
    with emulator.running(rules) as server:
        start = time.monotonic()
        url = f"ws://127.0.0.1:{server.port}/ws"
        done = run(url, "--json", "--timeout", str(LIMIT), *options)
        assert time.monotonic() - start < LIMIT + GRACE / 2
    assert done.codes == codes


def test_secrets_in_a_refusal_are_not_repeated(run: Doctor) -> None:
    rules: list[Rule] = [{"accept": True, "room": 2}, *echoing()]
    with emulator.running(rules) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        done = run(url, "--json", "--token", SECRET, "--connections", "9")
    assert done.code == 1
    assert SECRET not in done.out + done.err
