"""The command itself: what it prints, how it ends, and what it does with a configuration."""

import time
from pathlib import Path

import jwt
import pytest

from stack.diagnose.listeners import Listener, listening
from tests.diagnose import emulator
from tests.diagnose.conftest import Doctor
from tests.diagnose.emulator import Rule

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
        ("$http_host", "a list lacks it", "add http://"),
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
