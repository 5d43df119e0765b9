"""For whom a real Nginx under nginx-dev.conf answers: its own names, however they are spelt."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stack.config import hosts
from stack.layout.render import render_nginx_dev
from stack.layout.routing import OLDEST
from tests.render import upstreams
from tests.render.dev import WEBSOCKET, stack_of
from tests.render.front import Front, make_certificate, running

HOSTS = ["Shop.Test.", "nginx", "default", "hostnames", "192.168.0.7", "FD00:0::7", "localhost"]
PORT = 7777  # whatever a browser wrote: the published port is not known inside

OWN = {
    "usual": f"GET / HTTP/1.1\nHost: localhost:{PORT}",
    "no port": "GET / HTTP/1.1\nHost: localhost",
    "empty port": "GET / HTTP/1.1\nHost: localhost:",
    "upper case": f"GET / HTTP/1.1\nHost: LocalHost:{PORT}",
    "trailing dot": f"GET / HTTP/1.1\nHost: localhost.:{PORT}",
    "name of the project": f"GET / HTTP/1.1\nHost: shop.localhost:{PORT}",
    "deeper": f"GET / HTTP/1.1\nHost: a.b.localhost.:{PORT}",
    "IPv4": f"GET / HTTP/1.1\nHost: 127.0.0.1:{PORT}",
    "IPv6": f"GET / HTTP/1.1\nHost: [::1]:{PORT}",
    "IPv6 in full": f"GET / HTTP/1.1\nHost: [0:0:0:0:0:0:0:1]:{PORT}",
    "HTTP/1.0": "GET / HTTP/1.0\nHost: localhost",
    "absolute form": f"GET http://localhost:{PORT}/ HTTP/1.1\nHost: localhost:{PORT}",
    "of the user": f"GET / HTTP/1.1\nHost: SHOP.test.:{PORT}",
    "of the user, one label": "GET / HTTP/1.1\nHost: nginx:8080",
    "of the user, a word of Nginx": "GET / HTTP/1.1\nHost: default",
    "of the user, IPv4": "GET / HTTP/1.1\nHost: 192.168.0.7",
    "of the user, IPv6": f"GET / HTTP/1.1\nHost: [fd00::7]:{PORT}",
}
FOREIGN = {
    "another name": f"GET / HTTP/1.1\nHost: evil.example:{PORT}",
    "its generation": "GET /.stack/generation HTTP/1.1\nHost: evil.example",
    "a WebSocket": "GET /ws HTTP/1.1\nHost: evil.example\nOrigin: http://evil.example\n"
    "Connection: Upgrade, close\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
    "Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==",
    "own name as a label": "GET / HTTP/1.1\nHost: localhost.evil.example",
    "own name as an end": "GET / HTTP/1.1\nHost: evillocalhost",
    "own address as a label": "GET / HTTP/1.1\nHost: 127.0.0.1.evil.example",
    "port that is none": "GET / HTTP/1.1\nHost: localhost:80.evil.example",
    "user before the name": "GET / HTTP/1.1\nHost: localhost@evil.example",
    "separator": "GET / HTTP/1.1\nHost: localhost|evil.example",
    "below a name of the user": "GET / HTTP/1.1\nHost: a.shop.test",
    "any address": "GET / HTTP/1.1\nHost: 0.0.0.0",
    "another address": "GET / HTTP/1.1\nHost: 192.168.0.8",
    "another IPv6": "GET / HTTP/1.1\nHost: [::2]",
    "no name": "GET / HTTP/1.0",
    "empty name": "GET / HTTP/1.1\nHost:",
    "two names": "GET / HTTP/1.1\nHost: localhost\nHost: evil.example",
    "absolute form": "GET http://evil.example/ HTTP/1.1\nHost: localhost",
    "two minds": "GET http://localhost/ HTTP/1.1\nHost: evil.example",
    "markup": "GET / HTTP/1.1\nHost: <script>alert(1)</script>.example",
    "quotes": "GET / HTTP/1.1\nHost: \"'&{x}$host.example",
}
# Nginx says 400 before it looks who is meant; 1.26 only to the first two.
MALFORMED = {"empty name", "two names", "port that is none", "user before the name", "separator"}
MALFORMED |= {"markup", "quotes"}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    root = tmp_path_factory.mktemp("hosts")
    files = root / "srv" / "site"
    files.mkdir(parents=True)
    (files / "index.html").write_text("the page")
    stack = stack_of({"site": {"static": "./x"}}, {"/": "site"}, front={"hosts": HOSTS})
    with running(render_nginx_dev(stack, OLDEST), root) as one:
        yield one


async def ask(front: Front, request: str) -> tuple[int, str]:
    """Send it, and give status and whole answer."""
    lines = [*request.splitlines(), "", ""]
    if "Connection:" not in request:
        lines.insert(1, "Connection: close")
    answer = (await front.exchange("\r\n".join(lines).encode())).decode()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("how", OWN)
async def test_its_own_names_are_answered(front: Front, how: str) -> None:
    status, answer = await ask(front, OWN[how])
    assert (status, answer.splitlines()[-1]) == (200, "the page")


@pytest.mark.parametrize("how", FOREIGN)
async def test_others_are_refused(front: Front, how: str) -> None:
    status, answer = await ask(front, FOREIGN[how])
    assert status == 421 or (status == 400 and how in MALFORMED)
    assert "the page" not in answer
    assert not re.search(r"<script|&\{|\$|\"'", answer)


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("Evil.Example.:80", 'hosts: ["evil.example"]'),
        ("xn--bcher-kva.example", 'hosts: ["xn--bcher-kva.example"]'),
        ("nginx-2", 'hosts: ["nginx-2"]'),
        ("[FD00::8]:80", 'hosts: ["[fd00::8]"]'),
        ("a;b=c.example", "no host name that could be added"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/a.js"])
async def test_the_page_says_which_key_allows_the_name(
    front: Front, host: str, wanted: str, path: str
) -> None:
    _, answer = await ask(front, f"GET {path} HTTP/1.1\nHost: {host}")
    assert "content-type: text/html" in answer.lower()
    assert "front" in answer
    assert wanted in answer


async def test_what_is_advised_is_what_stack_yaml_takes(front: Front) -> None:
    for host in ("evil.example", "nginx-2", "[fd00::8]", "127.1"):
        _, answer = await ask(front, f"GET / HTTP/1.1\nHost: {host}")
        found = re.search(r'hosts: \["([^"]+)"\]', answer)
        assert found
        assert (hosts.problem(found[1]), hosts.canonical(found[1])) == ("", host)


# Behind a route, and with TLS


@pytest_asyncio.fixture
async def sockets(tmp_path: Path) -> AsyncIterator[tuple[Front, Any]]:
    async with upstreams.echo() as echo:
        stack = stack_of({"ws": {"host": echo.port}}, {"/": "ws", "/ws": WEBSOCKET})
        with running(render_nginx_dev(stack), tmp_path) as one:
            yield one, echo


async def test_no_service_sees_a_foreign_handshake(sockets: tuple[Front, Any]) -> None:
    front, echo = sockets
    status, _ = await ask(front, FOREIGN["a WebSocket"])
    assert (status, echo.handshakes) == (421, [])


async def test_a_plain_request_to_a_port_with_tls_leads_no_foreigner_anywhere(
    tmp_path: Path,
) -> None:
    make_certificate(tmp_path)
    stack = stack_of({"app": {"host": 9}}, {"/": "app"}, front={"tls": True})
    with running(render_nginx_dev(stack), tmp_path) as front:
        status, answer = await ask(front, "GET / HTTP/1.1\nHost: evil.example")
        assert (status, "location:" in answer.lower()) == (421, False)
        status, answer = await ask(front, "GET /a?b HTTP/1.1\nHost: localhost:8443")
        assert (status, "Location: https://localhost:8443/a?b" in answer) == (308, True)
        assert await over_tls(front, "evil.example") == 421
        assert await over_tls(front, "localhost") == 502


async def over_tls(front: Front, host: str) -> int:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", front.port, ssl=context, server_hostname="localhost"
    )
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])
