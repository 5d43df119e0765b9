"""Judges an HTTP request for the WebSocket endpoint; no sockets: it returns what to answer.

The text of a refusal is for the person who configures a proxy: it names what did not arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

SUBPROTOCOL, PROTOBUF = "centrifuge-json", "centrifuge-protobuf"
TOKEN_PREFIX = "bearer."  # noqa: S105 - a prefix, not a password
DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class Headers(Protocol):
    """Case-insensitive headers of a request, each with all its values."""

    def get_all(self, key: str, /) -> Sequence[str]:
        """Return every value of the header, in order."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer instead of the 101."""

    status: HTTPStatus
    text: str


def judge(
    method: str, http_version: str, headers: Headers, allowed_origins: frozenset[str]
) -> Refusal | None:
    """Return why the request gets no 101 (RFC 6455 §4.2.1), or None. Tokens are not looked at."""
    if refusal := _judge_host(headers):
        return refusal
    missing = [name for name, is_there in _requirements(headers) if not is_there]
    if missing or method != "GET" or http_version != "HTTP/1.1":
        return Refusal(HTTPStatus.UPGRADE_REQUIRED, _explain(missing, method, http_version))
    return _judge_origin(headers, allowed_origins)


def judge_page(headers: Headers, allowed_origins: frozenset[str]) -> Refusal | None:
    """Return why a page may not send a request that is no handshake, or None."""
    return _judge_host(headers) or _judge_origin(headers, allowed_origins)


def listed_origin(headers: Headers, allowed_origins: frozenset[str]) -> str:
    """Return the origin of a page that is allowed by its name, "" for any other."""
    origins = headers.get_all("Origin")
    return origins[0] if origins and origins[0].lower() in allowed_origins else ""


def authorization_token(headers: Headers) -> str:
    """Return the token of ``Authorization: Bearer …`` (RFC 6750 §2.1), "" when there is none."""
    for value in headers.get_all("Authorization"):
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
    return ""


def subprotocol_token(headers: Headers) -> str:
    """Return the token of an offered subprotocol ``bearer.…``, "" when there is none."""
    offered = _tokens(headers, "Sec-WebSocket-Protocol")
    return next((o[len(TOKEN_PREFIX) :] for o in offered if o.startswith(TOKEN_PREFIX)), "")


def names_no_subprotocol(headers: Headers) -> bool:
    """Whether the header of the offered subprotocols is there, and empty."""
    offered = headers.get_all("Sec-WebSocket-Protocol")
    return bool(offered) and not "".join(offered).strip()


def wants_protobuf(headers: Headers) -> bool:
    """Whether the client offers no other subprotocol of ours than the binary one."""
    offered = _tokens(headers, "Sec-WebSocket-Protocol")
    return PROTOBUF in offered and SUBPROTOCOL not in offered


def query_token(target: str) -> str:
    """Return the token in the query of a request's target, "" when there is none."""
    try:
        return parse_qs(urlsplit(target).query, max_num_fields=100).get("token", [""])[0]
    except ValueError:  # of so many fields none is looked at
        return ""


def is_from_own_page(headers: Headers, allowed_origins: frozenset[str]) -> bool:
    """Whether a page that may do so sent the request, so that its cookies speak for its user.

    A browser sends cookies along whoever the page belongs to, so nothing else can show it. With a
    GET to its own origin it sends no Origin, but Sec-Fetch-Site, which no page can set either.
    """
    origins = [origin.lower() for origin in headers.get_all("Origin")]
    if not origins and headers.get_all("Sec-Fetch-Site") == ["same-origin"]:
        return True
    if len(origins) != 1 or not _is_same_site(origins[0], headers, allowed_origins):
        return False
    # A page over http may be of anybody on the way, who would be given the cookies of https.
    is_over_https = "https" in _tokens(headers, "X-Forwarded-Proto", lower=True)
    is_lower = is_over_https and origins[0].startswith("http:")
    return origins[0] in allowed_origins or not is_lower


