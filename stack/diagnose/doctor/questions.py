"""The questions of the doctor: a browser's handshake, and one variation at a time. Pure.

A key is passed in, which makes it possible to ask the same question again and tell them apart.
"""

from dataclasses import replace
from urllib.parse import urlencode

from stack.diagnose.doctor.evidence import TOKEN_NAMES, Options
from stack.diagnose.doctor.variation import Variation, vary
from stack.probe.exchange import Headers, Question, Target
from stack.probe.handshake import upgrade_headers

GIVEN = "as given"
FOREIGN = "https://stack-doctor.invalid"  # RFC 6761: an origin that cannot exist
FORWARDED = ("X-Forwarded-Proto", "https")
_AGENT = "Mozilla/5.0 (stack doctor)"


def handshake(options: Options, target: Target, key: str, label: str = GIVEN) -> Question:
    """Return the handshake that a browser sends (RFC 6455 §4.1), with the user's additions.

    A plain hop behind TLS is asked as a good proxy asks it: with X-Forwarded-Proto.
    """
    headers: list[tuple[str, str]] = [*upgrade_headers(key).items(), ("Origin", options.origin)]
    headers.append(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
    if options.subprotocols:
        headers.append(("Sec-WebSocket-Protocol", ", ".join(options.subprotocols)))
    if options.target.tls and not target.tls:
        headers.append(FORWARDED)
    given = {name.lower() for name, _ in options.headers}
    if "user-agent" not in given:
        headers.append(("User-Agent", _AGENT))
    kept = [pair for pair in headers if pair[0].lower() not in given]
    question = _given(options, Question(target, label, tuple(kept), key))
    return replace(question, idle=options.idle or question.idle)


def plain(options: Options, target: Target, variation: Variation) -> Question:
    """Return an ordinary GET, as the address bar of a browser sends it."""
    headers = (("User-Agent", _AGENT), ("Connection", "close"))
    return _given(options, vary(Question(target, "", headers), variation))


def variations(base: Question, options: Options) -> tuple[Question, ...]:
    """Vary one thing at a time in a handshake that an HTTP server refused."""
    proto = without(base.headers, FORWARDED[0].lower())
    asked = [
        vary(base, Variation.NO_ORIGIN, headers=without(base.headers, "origin")),
        _origin(base, Variation.FOREIGN_ORIGIN, FOREIGN),
        *_own_origins(base),
        vary(base, Variation.FORWARDED_PROTO, headers=(*proto, FORWARDED)),
        vary(base, Variation.HTTP_1_0, version="1.0"),
        _slash(base),
        plain(options, base.target, Variation.PLAIN),
        plain(options, replace(base.target, path="/"), Variation.ROOT),
        _polling(options, base),
        _negotiate(options, base),
        _event_stream(options, base),
    ]
    if options.subprotocols:
        bare = without(base.headers, "sec-websocket-protocol")
        asked.append(vary(base, Variation.NO_SUBPROTOCOL, headers=bare))
    if stripped := _without_token(base):
        asked.append(stripped)
    asked.extend(
        vary(base, variation, target=replace(base.target, path=path))
        for variation, path in ((Variation.AT_WS, "/ws"), (Variation.AT_ROOT, "/"))
        if base.target.path.partition("?")[0].rstrip("/") != path.rstrip("/")
    )
    return tuple(asked)


def faults(base: Question) -> tuple[Question, ...]:
    """Vary a handshake at the hop behind the suspect as a faulty proxy would vary it."""
    bare = without(base.headers, "connection")
    close = (*bare, ("Connection", "close"))
    unforwarded = without(base.headers, FORWARDED[0].lower())
    first, rest = _stripped(base.target.path)
    asked = [
        vary(base, Variation.WITHOUT_UPGRADE, headers=without(close, "upgrade")),
        vary(base, Variation.WITHOUT_BOTH, headers=without(bare, "upgrade")),
        vary(base, Variation.CONNECTION_CLOSE, headers=close),
        vary(base, Variation.BY_HTTP_1_0, version="1.0"),
        vary(base, Variation.OTHER_HOST, host="stack-doctor.invalid"),
        vary(base, Variation.WITHOUT_QUERY, target=_bare(base.target)),
        vary(base, Variation.NO_ORIGIN, headers=without(base.headers, "origin")),
        _slash(base),
        by_http2(base),
    ]
    if unforwarded != base.headers:
        asked.append(vary(base, Variation.WITHOUT_FORWARDED_PROTO, headers=unforwarded))
    if first:
        path = replace(base.target, path=rest)
        asked.append(vary(base, Variation.WITHOUT_PREFIX, first, target=path))
    return tuple(asked)


def by_http2(base: Question) -> Question:
    """Ask for an Upgrade over HTTP/2, which has none, as a proxy that forwards it would."""
    headers = without(base.headers, "connection")
    return vary(base, Variation.BY_HTTP2, version="2", headers=headers)


def plain_by_http2(options: Options, target: Target) -> Question:
    """Ask for an ordinary answer over HTTP/2."""
    bare = plain(options, target, Variation.PLAIN_BY_HTTP2)
    return replace(bare, version="2", headers=without(bare.headers, "connection"))


def extended_connect(base: Question) -> Question:
    """Ask for a WebSocket as browsers do on a connection of HTTP/2 (RFC 8441 §5)."""
    headers = base.headers
    for name in ("upgrade", "connection", "sec-websocket-key"):
        headers = without(headers, name)
    return vary(base, Variation.EXTENDED_CONNECT, version="2", method="CONNECT", headers=headers)


def withheld(base: Question) -> Question:
    """Announce a body and send none: a 100 Continue shows that the request got to the upstream.

    Nginx asks for the body when it connects to the upstream, and never before.
    """
    kept = without(without(base.headers, "upgrade"), "connection")
    announced = (("Connection", "close"), ("Content-Length", "1"), ("Expect", "100-continue"))
    return vary(base, Variation.WITHHELD, headers=(*kept, *announced))


def secured(base: Question) -> Question:
    """Ask the same over TLS, whatever the certificate."""
    target = replace(base.target, tls=True)
    return vary(base, Variation.WITH_TLS, target=target, checks=False)


def without(headers: Headers, name: str) -> Headers:
    """Return headers without those of this name (in lower case)."""
    return tuple(pair for pair in headers if pair[0].lower() != name)


def has_token(target: Target) -> bool:
    """Whether the query of the address has a token."""
    query = target.path.partition("?")[2]
    return any(part.partition("=")[0] in TOKEN_NAMES for part in query.split("&"))


def _given(options: Options, question: Question) -> Question:
    """Add what the user specified; the user's own Host replaces that of the URL."""
    hosts = [value for name, value in options.headers if name.lower() == "host"]
    return replace(
        question,
        headers=(*question.headers, *without(options.headers, "host")),
        host=hosts[-1] if hosts else "",
        checks=not options.insecure,
    )


def _origin(base: Question, variation: Variation, origin: str) -> Question:
    return vary(base, variation, headers=(*without(base.headers, "origin"), ("Origin", origin)))


def _own_origins(base: Question) -> tuple[Question, ...]:
    """Return the origin of a page from the requested Host, and from altered Hosts."""
    scheme, usual = ("https", 443) if base.target.tls else ("http", 80)
    host = base.host or base.target.authority
    asked = [_origin(base, Variation.OWN_ORIGIN, f"{scheme}://{host}")]
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and port != str(usual):
        asked.append(_origin(base, Variation.PORTLESS_ORIGIN, f"{scheme}://{name}"))
        asked.append(_origin(base, Variation.USUAL_PORT_ORIGIN, f"{scheme}://{name}:{usual}"))
    origin = dict(base.headers).get("Origin", "")
    if origin.startswith("https:"):
        asked.append(_origin(base, Variation.HTTP_ORIGIN, origin.replace("https", "http", 1)))
    return tuple(asked)


def _slash(base: Question) -> Question:
    path, mark, query = base.target.path.partition("?")
    bare, variation = path.rstrip("/"), Variation.WITH_SLASH
    if path.endswith("/") and path != "/":
        variation = Variation.WITHOUT_SLASH
    other = bare if variation is Variation.WITHOUT_SLASH else f"{bare}/"
    return vary(base, variation, target=replace(base.target, path=f"{other}{mark}{query}"))


def _stripped(path: str) -> tuple[str, str]:
    """Split ``/api/ws`` into ``/api`` and ``/ws``; no prefix if the path has one part only."""
    head, slash, rest = path.removeprefix("/").partition("/")
    return (f"/{head}", f"/{rest}") if slash and rest else ("", path)


def _bare(target: Target) -> Target:
    return replace(target, path=target.path.partition("?")[0])


def _without_token(base: Question) -> Question | None:
    headers = without(without(base.headers, "authorization"), "cookie")
    path, _, query = base.target.path.partition("?")
    kept = [part for part in query.split("&") if part.partition("=")[0] not in TOKEN_NAMES]
    if headers == base.headers and not has_token(base.target):
        return None
    target = replace(base.target, path="?".join([path, "&".join(kept)]).rstrip("?"))
    return vary(base, Variation.NO_TOKEN, headers=headers, target=target)


def _polling(options: Options, base: Question) -> Question:
    """Ask Socket.IO's polling transport, which needs no Upgrade."""
    path = base.target.path.partition("?")[0]
    path = path if "socket.io" in path or "engine.io" in path else "/socket.io/"
    query = urlencode({"EIO": "4", "transport": "polling"})
    return plain(options, replace(base.target, path=f"{path}?{query}"), Variation.POLLING)


def _negotiate(options: Options, base: Question) -> Question:
    """Ask for SignalR's negotiation by POST; a 405 to a GET shows as much."""
    path = base.target.path.partition("?")[0].rstrip("/")
    target = replace(base.target, path=f"{path}/negotiate?negotiateVersion=1")
    return replace(plain(options, target, Variation.NEGOTIATE), method="POST")


def _event_stream(options: Options, base: Question) -> Question:
    """Open the event stream of Centrifugo's SDKs, without a token: an address is written to logs.

    To be refused in the stream is an answer, too.
    """
    query = urlencode({"cf_connect": '{"id":1,"connect":{}}'})
    target = replace(base.target, path=f"/connection/sse?{query}")
    return plain(options, target, Variation.FALLBACK)
