"""Whatever can be parsed is judged without a crash; places exist, and fixes do what they say."""

import string
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stack.diagnose.edits import apply
from stack.diagnose.lint.judge import Options, lint
from stack.diagnose.nginx.conf import read
from stack.diagnose.nginx.tree import Directive
from stack.errors import ConfigError
from stack.finding import Finding
from tests.examples import examples

# `?` is any word: so most trees have the number of arguments that Nginx demands.
SIMPLE = """
access_log ? ?|deny all|error_page ? ?|keepalive ?|limit_conn addr ?|listen ?|listen ? ssl
log_format main ?|proxy_connect_timeout ?|proxy_hide_header ?|proxy_http_version ?|proxy_pass ?
proxy_pass ?|proxy_pass ?|proxy_pass_request_headers off|proxy_read_timeout ?|proxy_set_header ? ?
proxy_set_header Upgrade ?|proxy_set_header Connection ?|proxy_set_header Upgrade $http_upgrade
resolver ?|return ?|return ? ?|rewrite ? ?|rewrite ? ? permanent|root ?|server ?|server_name ?
listen ? http2|proxy_timeout ?|proxy_protocol on|ssl_preread on|error_log ? debug|internal
set $x ?|ssl_certificate ?|try_files ? ?|worker_connections ?|worker_rlimit_nofile ?
worker_shutdown_timeout ?|include ?|ip_hash|default ?|~*websocket ?|websocket upgrade|?|? ?|'' ?
"""
BLOCKS = """
events|http|if ($x)|if (? = ?)|limit_except ?|location ?|location ? ?|location /ws/|server|stream
map $http_upgrade $connection_upgrade|map ? ?|types|upstream chat|upstream ?|?
"""
ARGS = """
/ /ws /ws/ /socket.io/ = ^~ ~ ~* @named ~(x ^/(.*)$ Upgrade Connection Host upgrade close x $x 1
keep-alive $http_upgrade $connection_upgrade $http_connection connection_upgrade '' $1 chat http
http://chat http://chat/ http://$x:1/y ws://chat ://x http:// localhost:1 [::1]:80 443 ssl main 0
80 off 1.1 1.0 2 10s 7d 1h30m 5x 99999999999999999999 addr $arg_token permanent 301 https://$host
nope.conf nope/*.conf websocket Sec-WebSocket-Accept "a b" "#" "{" ${x} $ 127.0.0.1:8443 8443
"""

LOUD = ("error", "warning")
ONCE = """
internal proxy_connect_timeout proxy_http_version proxy_pass proxy_pass_request_headers
proxy_protocol proxy_read_timeout proxy_timeout resolver ssl_preread worker_connections
worker_rlimit_nofile worker_shutdown_timeout
"""
odd = st.text(string.ascii_letters + "$/~^(.:[*", min_size=1, max_size=6)
words = st.sampled_from(ARGS.split()) | odd


def filled(templates: str) -> st.SearchStrategy[str]:
    """Give one of the templates with words for its question marks."""

    def fill(template: str) -> st.SearchStrategy[str]:
        count = template.count("?")
        several = st.lists(words, min_size=count, max_size=count)
        return several.map(lambda found: template.replace("?", "%s") % tuple(found))

    chosen = templates.strip().replace("\n", "|").split("|")
    return st.sampled_from(chosen).flatmap(fill)


def block(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda head, body, joint: f"{head} {{{joint}" + joint.join(body) + f"{joint}}}",
        filled(BLOCKS),
        st.lists(inside, max_size=6),
        st.sampled_from(["\n", " "]),
    )


simple = filled(SIMPLE).map(lambda text: f"{text};")
socket = st.builds(
    lambda head, body: "\n".join(
        [
            f"{head} {{",
            "proxy_pass http://chat;",
            "proxy_set_header Upgrade $http_upgrade;",
            *body,
            "}",
        ]
    ),
    filled("location ?|location ? ?|location /ws/|location /socket.io/"),
    st.lists(simple, max_size=5),
)
trees = st.lists(st.recursive(simple | socket, block, max_leaves=30), max_size=6).map("\n".join)


def places_exist(finding: Finding, count: int) -> bool:
    """Tell whether a finding and its edits are about lines that the file has."""
    lines = [finding.place.line if finding.place else 0]
    lines += [edit.first for edit in finding.edits]
    ends = all(edit.first - 1 <= edit.last <= count for edit in finding.edits)
    return ends and all(1 <= line <= count for line in lines)


def repeats(directives: tuple[Directive, ...]) -> bool:
    """Tell whether a block has twice what Nginx takes once: it would not start."""
    names = [d.name for d in directives if d.name in ONCE.split()]
    return len(set(names)) < len(names) or any(repeats(d.block or ()) for d in directives)


def added(finding: Finding, before: list[Finding], after: list[Finding]) -> Counter[str]:
    """Count by code what was not there before, or is still there."""
    left = Counter(other.code for other in before) - Counter([finding.code])
    # Once it forwards Upgrade, a route that was only suspected is judged as any other.
    is_suspected = finding.code == "WS001" and finding.severity == "info"
    return Counter(f.code for f in after if not is_suspected or f.severity in LOUD) - left


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trees") / "nginx.conf"


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=trees, routes=st.lists(st.sampled_from(["/", "/ws", "/socket.io/"]), max_size=2))
def test_what_can_be_parsed_is_judged_and_a_fix_removes_its_finding_alone(
    file: Path, text: str, routes: list[str]
) -> None:
    file.write_text(text)
    try:
        config = read(file)
    except ConfigError as error:
        assert error.message.startswith(f"{file}:")  # noqa: PT017 - most trees parse, so it need not raise
        return
    judged = Options((1, 24, 0), tuple(routes))
    found = lint(config, judged)
    for finding in found:
        if finding.edits and not repeats(config.directives):
            file.write_text(apply(text, finding.edits))
            mended = lint(read(file), judged)  # it is still one that Nginx parses
            assert added(finding, found, mended) == Counter(), f"{finding}\n{file.read_text()}"
    assert [f for f in found if not places_exist(f, len(text.split("\n")))] == []
    assert found == sorted(found, key=lambda f: (str(f.place.file), f.place.line) if f.place else 0)