def client_address(headers: Headers, peer: Any) -> str:
    """Return who connects: as ``X-Real-IP`` of Nginx says, else the peer; "" if nobody knows.

    The header is believed, because only the proxy reaches this port. Of IPv6 the first 64 bits: a
    single household has all the addresses behind them (RFC 6177 §2).
    """
    said = headers.get_all("X-Real-IP")
    text = said[-1].strip() if said else str(peer[0]) if isinstance(peer, tuple) and peer else ""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, IPv4Address):
        return text
    if mapped := address.ipv4_mapped:
        return str(mapped)
    return str(IPv6Address(int(address) >> 64 << 64))


def _judge_host(headers: Headers) -> Refusal | None:
    count = len(headers.get_all("Host"))
    return Refusal(HTTPStatus.BAD_REQUEST, _explain_hosts(count)) if count > 1 else None


def _judge_origin(headers: Headers, allowed_origins: frozenset[str]) -> Refusal | None:
    origins = headers.get_all("Origin")
    if origins and not _is_same_site(origins[0], headers, allowed_origins):
        return Refusal(HTTPStatus.FORBIDDEN, _explain_origin(origins[0], headers))
    # A browser sends no Origin with a link or an image, but says where that was.
    if not origins and set(headers.get_all("Sec-Fetch-Site")) & {"cross-site", "same-site"}:
        return Refusal(HTTPStatus.FORBIDDEN, _FOREIGN)
    return None


_FOREIGN = "The page of another site sent this request (Sec-Fetch-Site), and did not say which.\n"


def _requirements(headers: Headers) -> list[tuple[str, bool]]:
    return [
        ("Upgrade", "websocket" in _tokens(headers, "Upgrade", lower=True)),
        ("Connection", "upgrade" in _tokens(headers, "Connection", lower=True)),
        ("Sec-WebSocket-Key", bool(headers.get_all("Sec-WebSocket-Key"))),
        ("Sec-WebSocket-Version", "13" in _tokens(headers, "Sec-WebSocket-Version")),
    ]


def _tokens(headers: Headers, name: str, *, lower: bool = False) -> list[str]:
    text = ",".join(headers.get_all(name))
    return [token.strip() for token in (text.lower() if lower else text).split(",")]


EXPECTED = {
    "Upgrade": "Upgrade: websocket",
    "Connection": "Connection: Upgrade",
    "Sec-WebSocket-Key": "Sec-WebSocket-Key",
    "Sec-WebSocket-Version": "Sec-WebSocket-Version: 13",
}


def _explain(missing: list[str], method: str, http_version: str) -> str:
    lines = ["This address speaks WebSocket, and the request was not a WebSocket handshake."]
    if missing:
        lines.append(f"Did not arrive: {', '.join(EXPECTED[name] for name in missing)}.")
    if method != "GET":
        lines.append("The method was not GET.")
    if http_version != "HTTP/1.1":
        lines.append(f"The request arrived as {http_version}, not HTTP/1.1.")
    if "Upgrade" in missing or "Connection" in missing or http_version != "HTTP/1.1":
        lines.append("A proxy in front has to pass these on: they do not travel by themselves.")
    return "\n".join(lines) + "\n"


def _is_same_site(origin: str, headers: Headers, allowed_origins: frozenset[str]) -> bool:
    if origin.lower() in allowed_origins:
        return True
    # A browser does not let a page set either header, so both can be believed here.
    hosts = _tokens(headers, "Host") + _tokens(headers, "X-Forwarded-Host")
    scheme, _, host = origin.partition("://")
    wanted = _host_port(host, scheme)
    return wanted is not None and wanted in [_host_port(host, scheme) for host in hosts]


def _host_port(host: str, scheme: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port or DEFAULT_PORTS.get(scheme.lower())
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def _explain_origin(origin: str, headers: Headers) -> str:
    host = ", ".join(headers.get_all("Host")) or "(none)"
    return (
        f"The page's origin {_quotable(origin)} is not the host that this request arrived for, "
        f"{_quotable(host)}.\n"
        "Pass Host on unchanged, with its port, or add the origin to WS_ALLOWED_ORIGINS.\n"
    )


def _explain_hosts(count: int) -> str:
    return (
        f"The request has {count} Host headers, and must have one (RFC 9112 §3.2).\n"
        "The proxies on the way may each believe another one: "
        "let the proxy in front set Host once.\n"
    )


def _quotable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:200])
