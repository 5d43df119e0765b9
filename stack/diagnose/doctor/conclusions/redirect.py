"""Conclusions about redirects: browsers do not follow them for a WebSocket."""

from urllib.parse import urljoin, urlsplit

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.finding import Cause, Finding

_RFC = "https://websockets.spec.whatwg.org/#the-websocket-interface"
STATUSES = {301, 302, 303, 307, 308}
MAX_REDIRECTS = 10  # that are followed; who is sent on after that never arrives

TO_HTTPS = Cause(
    "WS125",
    "redirect-to-https",
    "error",
    "the server redirects ws:// to TLS",
    "Browsers do not follow redirects for a WebSocket, so the common http-to-https redirect ends "
    "it.",
    "use wss:// in the page",
    _RFC,
    bad="GET ws://example.com/ws -> 301 https://example.com/ws",
    good="GET wss://example.com/ws -> 101",
)
SLASH = Cause(
    "WS126",
    "redirect-slash",
    "error",
    "the server redirects to the same path with or without a slash",
    "A framework or Nginx (a location with a trailing slash) corrects the slash with a redirect, "
    "which browsers do not follow for a WebSocket.",
    "use the path that the redirect names",
    "https://nginx.org/en/docs/http/ngx_http_core_module.html#location",
    bad="GET /ws -> 301 /ws/",
    good="GET /ws/ -> 101",
)
ELSEWHERE = Cause(
    "WS127",
    "redirect-elsewhere",
    "error",
    "the server redirects the handshake to another address",
    "Browsers do not follow redirects for a WebSocket. A redirect to a login page means that the "
    "session is missing; to another host, that the name is not the canonical one.",
    "use the address that the redirect names; if that is a login page, send the session",
    _RFC,
    bad="GET /ws -> 302 /login",
    good="GET /ws -> 101",
)
LOOP = Cause(
    "WS128",
    "redirect-loop",
    "error",
    "the redirects loop",
    "Two rules contradict each other. Behind a proxy that terminates TLS, the application "
    "assumes http if X-Forwarded-Proto is missing, and redirects to https forever.",
    "set X-Forwarded-Proto in the proxy: proxy_set_header X-Forwarded-Proto $scheme;",
    "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header",
    bad="GET https://example.com/ws -> 301 https://example.com/ws",
    good="proxy_set_header X-Forwarded-Proto $scheme;",
)
CAUSES = (TO_HTTPS, SLASH, ELSEWHERE, LOOP)


def loop(evidence: Evidence) -> Finding | None:
    """Find a last redirect to an address that was already asked, or after too many of them."""
    chain = (evidence.base, *evidence.redirects)
    last = chain[-1]
    if last.status not in STATUSES:
        return None
    visited = [_address(item.question.target.url) for item in chain]
    goal = _goal(last.question.target.url, _location(evidence, len(chain) - 1))
    if goal in visited:
        message = f"{len(chain)} redirects lead to {goal} again"
    elif len(chain) > MAX_REDIRECTS:
        message = f"{len(chain)} redirects lead to ever new addresses, the last to {goal}"
    else:
        return None
    return found(evidence, LOOP, message, "", asked(*evidence.redirects))


def redirected(evidence: Evidence) -> Finding | None:
    """Report the target, and whether it differs only in the slash or the scheme."""
    if evidence.base.status not in STATUSES:
        return None
    here = _address(evidence.target.url)
    goal = _goal(evidence.target.url, _location(evidence, 0))
    cause = ELSEWHERE
    if here.rstrip("/") == goal.rstrip("/"):
        cause = SLASH
    elif here.startswith("http:") and goal.startswith("https:") and _host(here) == _host(goal):
        cause = TO_HTTPS
    address = goal.replace("http", "ws", 1)
    message = f"{evidence.base.status} to {goal}: browsers do not follow it"
    fix = cause.fix if cause is ELSEWHERE else f"use {address}"
    return found(evidence, cause, message, fix, asked(*evidence.redirects))


FAMILY = Family(CAUSES, specific=(loop, redirected))


def _location(evidence: Evidence, index: int) -> str:
    head = (evidence.base, *evidence.redirects)[index].head
    return head.get("location") if head else ""


def _goal(url: str, location: str) -> str:
    """Return the target without its query, which may hold a token."""
    try:
        return _address(urljoin(_address(url), location))
    except ValueError:
        return _address(location)


def _address(url: str) -> str:
    plain = url.replace("ws", "http", 1) if url.startswith("ws") else url
    return plain.partition("?")[0].partition("#")[0]


def _host(url: str) -> str | None:
    """Give the host of an address; None where nobody can read it: a server may say anything."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
