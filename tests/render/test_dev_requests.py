"""Paths, failures, files and logs of a real Nginx under nginx-dev.conf; needs no container."""

import json
import re
import time
from pathlib import Path

import pytest

from tests.render import upstreams
from tests.render.dev import WEBSOCKET, Start, container, seen
from tests.render.front import free_port
from tests.render.upstreams import Names


async def test_the_service_learns_who_asked_and_cannot_be_lied_to(start: Start) -> None:
    forged = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "Forwarded": "for=6.6"}
    async with upstreams.http() as port:
        front = start({"api": container(port)}, {"/": "api"})
        answer = seen(await front.get("/", **forged))
    assert answer["x-forwarded-for"] == answer["x-real-ip"] == "127.0.0.1"
    assert answer["x-forwarded-proto"] == "http"
    assert answer["x-forwarded-host"] == answer["host"] == f"127.0.0.1:{front.port}"
    assert answer["x-forwarded-port"] == str(front.port)
    assert len(answer["x-request-id"]) == 32
    assert "forwarded" not in answer


async def test_a_route_holds_for_its_path_and_below_and_nothing_else(start: Start) -> None:
    async with upstreams.http() as port, upstreams.http(status="201 Created") as deeper:
        front = start(
            {"api": container(port), "users": container(deeper)},
            {"/api": "api", "/api/users": "users"},
        )
        statuses = {
            path: (await front.get(path)).status_code
            for path in ("/api", "/api/", "/api/x", "/apix", "/api/users", "/api/usersx", "/")
        }
    assert list(statuses.values()) == [200, 200, 200, 404, 201, 200, 404]


async def test_a_path_without_a_route_is_told_which_there_are(start: Start) -> None:
    front = start({"api": container(1)}, {"/api": "api", "/$v": "api"})
    answer = await front.get("/")
    assert answer.text == "No route in stack.yaml leads here. There are: /$v /api\n"


@pytest.mark.parametrize(
    ("asked", "forwarded"),
    [
        ("/api", "/"),
        ("/api?x=1", "/?x=1"),
        ("/api/", "/"),
        ("/api/a%2Fb?x=1&y=%2F", "/a%2Fb?x=1&y=%2F"),
        ("/api/a%20b//c", "/a%20b//c"),
        ("/api//evil.example/", "/evil.example/"),
        ("//api/x", "/x"),
        ("/api/api", "/api"),
    ],
)
async def test_a_stripped_prefix_leaves_the_rest_as_it_was(
    start: Start, asked: str, forwarded: str
) -> None:
    async with upstreams.http() as port:
        front = start({"api": container(port)}, {"/api": {"to": "api", "strip_prefix": True}})
        answer = seen(await front.get(asked))
    assert answer["line"] == f"GET {forwarded} HTTP/1.1"
    assert answer["x-forwarded-prefix"] == "/api"


@pytest.mark.parametrize("asked", ["/%61pi/x", "/x/../api/y", "/./api/x", "/api%2Fx"])
async def test_an_unusual_spelling_of_a_stripped_prefix_is_refused(
    start: Start, asked: str
) -> None:
    async with upstreams.http() as port:
        front = start({"api": container(port)}, {"/api": {"to": "api", "strip_prefix": True}})
        assert (await front.get(asked)).status_code == 400


async def test_a_kept_prefix_is_forwarded_byte_by_byte(start: Start) -> None:
    async with upstreams.http() as port:
        front = start({"api": container(port)}, {"/api": "api"})
        answer = seen(await front.get("/api/a%2Fb%20c//d?x=%2F"))
    assert answer["line"] == "GET /api/a%2Fb%20c//d?x=%2F HTTP/1.1"
    assert "x-forwarded-prefix" not in answer


async def test_an_upstream_that_is_down_is_named(start: Start) -> None:
    front = start({"ws": container(free_port())}, {"/ws": WEBSOCKET})
    answer = await front.get("/ws")
    assert answer.status_code == 502
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html"
    assert re.search(r"<code>ws:\d+</code> for <code>ws</code>", answer.text)
    assert "stack logs ws" in answer.text


