"""Inheritance and the choice of a location, as Nginx does them."""

from pathlib import Path

import pytest

from stack.diagnose.nginx.conf import read
from stack.diagnose.nginx.scope import Scope, root, value, winner
from stack.diagnose.nginx.site import Options, Site


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "nginx.conf"


def scopes(file: Path, text: str) -> list[Scope]:
    file.write_text(text)
    return list(root(read(file)).walk())


def site(file: Path, text: str, *routes: str) -> Site:
    file.write_text(text)
    return Site(read(file), Options(routes=routes))


def test_an_array_directive_is_replaced_as_a_whole(file: Path) -> None:
    *_, server, inner, outer = scopes(
        file,
        "server { proxy_set_header A 1; proxy_set_header B 2;"
        " location /a { proxy_set_header a 3; } location /b { } }",
    )
    assert [value(d) for d in server.effective("proxy_set_header")] == ["1", "2"]
    assert (value(inner.header("A")), inner.header("B")) == ("3", None)
    assert value(outer.header("b")) == "2"


def test_an_if_answers_for_the_path_of_its_location(file: Path) -> None:
    *_, inner = scopes(file, "location ^~ /ws { if ($a) { proxy_pass http://b; } }")
    assert (inner.kind, inner.path, inner.modifier) == ("if", "/ws", "^~")


@pytest.mark.parametrize(
    ("args", "path", "modifier"),
    [
        ("/a", "/a", ""),
        ("= /a", "/a", "="),
        ("=/a", "/a", "="),
        ("~*^/a", "^/a", "~*"),
        ("^~ /a", "/a", "^~"),
        ("@a", "", ""),
    ],
)
def test_a_location_is_a_path_and_a_modifier(
    file: Path, args: str, path: str, modifier: str
) -> None:
    found = scopes(file, f"location {args} {{ }}")[-1]
    assert (found.path, found.modifier) == (path, modifier)


LOCATIONS = r"""server {
    location / { }
    location /docs/ { location /docs/img/ { } location ~ \.pdf$ { } }
    location ^~ /safe/ { }
    location = /safe/one { }
    location ~ \.png$ { }
    location ~* \.PNG$ { }
    location ~ ^/(?<room>r\d)/ { }
    location @named { }
}"""


# What Nginx 1.31.3 answers for these locations, asked once with `return 200 <name>` in each.
@pytest.mark.parametrize(
    ("path", "wins"),
    [
        ("/", "/"),
        ("/docs/a", "/docs/"),
        ("/docs/img/a", "/docs/img/"),
        ("/docs/a.pdf", r"\.pdf$"),
        ("/safe/a.png", "/safe/"),
        ("/safe/one", "/safe/one"),
        ("/a.png", r"\.png$"),
        ("/a.PNG", r"\.PNG$"),
        ("/docs/img/a.png", r"\.png$"),
        ("/r1/x", r"^/(?<room>r\d)/"),
    ],
)
def test_the_location_that_wins(file: Path, path: str, wins: str) -> None:
    server = scopes(file, LOCATIONS)[1]
    found = winner(server, path)
    assert found
    assert found.path == wins


def test_no_location_wins_where_none_fits(file: Path) -> None:
    assert winner(scopes(file, "server { location /a { } location ~ ( { } }")[1], "/b") is None


def kinds(found: Site) -> list[tuple[str, bool, bool]]:
    return [(route.scope.path, route.is_socket, route.is_suspect) for route in found.routes]


def test_a_route_is_a_socket_when_the_file_says_so_or_the_user(file: Path) -> None:
    text = """server {
        location /a { proxy_pass http://x; proxy_set_header Upgrade $http_upgrade; }
        location /b { proxy_pass http://x; proxy_set_header Upgrade ""; }
        location /c { proxy_pass http://x; proxy_set_header Connection upgrade; }
        location /ws { proxy_pass http://x; }
        location /d { proxy_pass http://x; }
    }"""
    assert kinds(site(file, text, "/d")) == [
        ("/a", True, False),
        ("/b", False, False),
        ("/c", True, False),
        ("/ws", False, True),
        ("/d", True, False),
    ]


def test_the_parts_of_a_target(file: Path) -> None:
    text = "location / { proxy_pass http://[::1]:80/a/; } location /b { proxy_pass http://x; }"
    assert [(r.host, r.uri) for r in site(file, text).routes] == [("[::1]", "/a/"), ("x", "")]


def test_maps_and_upstreams_are_found_by_name(file: Path) -> None:
    found = site(file, "map $a $b { default 1; }\nupstream c { server d; }\n")
    assert (list(found.maps), list(found.upstreams), found.http) == (["b"], ["c"], None)
