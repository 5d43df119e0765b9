"""Findings for the tests of what shows and mends them."""

from dataclasses import replace

from stack.finding import Cause, Edit, Finding, Place

CAUSE = Cause(
    "WS001",
    "upgrade-missing",
    "error",
    "Upgrade is not forwarded",
    "Nginx drops it: Upgrade is hop by hop.",
    "forward Upgrade and Connection",
    "https://nginx.org/en/docs/http/websocket.html",
)
NGINX = """\
http {
    server {
        location /ws {
            proxy_pass http://ws:3002;
        }
    }
}
"""
SOURCES = {"nginx.conf": NGINX}
INSERTED = Edit(
    "nginx.conf", 5, 4, ("            proxy_set_header Upgrade $http_upgrade;",), is_safe=True
)
REPLACED = Edit("nginx.conf", 4, 4, ("            proxy_pass http://ws:3003;",), is_safe=True)
IN_FILE = Finding(
    CAUSE,
    "nginx.conf:3",
    "the location does not forward Upgrade",
    "add the line",
    "error",
    place=Place("nginx.conf", 3),
    edits=(INSERTED,),
)
ON_WIRE = Finding(
    CAUSE,
    "front",
    "Upgrade is lost",
    "stack lint nginx.conf",
    "warning",
    seen=(("front", "426 Upgrade Required\nContent-Type: text/html"), ("direct", "101")),
)


def with_edits(*edits: Edit) -> Finding:
    """Give a finding with these edits."""
    return replace(IN_FILE, edits=edits)
