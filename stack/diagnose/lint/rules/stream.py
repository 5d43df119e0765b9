"""Rules about WebSockets that a ``stream`` block passes on without inspecting them."""

from collections.abc import Iterable, Iterator

from stack.diagnose.lint.rules.editing import insert, replace
from stack.diagnose.lint.rules.examples import http, location, server
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.lint.rules.tcp_routes import Stream, local, streams
from stack.diagnose.lint.rules.timeouts import SHORTEST, seconds
from stack.diagnose.nginx.scope import value
from stack.diagnose.nginx.site import Site
from stack.diagnose.nginx.tree import Directive
from stack.finding import Cause

LINK = "https://nginx.org/en/docs/stream/ngx_stream_proxy_module.html"


def _example(*more: str, target: str = "127.0.0.1:3002", listen: str = "9443") -> str:
    lines = ["listen 443;", f"proxy_pass {target};", *more]
    inside = "\n".join(f"        {line}" for line in lines)
    stream = f"stream {{\n    server {{\n{inside}\n    }}\n}}"
    return f"{http(server(location(), listen=listen))}\n{stream}"


SHORT = Cause(
    code="WS039",
    name="stream-timeout-short",
    severity="warning",
    title="a stream closes connections that are idle for less than a heartbeat",
    why=(
        "proxy_timeout of a stream ends a connection if neither side sent anything for that "
        "long. The default of 10 minutes suits WebSockets; proxy_read_timeout has no effect "
        "here."
    ),
    fix="write `proxy_timeout 1h;`, or leave the default of 10 minutes",
    link=f"{LINK}#proxy_timeout",
    bad=_example("proxy_timeout 10s;"),
    good=_example("proxy_timeout 1h;"),
)

MISMATCH = Cause(
    code="WS040",
    name="proxy-protocol-mismatch",
    severity="error",
    title="a stream and the listen behind it disagree about the PROXY protocol",
    why=(
        "The PROXY protocol puts one line before everything else. A listen that does not expect "
        "it answers 400; one that expects it and receives none closes the connection."
    ),
    fix="write `proxy_protocol on;` in the stream and `proxy_protocol` in the listen, or neither",
    link=f"{LINK}#proxy_protocol",
    bad=_example("proxy_protocol on;", target="127.0.0.1:9443"),
    good=_example("proxy_protocol on;", target="127.0.0.1:9443", listen="9443 proxy_protocol"),
)


def check_short(site: Site) -> Iterator[Hit]:
    """Find a proxy_timeout below a minute; without a WebSocket in the file it is only suspected."""
    for stream in streams(site):
        written = stream.scope.one("proxy_timeout")
        limit = seconds(value(written))
        if written is None or limit is None or limit >= SHORTEST or not stream.is_http:
            continue
        is_own = written in stream.scope.block
        place = written if is_own else stream.proxy_pass
        edits = (replace if is_own else insert)(site.config, place, "proxy_timeout 1h;")
        message = f"a WebSocket that passes here is cut after {limit:g} s of silence"
        yield Hit(written.place, message, edits, None if stream.is_shared else "info")


def _ends(site: Site) -> Iterator[tuple[str, Directive]]:
    """Return the listens of WebSocket routes on this machine, with their addresses."""
    for scope in site.homes:
        for listen in scope.own("listen"):
            if listen.args and local(listen.args[0]):
                yield local(listen.args[0]), listen


def check_mismatch(site: Site) -> Iterator[Hit]:
    """Compare what a stream sends with what the listen of a WebSocket route expects."""
    ends: dict[str, list[Directive]] = {}
    for name, listen in _ends(site):
        ends.setdefault(name, []).append(listen)
    expecting = {local(name) for name, said in site.listens.items() if "proxy_protocol" in said}
    for stream in streams(site):
        for name in dict.fromkeys(local(address) for address in stream.addresses):
            yield from _compared(site, stream, ends.get(name, ()), expects=name in expecting)


def _compared(
    site: Site, stream: Stream, listens: Iterable[Directive], *, expects: bool
) -> Iterator[Hit]:
    switch = stream.scope.one("proxy_protocol")
    for listen in listens:
        line = listen.place.line
        if switch and value(switch) == "on" and not expects:
            text = f"listen {' '.join(listen.args)} proxy_protocol;"
            message = f"the listen in line {line} does not expect the PROXY line"
            yield Hit(switch.place, message, replace(site.config, listen, text))
        elif expects and value(switch) != "on":
            text = "proxy_protocol on;"
            edits = () if switch else insert(site.config, stream.proxy_pass, text)
            yield Hit(
                stream.proxy_pass.place, f"the listen in line {line} waits for a PROXY line", edits
            )


RULES = (Rule(SHORT, check_short), Rule(MISMATCH, check_mismatch))
