"""What a user types about an address: what it means, what is refused, what is secret."""

import pytest

from stack.diagnose.doctor.address import Typed, options_of, secrets_of, target_of
from stack.errors import ConfigError
from stack.probe.exchange import Target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("ws://localhost:3002/ws", Target("", "localhost", 3002, "/ws")),
        ("http://a.b", Target("", "a.b", 80, "/")),
        ("wss://A.b/x?y=1#z", Target("", "a.b", 443, "/x?y=1", tls=True)),
        ("https://[::1]:8443/ä b", Target("", "::1", 8443, "/%C3%A4%20b", tls=True)),
    ],
)
def test_urls(url: str, target: Target) -> None:
    if " " in url:
        with pytest.raises(ConfigError):
            target_of(url, "url")
        return
    assert target_of(url, "url") == target


def test_bytes_that_are_no_utf_8_are_sent_as_they_are() -> None:
    url = "ws://a\udcfe:b\udcfd@localhost/\udcff?token=\udcfc\udcfb\udcfa"
    assert target_of(url, "url").path == "/%FF?token=%FC%FB%FA"
    assert "%FC%FB%FA" in secrets_of(Typed(url))


@pytest.mark.parametrize(
    "url",
    ["", "localhost:3002", "ftp://a", "ws://", "ws://a:0", "ws://a:x", "ws://[a", "ws://a/\nb"],
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^url: ") as error:
        target_of(url, "url")
    assert error.value.hint


@pytest.mark.parametrize(
    ("typed", "where"),
    [
        (Typed("ws://a", headers=["nonsense"]), "--header"),
        (Typed("ws://a", headers=["A: b\r\nC: d"]), "--header"),
        (Typed("ws://a", hops=["ws://b"]), "--hop"),
        (Typed("ws://a", hops=["b=c"]), "--hop b"),
        (Typed("ws://a", page="x"), "--page"),
    ],
)
def test_wrong_flags_are_named(typed: Typed, where: str) -> None:
    with pytest.raises(ConfigError, match=f"^{where}"):
        options_of(typed)


def test_the_origin_is_the_pages_else_our_own() -> None:
    assert options_of(Typed("wss://a/ws")).origin == "https://a"
    assert options_of(Typed("ws://a:1/ws", page="https://b/c")).origin == "https://b"
    assert options_of(Typed("ws://a", page="https://b", origin="null")).origin == "null"


def test_a_hop_without_a_path_gets_the_urls() -> None:
    (one, two) = options_of(Typed("ws://a/ws?b=1", hops=["x=ws://c", "y=ws://d/"])).hops
    assert (one.path, two.path) == ("/ws?b=1", "/")


@pytest.mark.parametrize(
    ("typed", "headers"),
    [
        (Typed("ws://a", token="t0ken"), (("Authorization", "Bearer t0ken"),)),
        (Typed("ws://a/?token=t0ken", token="t0ken"), ()),
        (Typed("ws://u:p@a"), (("Authorization", "Basic dTpw"),)),
        (Typed("ws://a", cookies=["a=1", "b=2"]), (("Cookie", "a=1; b=2"),)),
    ],
)
def test_how_credentials_travel(typed: Typed, headers: tuple[tuple[str, str], ...]) -> None:
    assert options_of(typed).headers == headers


def test_all_forms_of_a_secret_are_known() -> None:
    typed = Typed("ws://user:pa%20ss@a/?token=abc%2Fd", headers=["X: one two-three"])
    found = set(secrets_of(typed))
    assert {"pa%20ss", "pa ss", "abc%2Fd", "abc/d", "two-three", "one two-three"} <= found
    assert secrets_of(Typed("ws://a", token="x")) == ()  # too short to be told from other text
