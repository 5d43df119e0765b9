"""Rules about WebSockets that a ``stream`` block passes on without reading them."""

from collections.abc import Iterator

from stack.diagnose.finding import Cause
from stack.diagnose.nginx_scope import Scope, value
from stack.diagnose.nginx_site import Site
from stack.diagnose.nginx_tree import Directive
from stack.diagnose.rules.edits import insert, replace
from stack.diagnose.rules.examples import http, location, server
from stack.diagnose.rules.rule import Hit, Rule
from stack.diagnose.rules.streams import Stream, local, streams
from stack.diagnose.rules.timeouts import SHORTEST, seconds

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
    title="a stream cuts connections that are silent for less than a heartbeat",
    why=(
        "proxy_timeout of a stream ends a connection when neither side sent anything for so long. "
        "The default of 10 minutes suits WebSockets; proxy_read_timeout does nothing here."
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
        "it answers 400; one that expects it and gets none closes the connection."
    ),
    fix="write `proxy_protocol on;` in the stream and `proxy_protocol` in the listen, or neither",
    link=f"{LINK}#proxy_protocol",
    bad=_example("proxy_protocol on;", target="127.0.0.1:9443"),
    good=_example("proxy_protocol on;", target="127.0.0.1:9443", listen="9443 proxy_protocol"),
)


def check_short(site: Site) -> Iterator[Hit]:
    """See a written proxy_timeout below a minute; without a WebSocket in sight it is suspected."""
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


def _fronted(site: Site, stream: Stream) -> Iterator[tuple[Directive, bool]]:
    """Give each listen of a WebSocket route that a stream leads to, and if it expects PROXY."""
    ends = {local(address) for address in stream.addresses} - {""}
    servers: dict[int, Scope] = {
        id(r.scope.server): r.scope.server for r in site.sockets if r.scope.server
    }
    listens = [d for s in site.servers for d in s.own("listen") if d.args]
    for scope in servers.values():
        for listen in scope.own("listen"):
            name = local(listen.args[0]) if listen.args else ""
            if name in ends:
                # What one server says of an address holds for all that share it.
                same = [d for d in listens if local(d.args[0]) == name]
                yield listen, any("proxy_protocol" in d.args for d in same)


def check_mismatch(site: Site) -> Iterator[Hit]:
    """Compare what a stream sends with what the listen of a WebSocket route expects."""
    for stream in streams(site):
        switch = stream.scope.one("proxy_protocol")
        sends = value(switch) == "on"
        for listen, expects in _fronted(site, stream):
            if sends and switch and not expects:
                edits = replace(
                    site.config, listen, f"listen {' '.join(listen.args)} proxy_protocol;"
                )
                message = f"the listen in line {listen.place.line} does not expect the PROXY line"
                yield Hit(switch.place, message, edits)
            elif expects and not sends:
                edits = (
                    insert(site.config, stream.proxy_pass, "proxy_protocol on;")
                    if not switch
                    else ()
                )
                message = f"the listen in line {listen.place.line} waits for a PROXY line"
                yield Hit(stream.proxy_pass.place, message, edits)


RULES = (Rule(SHORT, check_short), Rule(MISMATCH, check_mismatch))
