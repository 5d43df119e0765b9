"""Whether a page may open a WebSocket: CSP source lists as CSP3 §6.7 compares them."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.conclude import conclude
from stack.diagnose.doctor.conclusions.page import allows, sources_of
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange, Target
from tests.unit.diagnose.seen import OPTIONS, answered, evidence, failed, varied
from tests.unit.diagnose.tables import advised, concluded, table, told

PLAIN = Target("", "ws.example.com", 80, "/ws")
PAGE = Target("", "shop.example.com", 443, "/", tls=True)
PLAIN_PAGE = replace(PAGE, port=80, tls=False)
SOCKET = Target("", "ws.example.com", 443, "/ws", tls=True)


@pytest.mark.parametrize(
    ("policy", "sources"),
    [
        ("connect-src 'self'; default-src *", ["'self'"]),
        ("default-src 'none'", ["'none'"]),
        ("script-src 'self'", None),
        ("CONNECT-SRC a; connect-src b", ["a"]),
        ("connect-src", []),
        ("", None),
    ],
)
def test_connect_src_wins_over_default_src(policy: str, sources: list[str] | None) -> None:
    assert sources_of(policy) == sources


@pytest.mark.parametrize(
    ("source", "is_allowed"),
    [
        ("*", True),
        ("wss:", True),
        ("ws:", True),
        ("https:", True),
        ("wss://ws.example.com", True),
        ("http:", True),
        ("HTTPS://WS.EXAMPLE.COM", True),
        ("ws://ws.example.com", True),
        ("ws://ws.example.com:443", True),
        ("ws.example.com", True),
        ("*.example.com", True),
        ("*.com", True),
        ("https://*", True),
        ("wss://*:443", True),
        ("wss://ws.example.com:*", True),
        ("wss://ws.example.com/ws", True),
        ("'self'", False),
        ("'none'", False),
        ("'unsafe-inline':", False),
        ("data:", False),
        ("ftp://ws.example.com", False),
        ("*.ws.example.com", False),
        ("*.example.org", False),
        ("wss://*:8443", False),
        ("wss://ws.example.com:443", True),
        ("wss://ws.example.com/", True),
        ("wss://ws.example.com:99999", False),
        ("example.com", False),
        ("wss://ws.example.com:8443", False),
        ("wss://ws.example.com/other", False),
        ("wss://[", False),
    ],
)
def test_sources(source: str, is_allowed: bool) -> None:
    assert allows([source], PAGE, SOCKET) == is_allowed


@pytest.mark.parametrize(
    ("host", "severity"),
    [
        ("ws.example.com", "error"),
        ("192.168.0.5", "error"),
        ("127.evil.example.com", "error"),
        ("localhost.example.com", "error"),
        ("::", "error"),
        ("127.0.0.1", "info"),
        ("127.1.2.3", "info"),
        ("::1", "info"),
        ("localhost", "info"),
        ("app.localhost.", "info"),
    ],
)
def test_plain_sockets_of_a_secure_page(host: str, severity: str) -> None:
    target = Target("", host, 80, "/ws")
    options = replace(OPTIONS, target=target, page=PAGE)
    for base in (answered(101, target=target), answered(404, target=target)):
        *_, finding = conclude(evidence(base, options=options))
        assert (finding.code, finding.severity) == ("WS146", severity)


def test_a_secure_socket_or_a_plain_page_is_no_mixed_content() -> None:
    plain = replace(OPTIONS, page=replace(PAGE, tls=False))
    secure = replace(OPTIONS, target=SOCKET, page=PAGE)
    assert conclude(evidence(answered(101), options=plain)) == ()
    assert conclude(evidence(answered(101, target=SOCKET), options=secure)) == ()


@pytest.mark.parametrize(
    ("page", "socket", "is_allowed"),
    [
        (PAGE, replace(SOCKET, host=PAGE.host), True),
        (PAGE, SOCKET, False),
        (PAGE, replace(SOCKET, host=PAGE.host, port=8443), False),
        (PAGE, replace(PAGE, tls=False), False),
        (PAGE, PLAIN_PAGE, False),
        (PLAIN_PAGE, PLAIN_PAGE, True),
        (PLAIN_PAGE, replace(SOCKET, host=PAGE.host), True),
        (PLAIN_PAGE, replace(SOCKET, host=PAGE.host, port=8443), False),
        (replace(PLAIN_PAGE, port=8080), replace(SOCKET, host=PAGE.host), False),
        (replace(PLAIN_PAGE, port=8080), replace(SOCKET, host=PAGE.host, port=8080), True),
    ],
)
def test_self_covers_the_socket_of_the_same_place(
    page: Target, socket: Target, is_allowed: bool
) -> None:
    assert allows(["'self'"], page, socket) == allows(["'SELF'"], page, socket) == is_allowed


@pytest.mark.parametrize(
    ("path", "is_allowed"),
    [
        ("", True),
        ("/", True),
        ("/a/", True),
        ("/a/ws", True),
        ("/a", False),
        ("/a/w", False),
        ("/a/ws/", False),
        ("/a/b/", False),
    ],
)
def test_a_path_covers_what_is_below_it_only_with_a_slash(path: str, is_allowed: bool) -> None:
    for target in (replace(SOCKET, path="/a/ws"), replace(SOCKET, path="/a/ws?token=abc")):
        assert allows([f"wss://ws.example.com{path}"], PAGE, target) == is_allowed


@pytest.mark.parametrize(
    ("source", "page", "is_allowed"),
    [
        ("ws.example.com", PLAIN_PAGE, True),
        ("ws.example.com", PAGE, False),
        ("http:", PAGE, True),
        ("ws:", PAGE, True),
        ("https:", PAGE, False),
        ("wss:", PAGE, False),
        ("ws://ws.example.com", PAGE, True),
        ("ws://ws.example.com:8080", PAGE, False),
    ],
)
def test_sources_of_a_plain_socket(source: str, page: Target, is_allowed: bool) -> None:
    assert allows([source], page, PLAIN) == is_allowed


def test_one_source_of_several_is_enough() -> None:
    assert allows(["'none'", "wss:"], PAGE, SOCKET)
    assert not allows([], PAGE, SOCKET)


def test_a_source_without_a_port_holds_for_the_usual_one_only() -> None:
    assert not allows(["wss://ws.example.com"], PAGE, replace(SOCKET, port=8443))
    assert allows(["wss://ws.example.com:*"], PAGE, replace(SOCKET, port=8443))


def ruled(
    *policies: str, page: Exchange | None = None, is_asked: bool = True, base: int = 101
) -> Evidence:
    """Give a socket, and the page that opens it with these policies."""
    rows = tuple(("content-security-policy", item) for item in policies)
    shown = page or answered(200, headers=rows)
    options = replace(OPTIONS, target=SOCKET, page=PAGE if is_asked else None)
    asked = varied(Variation.PAGE, shown)
    return evidence(answered(base, target=SOCKET), options=options, page=asked)


@table(
    {
        "it forbids": (ruled("connect-src 'self'"), "WS147 error"),
        "the second one forbids": (ruled("connect-src wss:", "default-src 'none'"), "WS147 error"),
        "it forbids beside a failure": (
            ruled("connect-src 'self'", base=404),
            "WS142 error, WS147 error",
        ),
        "it allows": (ruled("connect-src wss:"), ""),
        "it says nothing of connections": (ruled("script-src 'none'"), ""),
        "there is none": (ruled(), ""),
        "the page does not answer": (ruled(page=failed("closed")), ""),
        "nobody named a page": (ruled("connect-src 'self'", is_asked=False), ""),
        "nobody asked the page": (replace(ruled("connect-src 'self'"), page=None), ""),
    }
)
def test_a_policy_of_the_page(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_what_to_add_to_a_policy_is_told() -> None:
    seen = ruled("connect-src 'self' a.b")
    assert told(seen) == "the page allows connections to 'self' a.b only"
    assert told(ruled("connect-src")) == "the page allows connections to nothing only"
    assert advised(seen) == "add wss://ws.example.com to connect-src"
    plain = replace(seen, options=replace(seen.options, target=PLAIN, page=PLAIN_PAGE))
    assert advised(plain) == "add ws://ws.example.com to connect-src"


def test_a_plain_socket_of_this_machine_is_remarked_for_safari() -> None:
    here, there = (Target("", host, 80, "/ws") for host in ("127.0.0.1", "192.0.2.1"))
    options = replace(OPTIONS, page=PAGE)
    said = [
        told(evidence(answered(101), options=replace(options, target=item)))
        for item in (here, there)
    ]
    assert [message.endswith("older versions of Safari block") for message in said] == [True, False]
