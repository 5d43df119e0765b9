"""Reads the addresses that a user typed into options of an examination. Pure."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from stack.diagnose.doctor.evidence import TOKEN_NAMES, Options
from stack.errors import ConfigError
from stack.probe.exchange import Headers, Target

EXAMPLE = "stack doctor ws://localhost:3002/ws"
_TLS = {"ws": False, "http": False, "wss": True, "https": True}


@dataclass(frozen=True)
class Typed:
    """The flags of the command line, as they were typed."""

    url: str
    headers: Sequence[str] = ()
    cookies: Sequence[str] = ()
    origin: str = ""
    subprotocols: Sequence[str] = ()
    token: str = ""
    hops: Sequence[str] = ()
    page: str = ""
    insecure: bool = False
    timeout: float = 10.0
    idle: float = 0.0
    connections: int = 0
    message: int = 0


def options_of(typed: Typed) -> Options:
    """Return the options; raise ConfigError for invalid ones.

    A token travels as ``Authorization: Bearer``, unless the URL already has one. A hop without its
    own path is asked for the path of the URL.
    """
    target = target_of(typed.url, "url")
    page = target_of(typed.page, "--page") if typed.page else None
    return Options(
        target,
        tuple(_hop(text, target) for text in typed.hops),
        _headers(typed, target),
        typed.origin or (page or target).origin,
        tuple(name for text in typed.subprotocols for name in _names(text)),
        typed.token,
        page,
        insecure=typed.insecure,
        idle=typed.idle,
        timeout=typed.timeout + typed.idle,
        secrets=secrets_of(typed),
        connections=typed.connections,
        message=typed.message,
    )


def target_of(url: str, where: str, name: str = "") -> Target:
    """Read a URL of ws, wss, http or https; raise ConfigError without repeating its secrets."""
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise ConfigError(f"{where}: not a URL", EXAMPLE) from None
    if parts.scheme not in _TLS:
        raise ConfigError(f"{where}: does not begin with ws, wss, http or https", EXAMPLE)
    if not host:
        raise ConfigError(f"{where}: names no host", EXAMPLE)
    if port == 0 or len(host) > 253 or any(sign.isspace() or sign < " " for sign in url.strip()):
        raise ConfigError(f"{where}: not a URL", EXAMPLE)
    tls = _TLS[parts.scheme]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path = quote(path, safe="/?&=%:@!$'()*+,;~-._[]", errors="surrogateescape")
    return Target(name, host, port or (443 if tls else 80), path, tls)


def secrets_of(typed: Typed) -> tuple[str, ...]:
    """Return everything that must not appear in output, in all forms in which it may come back."""
    found = {typed.token}
    for text in typed.headers:
        value = text.partition(":")[2].strip()
        found |= {value, *value.split()}
    for text in typed.cookies:
        found |= {text, *(pair.partition("=")[2] for pair in text.split(";"))}
    urls = [typed.url, typed.page, *(hop.partition("=")[2] for hop in typed.hops)]
    for url in urls:
        found |= _in_url(url)
    found |= {unquote(value) for value in found}
    found |= {quote(value, safe="", errors="surrogateescape") for value in found}
    return tuple(sorted(value for value in found if len(value) > 2 and value.lower() != "bearer"))


def _in_url(url: str) -> set[str]:
    rest, _, query = url.partition("?")
    user = rest.partition("//")[2].partition("/")[0].rpartition("@")[0]
    pairs = [part.partition("=") for part in query.partition("#")[0].split("&")]
    found = {value for name, _, value in pairs if name in TOKEN_NAMES or len(value) >= 16}
    return found | ({user, user.partition(":")[2], _basic(user)} if user else set())


def _headers(typed: Typed, target: Target) -> Headers:
    headers = [_header(text) for text in typed.headers]
    if typed.cookies:
        headers.append(("Cookie", "; ".join(typed.cookies)))
    given = {name.lower() for name, _ in headers}
    user = urlsplit(typed.url.strip()).netloc.rpartition("@")[0]
    if user and "authorization" not in given:
        headers.append(("Authorization", f"Basic {_basic(user)}"))
    elif typed.token and "authorization" not in given and typed.token not in target.path:
        headers.append(("Authorization", f"Bearer {typed.token}"))
    values = [typed.origin, *typed.subprotocols, *(part for pair in headers for part in pair)]
    if any(sign < " " or sign > "\u00ff" for value in values for sign in value):
        raise ConfigError(
            "--header: a value holds a control character", "one line each, in Latin-1"
        )
    return tuple(headers)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or any(sign.isspace() for sign in name.strip()):
        raise ConfigError("--header: not NAME: VALUE", "--header 'X-Name: value'")
    return name.strip(), value.strip()


def _hop(text: str, target: Target) -> Target:
    name, equals, url = text.partition("=")
    if not equals or not name or "/" in name:
        raise ConfigError("--hop: not NAME=URL", "--hop server=ws://localhost:3002")
    hop = target_of(url, f"--hop {name}", name)
    has_path = bool(urlsplit(url).path)
    path = hop.path if has_path else target.path
    return Target(name, hop.host, hop.port, path, hop.tls)


def _names(text: str) -> Iterable[str]:
    return (name.strip() for name in text.split(",") if name.strip())


def _basic(user: str) -> str:
    return base64.b64encode(unquote(user).encode(errors="surrogateescape")).decode()
