"""What rules say of Nginx is asked of a real one: the facts that its documentation leaves open."""

import asyncio
from pathlib import Path

import pytest

from tests.render import front

HTTP = "{main}\nevents {{}}\nhttp {{\n    access_log off;\n{inside}\n}}\n"
ANSWER = "server { listen %s; location / { return 200 ok; } }"
LOST = """
server {
    listen 8080;
    location /literal/ { proxy_pass http://localhost:8081; }
    location /known/ { proxy_pass http://localhost:8081$request_uri; }
    location /lost/ { proxy_pass http://localhost:8082$request_uri; }
}
"""
STREAM = """
stream {
    server { listen 8080; proxy_pass unix:%(root)s/plain.sock; proxy_protocol on; }
    server { listen 8081; proxy_pass unix:%(root)s/proxied.sock; }
    server { listen 8082; proxy_pass unix:%(root)s/proxied.sock; proxy_protocol on; }
}
"""


def ask(port: int, path: str = "/") -> str:
    """Give the first line of the answer to a plain GET, or nothing when the connection ends."""

    async def exchange() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        try:
            return await asyncio.wait_for(reader.read(), front.PATIENCE)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    return asyncio.run(exchange()).decode().partition("\r\n")[0]


@pytest.mark.parametrize("listen", ["8080 http2", "8080; http2 on"])
def test_a_new_nginx_speaks_http_1_on_a_port_for_http_2(listen: str, tmp_path: Path) -> None:
    text = HTTP.format(main="", inside=ANSWER % listen)
    with front.running(text, tmp_path) as nginx:
        assert ask(nginx.port) == "HTTP/1.1 200 OK"


def test_a_name_in_a_variable_needs_a_resolver_unless_it_is_known(tmp_path: Path) -> None:
    with front.running(HTTP.format(main="", inside=LOST), tmp_path) as nginx:
        ask(nginx.port, "/known/")
        assert "no resolver defined" not in (tmp_path / "stderr").read_text()
        ask(nginx.port, "/lost/")
        assert "no resolver defined to resolve localhost" in (tmp_path / "stderr").read_text()


def test_the_proxy_protocol_wants_both_ends(tmp_path: Path) -> None:
    sockets = (f"unix:{tmp_path}/plain.sock", f"unix:{tmp_path}/proxied.sock proxy_protocol")
    inside = "\n".join(ANSWER % socket for socket in sockets)
    text = HTTP.format(main="", inside=inside) + STREAM % {"root": tmp_path}
    with front.running(text, tmp_path) as nginx:
        answers = [ask(nginx.ports[port]) for port in ("8080", "8081", "8082")]
    assert answers == ["HTTP/1.1 400 Bad Request", "", "HTTP/1.1 200 OK"]


def test_a_debug_log_holds_the_query_many_times(tmp_path: Path) -> None:
    main = "error_log debug.log debug;"
    text = HTTP.format(main=main, inside=ANSWER % "8080")
    with front.running(text, tmp_path) as nginx:
        ask(nginx.port, "/ws?token=secret")
    lines = (tmp_path / "debug.log").read_text().splitlines()
    if not any("[debug]" in line for line in lines):
        pytest.skip("this Nginx was built without --with-debug")
    assert sum("token=secret" in line for line in lines) > 2
