"""The command itself: what it prints, how it ends, and what it does with a configuration."""

import re
import resource
import time
from pathlib import Path

import jwt
import pytest

from stack.probe.listeners import listening
from stack.probe.proc_net import Listener
from tests.diagnose import emulator
from tests.diagnose.conftest import Doctor
from tests.diagnose.emulator import Emulator, Rule

OPEN: list[Rule] = [{"accept": True}]


def test_a_healthy_path_is_one_calm_picture(run: Doctor) -> None:
    token = jwt.encode({"exp": time.time() + 3599}, "k" * 32, algorithm="HS256")
    with emulator.running(OPEN) as front, emulator.running(OPEN) as server:
        url = f"ws://127.0.0.1:{front.port}/ws"
        hop = f"server=ws://127.0.0.1:{server.port}"
        done = run(url, "--hop", hop, "--token", token)
    assert (done.code, done.err) == (0, "")
    first, second, empty, end = done.out.splitlines()
    assert first.startswith(f"  ✓ {url}")
    assert second.startswith(f"  ✓ server  ws://127.0.0.1:{server.port}/ws  101 Switching")
    assert (empty, end.endswith(" ms through 2 hops, token valid for 59 min")) == ("", True)


def test_json_tells_the_hops_and_the_findings(run: Doctor) -> None:
    with emulator.running([{"status": "404 Not Found"}]) as server:
        document = run(f"ws://127.0.0.1:{server.port}/ws", "--json").document
    (hop,) = document["hops"]
    assert (document["ok"], hop["ok"], hop["answer"]) == (False, False, "404 Not Found")
    (finding,) = document["findings"]
    assert finding["where"] == hop["url"] == f"ws://127.0.0.1:{server.port}/ws"


@pytest.mark.parametrize(
    "arguments",
    [
        ["ftp://localhost"],
        ["localhost:3002"],
        ["ws://localhost", "--hop", "ws://localhost"],
        ["ws://localhost", "--header", "x"],
        ["ws://localhost", "--timeout", "0"],
        ["ws://localhost", "--nginx", "missing.conf"],
        ["ws://localhost", "--connections", "1001"],
        ["ws://localhost", "--message", "67108865"],
        ["--connections", "2"],
        ["--message", "2"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_with_a_hint(run: Doctor, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_the_configuration_in_between_is_judged_for_this_path(run: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(
        "events {}\nhttp { server { listen 80; location /live {\n"
        "proxy_pass http://127.0.0.1:3002;\n} } }\n"
    )
    with emulator.running(OPEN) as server:
        done = run(f"ws://127.0.0.1:{server.port}/live", "--json", "--nginx", str(file))
    places = {(item["code"][:3], item["file"]) for item in done.document["findings"]}
    assert (done.code, places) == (1, {("WS0", str(file))})


@pytest.mark.parametrize(
    ("host", "words", "fix"),
    [
        ("$proxy_host", "the configuration alters Host", "proxy_set_header Host $http_host;"),
        ("$http_host", "the list lacks it", "add http://"),
    ],
)
def test_the_configuration_decides_who_refuses_an_origin(
    run: Doctor, tmp_path: Path, host: str, words: str, fix: str
) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(
        "events {}\nhttp { map $http_upgrade $connection_upgrade { default upgrade; '' ''; }\n"
        "server { listen 80; location /ws { proxy_pass http://127.0.0.1:3002;\n"
        "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;\n"
        "proxy_set_header Connection $connection_upgrade; proxy_read_timeout 1h;\n"
        f"proxy_set_header Host {host}; }} }} }}\n"
    )
    with emulator.running([{"lacks": ["origin"], "accept": True}, {"status": 403}]) as server:
        done = run(f"ws://127.0.0.1:{server.port}/ws", "--json", "--nginx", str(file))
    first = done.document["findings"][0]
    assert (first["code"], words in first["message"]) == ("WS151", True)
    assert first["fix"].startswith(fix)


def test_every_question_keeps_what_the_user_sends(run: Doctor) -> None:
    with emulator.running([{"status": "404 Not Found"}]) as server:
        run(f"ws://127.0.0.1:{server.port}/ws", "--header", "X-Own: 1", "--header", "Host: a.b")
        hosts = {request.headers["host"] for request in server.seen}
        own = [request.headers.get("x-own") for request in server.seen]
    assert (hosts, set(own)) == ({"a.b"}, {"1"})
    assert len(own) > 5


def test_the_listeners_of_this_machine_are_found() -> None:
    with emulator.running(OPEN) as server:
        rows = listening()
    assert ("127.0.0.1", server.port) in [(row.address, row.port) for row in rows]
    assert all(isinstance(row, Listener) for row in rows)


def test_measurements_of_a_healthy_path_are_told(run: Doctor) -> None:
    with emulator.running(OPEN) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        done = run(url, "--connections", "20", "--message", "70000")
        document = run(url, "--json", "--connections", "20", "--message", "70000").document
    end = done.out.splitlines()[-1]
    assert end.endswith(", 20 of 20 opened at once, a message of 70,000 bytes passes")
    load, message = document["connections"], document["message"]
    assert (load["wanted"], load["opened"], load["refusal"]) == (20, 20, None)
    assert (message["bytes"], message["ok"], message["tries"]) == (70000, True, 1)


def test_all_are_held_together_and_closed_in_order(run: Doctor) -> None:
    with emulator.running(OPEN) as server:
        run(f"ws://127.0.0.1:{server.port}/ws", "--connections", "30")
        await_all(server, 34)
    assert (server.most, server.codes) == (30, [1000] * 34)  # with the first and three again


def test_messages_go_out_one_at_a_time(run: Doctor) -> None:
    with emulator.running([{"accept": True, "max_message": 1000}]) as server:
        done = run(f"ws://127.0.0.1:{server.port}/ws", "--json", "--message", "1000000")
        questions = len(server.seen)
    tries = done.document["message"]["tries"]
    assert (tries <= 12, questions) == (True, 4 + tries)


def test_a_time_limit_that_ends_it_early_is_told(run: Doctor) -> None:
    slow: list[Rule] = [{"ranks": [1, 2, 3, 4], "accept": True}, {"accept": True, "pause": 0.4}]
    with emulator.running(slow) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        done = run(url, "--connections", "900", "--timeout", "1.5")
    assert done.code == 0
    assert re.search(r", [0-9]+ of 900 opened at once before time ran out", done.out)


def test_more_connections_than_files_are_refused_before_anything_is_sent(run: Doctor) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with emulator.running(OPEN) as server:
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
        try:
            done = run(f"ws://127.0.0.1:{server.port}/ws", "--connections", "501")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not server.seen
    assert (done.code, done.out) == (2, "")
    assert "--connections 501: this process may open only 600 files" in done.err
    assert "ulimit -n 601" in done.err


def await_all(server: Emulator, count: int) -> None:
    """Wait until so many visitors have said goodbye."""
    deadline = time.monotonic() + emulator.PATIENCE
    while len(server.codes) < count and time.monotonic() < deadline:
        time.sleep(0.01)
