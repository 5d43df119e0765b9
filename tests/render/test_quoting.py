"""Whatever a user may write comes out of the templates as one value, read back by crossplane.

Crossplane undoes only ``\\"`` of Nginx's escapes (ngx_conf_read_token); the rest is undone here.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crossplane
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stack.config.model import Stack
from stack.errors import ConfigError
from stack.layout.render import render_nginx_deploy, render_nginx_dev
from tests.examples import examples
from tests.render import upstreams
from tests.render.front import check, free_port, localized, running

ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\t": "\t"}

nasty = st.sampled_from([*"\"'$#;{}\\ ~^*=@%é日😀\u2028-._", "${", "\n", "\t", "\r", "$$"])
written = st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=("Cc", "Cs"))
text = st.lists(nasty | written, min_size=1, max_size=12).map("".join)
paths = st.lists(text, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
names = st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,20}\Z")
fast = settings(
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def stack_of(path: str, service: str, certificate: str = "/c.pem") -> Stack:
    services = {
        service: {"image": "example", "port": 80, "env": {"A": path}},
        f"{service}-x": {"static": path},
    }
    routes: dict[str, Any] = {
        path: {"to": service, "strip_prefix": True, "websocket": True},
        f"{path}/files": f"{service}-x",
    }
    tls = {"certificate": certificate, "key": certificate}
    deploy = {"host": "shop.example.com", "tls": tls}
    return Stack.model_validate(
        {"name": service, "services": services, "routes": routes, "deploy": deploy}
    )


def directives(block: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    for directive in block:
        arguments = [
            re.sub(r"\\[\\nrt]", lambda found: ESCAPES[found[0]], argument)
            for argument in directive["args"]
        ]
        yield directive["directive"], arguments
        yield from directives(directive.get("block", []))


def read_back(rendered: str, folder: Path) -> dict[str, list[list[str]]]:
    """Give the arguments of all directives by name, as Nginx sees them."""
    file = folder / "nginx.conf"
    file.write_text(rendered, newline="")
    payload = crossplane.parse(str(file), single=True, comments=False)
    assert payload["errors"] == []
    found: dict[str, list[list[str]]] = {}
    for name, arguments in directives(payload["config"][0]["parsed"]):
        found.setdefault(name, []).append(arguments)
    return found


def shape(found: dict[str, list[list[str]]]) -> Counter[str]:
    """How often each directive occurs: a value that broke out would change it.

    The entries of a map count as one name; those of strip maps are made from the paths.
    """
    counts = Counter[str]()
    for name, calls in found.items():
        counts["~" if name.startswith("~") else name] += len(calls)
    return counts


@fast
@given(path=paths, service=names)
def test_dev_paths_come_back_exactly(path: str, service: str, tmp_path: Path) -> None:
    rendered = render_nginx_dev(stack_of(path, service))
    found = read_back(rendered, tmp_path)
    bare = path.rstrip("/")
    assert ["=", bare] in found["location"]
    assert [f"{bare}/"] in found["location"]
    assert [f"{bare}/files/"] in found["location"]
    assert ["^", bare.replace("$", "${dollar}") + "/", "last"] in found["rewrite"]
    plain = read_back(render_nginx_dev(stack_of("/plain", "plain")), tmp_path)
    assert shape(found) == shape(plain)


@fast
@given(path=paths, service=names, certificate=text.filter(lambda name: "$" not in name))
def test_production_values_come_back_exactly(
    path: str, service: str, certificate: str, tmp_path: Path
) -> None:
    rendered = render_nginx_deploy(stack_of(path, service, f"/etc/{certificate}"))
    found = read_back(rendered, tmp_path)
    assert [f"{path.rstrip('/')}/"] in found["location"]
    assert found["ssl_certificate"] == found["ssl_certificate_key"] == [[f"/etc/{certificate}"]]
    plain = read_back(render_nginx_deploy(stack_of("/plain", "plain")), tmp_path)
    assert shape(found) == shape(plain)


@settings(fast, max_examples=examples(25))
@given(path=paths.filter(lambda path: len(path) < 40))
def test_nginx_accepts_any_path(path: str, tmp_path: Path) -> None:
    rendered = render_nginx_dev(stack_of(path, "api"))
    done = check(localized(rendered, tmp_path, {"8080": free_port()}), tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("bad", ["\0", "\x1b", "\x7f"])
def test_characters_that_no_configuration_can_spell_are_refused(bad: str) -> None:
    with pytest.raises(ConfigError, match=r"the character U\+00[0-9A-F]{2} cannot go into"):
        render_nginx_dev(stack_of(f"/a{bad}", "api"))


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/a$request_uri", "/a$request_uri/x"),
        ("/${dollar}", "/$%7Bdollar%7D/x"),
        ("/größe", "/gr%C3%B6%c3%9fe/x"),
        ("/it's;{}", "/it's;{}/x"),
        ("/it's;{}", "/it%27s%3b%7B%7d/x"),
        ("/.*", "/.*/x"),
        ("/a\\b", "/a%5Cb/x"),
        ("/^[]+()|", "/%5E%5B%5D+()|/x"),
    ],
)
async def test_an_odd_prefix_is_matched_and_stripped(path: str, asked: str, tmp_path: Path) -> None:
    async with upstreams.http() as port, upstreams.dns() as names:
        names.addresses["api"] = "127.0.0.1"
        services = {"api": {"image": "example", "port": port}}
        routes = {path: {"to": "api", "strip_prefix": True}}
        stack = Stack.model_validate({"name": "s", "services": services, "routes": routes})
        with running(render_nginx_dev(stack), tmp_path, names.port) as front:
            exact = await front.get(asked.removesuffix("/x"))
            below = await front.get(asked)
    assert [json.loads(a.text)["line"] for a in (exact, below)] == [
        "GET / HTTP/1.1",
        "GET /x HTTP/1.1",
    ]
