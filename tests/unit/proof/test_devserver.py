"""Dev servers are told by their answers; their scripts and refusals are read as written."""

import pytest

from stack.probe.exchange import Exchange, Head, Headers, Question, Target
from stack.proof import devserver
from stack.proof.devserver import DevServer

FRONT = Target("", "localhost", 8080, "/")
# As Vite 3 to 8 write it into /@vite/client.
CLIENT = """const base$1 = "/" || "/";
const serverHost = "localhost:5173/";
const socketProtocol = {protocol} || (importMetaUrl.protocol === "https:" ? "wss" : "ws");
const hmrPort = {port};
const socketHost = `${{{host} || importMetaUrl.hostname}}:${{hmrPort || 1}}${{"{path}"}}`;
const wsToken = "s3cret";
"""


def answer(status: int = 200, body: str = "", headers: Headers = (), raw: bytes = b"") -> Exchange:
    head = None if raw else Head("1.1", status, "", headers)
    return Exchange(Question(FRONT, "", ()), head=head, body=body.encode(), raw=raw)


@pytest.mark.parametrize(
    ("page", "server"),
    [
        (answer(headers=(("x-powered-by", "Next.js"),)), devserver.NEXT),
        (answer(body='<script src="/_next/static/a.js">'), devserver.NEXT),
        (answer(body='<script src="/_nuxt/@vite/client">'), devserver.NUXT),
        (answer(body='<script src="/@vite/client"></script><app-root>'), devserver.ANGULAR),
        (answer(body='<script src="/@vite/client"></script>astro-island'), devserver.ASTRO),
        (answer(body='<script src="/app/@vite/client"></script>'), devserver.VITE),
        (answer(headers=(("server", "Werkzeug/3.1.3 Python/3.11.2"),)), devserver.FLASK),
        (answer(404, headers=(("server", "uvicorn"),)), devserver.UVICORN),
        (
            answer(headers=(("server", "WSGIServer/0.2 CPython"), ("x-frame-options", "DENY"))),
            devserver.DJANGO,
        ),
        (answer(headers=(("x-runtime", "0.1"), ("x-request-id", "a"))), devserver.RAILS),
        (answer(headers=(("server", "WSGIServer/0.2 CPython/3.11"),)), None),
        (answer(body="<p>The Next page of a vite shop</p>"), None),
        (answer(raw=b"Unauthorized"), None),
    ],
)
def test_a_dev_server_is_told_by_its_answer(page: Exchange, server: DevServer | None) -> None:
    assert devserver.recognised(page) is server


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (answer(raw=b"Unauthorized"), "allowedDevOrigins: ['dev.test'] in next.config"),
        (answer(403, "Unauthorized"), "allowedDevOrigins: ['dev.test'] in next.config"),
        (
            answer(403, 'Blocked request. This host ("dev.test") is not allowed.'),
            "server: { allowedHosts: ['dev.test'] } in vite.config",
        ),
        (answer(403, "Invalid Host header"), "devServer: { allowedHosts: ['dev.test'] }"),
        (answer(403, "Blocked hosts: dev.test"), 'config.hosts << "dev.test" in development.rb'),
        (answer(400, "<title>DisallowedHost at /"), 'ALLOWED_HOSTS = ["dev.test"] in settings.py'),
    ],
)
def test_a_refusal_comes_with_the_line_that_mends_it(seen: Exchange, line: str) -> None:
    refused = devserver.refusal(seen, "dev.test")
    assert refused
    assert refused[1] == line


@pytest.mark.parametrize(
    "seen", [answer(403), answer(400), answer(404, "DisallowedHost"), answer()]
)
def test_any_other_answer_is_no_refusal_of_the_address(seen: Exchange) -> None:
    assert devserver.refusal(seen, "dev.test") is None


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "ws://localhost:8080/"),
        ({"path": "/_nuxt/"}, "ws://localhost:8080/_nuxt/"),
        ({"port": "24678"}, "ws://localhost:24678/"),
        (
            {"port": "24678", "host": '"127.0.0.1"', "path": "/socket"},
            "ws://127.0.0.1:24678/socket",
        ),
        ({"protocol": '"wss"'}, "wss://localhost:8080/"),
    ],
)
def test_where_vite_sends_its_client_is_read_in_its_script(given: dict[str, str], url: str) -> None:
    values = {"protocol": "null", "port": "null", "host": "null", "path": "/"} | given
    socket = devserver.vite_socket(answer(body=CLIENT.format(**values)))
    assert socket
    assert (socket.name, socket.protocol) == (url, "vite-hmr")
    assert socket.target.path.endswith("?token=s3cret")


def test_a_script_that_says_nothing_of_a_socket_is_not_guessed_at() -> None:
    assert devserver.vite_socket(answer(body="console.log(1)")) is None


@pytest.mark.parametrize("base", ["", "/app", "/a/b"])
def test_the_sockets_of_next_are_below_its_base_path(base: str) -> None:
    page = answer(body=f'<link href="/x.css"><script src="{base}/_next/static/a.js">')
    paths = [socket.target.path for socket in devserver.next_sockets(page)]
    assert paths == [f"{base}/_next/hmr", f"{base}/_next/webpack-hmr"]
