"""Which requests may become a WebSocket, and the sentence for the others."""

import pytest
from websockets.datastructures import Headers
from ws_server.core.handshake import (
    authorization_token,
    is_from_own_page,
    judge,
    query_token,
    subprotocol_token,
)

GOOD = {
    "Host": "localhost:8080",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def refusal(
    method: str = "GET", version: str = "HTTP/1.1", without: str = "", **more: str
) -> str | None:
    headers = Headers(GOOD)
    for name in filter(None, [without, *more]):
        headers.pop(name.replace("_", "-"), None)
    for name, value in more.items():
        headers[name.replace("_", "-")] = value
    answer = judge(method, version, headers, frozenset({"https://friend.example"}))
    return f"{answer.status.value} {answer.text}" if answer else None


def test_a_handshake_passes() -> None:
    assert refusal() is None
    assert refusal(Upgrade="WebSocket", Connection="upgrade") is None


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("Upgrade", "Upgrade: websocket"),
        ("Connection", "Connection: Upgrade"),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key"),
        ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13"),
    ],
)
def test_names_the_header_that_did_not_arrive(header: str, line: str) -> None:
    text = refusal(without=header) or ""
    assert text.startswith("426 ")
    assert f"Did not arrive: {line}.\n" in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"Upgrade": "h2c"}, "Did not arrive: Upgrade: websocket."),
        ({"Connection": "close"}, "Did not arrive: Connection: Upgrade."),
        ({"Sec_WebSocket_Version": "8"}, "Did not arrive: Sec-WebSocket-Version: 13."),
        ({"method": "POST"}, "The method was not GET."),
        ({"version": "HTTP/1.0"}, "The request arrived as HTTP/1.0, not HTTP/1.1."),
    ],
)
def test_says_what_else_is_wrong(arguments: dict[str, str], line: str) -> None:
    assert line in (refusal(**arguments) or "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:8080"},
        {"Origin": "HTTP://LOCALHOST:8080"},
        {"Origin": "https://shop.example", "Host": "shop.example"},
        {"Origin": "https://shop.example", "Host": "shop.example:443"},
        {"Origin": "http://[::1]:8080", "Host": "[::1]:8080"},
        {"Origin": "https://shop.example", "X_Forwarded_Host": "shop.example, inner"},
        {"Origin": "https://friend.example"},
    ],
)
def test_origins_that_pass(headers: dict[str, str]) -> None:
    assert refusal(**headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:8081"},
        {"Origin": "http://localhost", "Host": "localhost:8080"},
        {"Origin": "https://shop.example", "Host": "shop.example:80"},
        {"Origin": "http://localhost:8080.evil.example"},
        {"Origin": "null"},
        {"Origin": "http://x:port"},
        {"Origin": ""},
    ],
)
def test_origins_that_do_not(headers: dict[str, str]) -> None:
    assert (refusal(**headers) or "").startswith("403 The page's origin ")


def test_origin_refusal_quotes_both_sides() -> None:
    text = refusal(Origin="http://localhost:8080", Host="localhost") or ""
    assert "http://localhost:8080 is not the host that this request arrived for, localhost." in text


@pytest.mark.parametrize("second", ["localhost:8080", "evil.example"])
def test_two_hosts_are_a_bad_request(second: str) -> None:
    headers = Headers([*GOOD.items(), ("Host", second), ("Origin", f"http://{second}")])
    answer = judge("GET", "HTTP/1.1", headers, frozenset())
    assert answer is not None
    assert answer.status == 400
    assert answer.text.startswith("The request has 2 Host headers, and must have one")


def test_tokens() -> None:
    headers = Headers({"Authorization": "bearer  abc ", "Sec-WebSocket-Protocol": "x, bearer.d.e"})
    assert (authorization_token(headers), subprotocol_token(headers)) == ("abc", "d.e")
    headers = Headers({"Authorization": "Basic abc", "Sec-WebSocket-Protocol": "bearer"})
    assert (authorization_token(headers), subprotocol_token(headers)) == ("", "")


@pytest.mark.parametrize(
    ("origins", "is_ours"),
    [
        (["http://localhost:8080"], True),
        (["https://friend.example"], True),
        ([], False),
        (["null"], False),
        (["http://localhost:8081"], False),
        (["http://localhost:8080", "https://evil.example"], False),
    ],
)
def test_only_from_a_page_of_ours_cookies_speak_for_their_user(
    origins: list[str], *, is_ours: bool
) -> None:
    headers = Headers([("Host", "localhost:8080"), *(("Origin", each) for each in origins)])
    assert is_from_own_page(headers, frozenset({"https://friend.example"})) is is_ours


@pytest.mark.parametrize(
    ("origin", "forwarded", "is_ours"),
    [
        ("http://shop.example", "https", False),
        ("https://shop.example", "https", True),
        ("http://shop.example", "http", True),
        ("https://shop.example", "http", True),  # TLS ends before our proxy
        ("http://friend.example", "https", True),  # somebody wants it so
    ],
)
def test_a_page_over_http_does_not_get_the_cookies_of_https(
    origin: str, forwarded: str, *, is_ours: bool
) -> None:
    headers = Headers(Host="shop.example", Origin=origin, **{"X-Forwarded-Proto": forwarded})
    assert is_from_own_page(headers, frozenset({"http://friend.example"})) is is_ours


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/ws?token=a.b.c", "a.b.c"),
        ("/ws?x=1&token=a%2Eb&token=c", "a.b"),
        ("/ws?token=", ""),
        ("/ws?xtoken=a", ""),
        ("/ws?token=a" + "&x" * 100, ""),
        ("/ws", ""),
    ],
)
def test_token_of_the_query(target: str, found: str) -> None:
    assert query_token(target) == found
