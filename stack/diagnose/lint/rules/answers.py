"""Rules about fields that Nginx removes from the handshake or from its answer."""

from collections.abc import Iterator

from stack.diagnose.lint.rules.editing import remove
from stack.diagnose.lint.rules.examples import location
from stack.diagnose.lint.rules.rule import Hit, Rule
from stack.diagnose.nginx.scope import value
from stack.diagnose.nginx.site import Site
from stack.finding import Cause

PROXY = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html"
NEEDED = {"upgrade", "sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions"}
ASKED = {"sec-websocket-key", "sec-websocket-version"}

HIDDEN = Cause(
    code="WS031",
    name="answer-hidden",
    severity="error",
    title="a field of the handshake's answer is hidden",
    why="The browser checks the answer: without this field it closes the connection at once.",
    fix="remove this proxy_hide_header from the WebSocket's location",
    link=f"{PROXY}#proxy_hide_header",
    bad=location("proxy_hide_header Upgrade;"),
    good=location("proxy_hide_header X-Powered-By;"),
)

DROPPED = Cause(
    code="WS032",
    name="request-fields-dropped",
    severity="error",
    title="the handshake's own fields are not passed on",
    why="Without Sec-WebSocket-Key and Sec-WebSocket-Version no server can answer a handshake.",
    fix="pass the request's fields on: remove this directive",
    link=f"{PROXY}#proxy_pass_request_headers",
    bad=location("proxy_pass_request_headers off;"),
    good=location("proxy_pass_request_body off;"),
)


def check_hidden(site: Site) -> Iterator[Hit]:
    """Find proxy_hide_header for a field that browsers need."""
    for route in site.sockets:
        for written in route.scope.effective("proxy_hide_header"):
            if value(written).lower() in NEEDED:
                edits = remove(site.config, written, is_safe=written in route.scope.block)
                yield Hit(written.place, f"{value(written)} is hidden from the browser", edits)


def check_dropped(site: Site) -> Iterator[Hit]:
    """Find fields that are switched off as a whole, or an overwritten key."""
    for route in site.sockets:
        switch = route.scope.one("proxy_pass_request_headers")
        if switch and value(switch) == "off":
            edits = remove(site.config, switch)
            yield Hit(switch.place, "no field of the handshake is passed on", edits)
        for written in route.scope.effective("proxy_set_header"):
            if written.args[0].lower() in ASKED and value(written) == "":
                edits = remove(site.config, written)
                yield Hit(written.place, f"{written.args[0]} is not passed on", edits)


RULES = (Rule(HIDDEN, check_hidden), Rule(DROPPED, check_dropped))