async def test_an_upstream_without_a_name_is_named_too(start: Start, names: Names) -> None:
    names.addresses.clear()
    front = start({"api": container(80)}, {"/": "api"})
    assert "api does not answer" in (await front.get("/")).text


async def test_a_dev_server_that_is_down_is_told_how_to_start(start: Start) -> None:
    port = free_port()
    front = start({"app": {"host": port}}, {"/": "app"})
    answer = await front.get("/")
    assert answer.status_code == 502
    assert f"run on this machine, on port {port}, and to listen on all addresses" in answer.text


async def test_the_services_own_502_is_not_replaced(start: Start) -> None:
    async with upstreams.http(status="502 Bad Gateway") as port:
        front = start({"api": container(port)}, {"/": "api"})
        answer = await front.get("/")
    assert answer.status_code == 502
    assert seen(answer)["line"] == "GET / HTTP/1.1"


async def test_a_name_that_appears_later_is_found_without_a_reload(
    start: Start, names: Names
) -> None:
    names.addresses.clear()
    async with upstreams.http() as port:
        front = start({"api": container(port)}, {"/": "api"})
        assert (await front.get("/")).status_code == 502
        names.addresses["api"] = "127.0.0.1"
        appeared = time.monotonic()
        while (await front.get("/")).status_code != 200:
            assert time.monotonic() - appeared < 3


async def test_a_recreated_container_is_found_at_its_new_address(
    start: Start, names: Names
) -> None:
    async with upstreams.http("127.0.0.1") as port, upstreams.http("127.0.0.2", port):
        front = start({"api": container(port)}, {"/": "api"})
        assert json.loads((await front.get("/")).text)["host"] == "127.0.0.1"
        names.addresses["api"] = "127.0.0.2"
        moved = time.monotonic()
        while json.loads((await front.get("/")).text)["host"] == "127.0.0.1":
            assert time.monotonic() - moved < 3


async def test_cookies_in_chunks_pass_both_ways(start: Start) -> None:
    cookies = "".join(f"Set-Cookie: s.{n}={'y' * 4000}\r\n" for n in range(5))
    async with upstreams.http(headers=cookies) as port:
        front = start({"api": container(port)}, {"/": "api"})
        answer = await front.get("/", Cookie="s=" + "x" * 20_000)
    assert len(seen(answer)["cookie"]) == 20_002
    assert len(answer.headers.get_list("set-cookie")) == 5


async def test_no_log_holds_a_query(start: Start) -> None:
    async with upstreams.http() as port:
        front = start(
            {"api": container(port), "ws": container(free_port())}, {"/": "api", "/ws": WEBSOCKET}
        )
        await front.get(
            "/a b%22?token=SECRET".replace(" ", "%20"), Cookie="SECRET", Referer="?SECRET"
        )
        await front.get("/ws?token=SECRET")
        await front.exchange(b"GET /?SECRET HTTP/1.1\r\n\r\n")
    lines = [json.loads(line) for line in (front.root / "access.log").read_text().splitlines()]
    # In any order: each worker writes for itself.
    seen = {line["path"]: (line["service"], line["status"]) for line in lines}
    assert seen == {"/a%20b%22": ("api", 200), "/ws": ("ws", 502), "/": ("", 400)}
    assert len(lines) == 3
    assert "SECRET" not in front.log()


async def test_files_are_served_below_their_route(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "srv/site"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<p>hello")
    (folder / ".env").write_text("SECRET=1")
    front = start({"site": {"static": "./public"}}, {"/docs": "site"})
    index = await front.get("/docs/")
    assert index.text == "<p>hello"
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-cache"
    assert (await front.get("/docs?x=1")).headers["location"] == "/docs/?x=1"
    assert (await front.get("/docs/.env")).status_code == 404
    assert (await front.get("/docs/../secret")).status_code == 404
    assert (await front.get("/docs../site/index.html")).status_code == 404
