"""Whether a page may open a WebSocket: CSP source lists as CSP3 §6.7 compares them."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.conclusions.page import allows, sources_of
from stack.diagnose.doctor.upgrade import conclude
from stack.probe.exchange import Target
from tests.unit.diagnose.seen import OPTIONS, answered, evidence

PAGE = Target("", "shop.example.com", 443, "/", tls=True)
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
        ("ws.example.com", True),
        ("*.example.com", True),
        ("wss://ws.example.com:*", True),
        ("wss://ws.example.com/ws", True),
        ("'self'", False),
        ("'none'", False),
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


def test_self_covers_the_socket_of_the_same_place() -> None:
    assert allows(["'self'"], PAGE, Target("", "shop.example.com", 443, "/ws", tls=True))
