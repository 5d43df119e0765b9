"""Whether a page may open a WebSocket: CSP source lists as CSP3 §6.7 compares them."""

import pytest

from stack.diagnose.conclusions.page import allows, sources_of
from stack.diagnose.exchange import Target

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


def test_self_covers_the_socket_of_the_same_place() -> None:
    assert allows(["'self'"], PAGE, Target("", "shop.example.com", 443, "/ws", tls=True))
