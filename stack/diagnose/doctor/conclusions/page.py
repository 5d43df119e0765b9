"""Remarks about the page that opens the WebSocket: mixed content and its security policy."""

import ipaddress
from urllib.parse import urlsplit

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, found
from stack.finding import Cause, Finding
from stack.probe.exchange import Target, is_local

MIXED = Cause(
    "WS146",
    "mixed-content",
    "error",
    "an https page opens a ws:// address",
    "Browsers block it before anything is sent, so it reaches no server. This machine itself "
    "(127.0.0.1, [::1], localhost) is exempt: only older versions of Safari block it, and Chrome "
    "asks the user first if the page is public.",
    "use wss:// in the page (location.protocol shows which)",
    "https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy",
    bad="https://example.com opens ws://example.com/ws",
    good="https://example.com opens wss://example.com/ws",
)
CSP = Cause(
    "WS147",
    "csp-connect-src",
    "error",
    "the page's Content-Security-Policy forbids the address",
    "connect-src (or default-src) lists where a page may connect to, including WebSockets. The "
    "browser blocks everything else before anything is sent.",
    "add the WebSocket's origin to connect-src",
    "https://www.w3.org/TR/CSP3/#directive-connect-src",
    bad="connect-src 'self' https://api.example.com",
    good="connect-src 'self' wss://ws.example.com",
)
CAUSES = (MIXED, CSP)


def mixed_content(evidence: Evidence, *, has_failed: bool) -> Finding | None:  # noqa: ARG001
    """Find a plain socket of an https page: the browser sends nothing, whatever the network."""
    page, target = evidence.options.page, evidence.options.target
    if not page or not page.tls or target.tls:
        return None
    message, severity = f"the page {page.origin} is https, the socket is ws://", MIXED.severity
    if is_trustworthy(target.host):
        message += " on this machine itself, which older versions of Safari block"
        severity = "info"
    return found(evidence, MIXED, message, f"use wss://{target.authority}", severity=severity)


def policy(evidence: Evidence, *, has_failed: bool) -> Finding | None:  # noqa: ARG001 - a remark
    """Find a policy that does not allow the address; every policy has to."""
    page = evidence.page
    if not page or not page.head or not evidence.options.page:
        return None
    target = evidence.options.target
    for value in page.head.get("content-security-policy").split(","):
        sources = sources_of(value)
        if sources is not None and not allows(sources, evidence.options.page, target):
            message = f"the page allows connections to {' '.join(sources) or 'nothing'} only"
            scheme = "wss" if target.tls else "ws"
            fix = f"add {scheme}://{target.authority} to connect-src"
            return found(evidence, CSP, message, fix)
    return None


FAMILY = Family(CAUSES, remarks=(mixed_content, policy))


def is_trustworthy(host: str) -> bool:
    """Whether browsers treat a plain connection to it as secure (Secure Contexts §3.1)."""
    try:
        return ipaddress.ip_address(host.rstrip(".")).is_loopback
    except ValueError:
        return is_local(host)


def sources_of(value: str) -> list[str] | None:
    """Return the sources of connect-src, else of default-src; None if neither is set."""
    rows = [part.split() for part in value.split(";") if part.strip()]
    directives = {
        row[0].lower(): row[1:] for row in reversed(rows)
    }  # the first of several equal names applies
    return directives.get("connect-src", directives.get("default-src"))


def allows(sources: list[str], page: Target, target: Target) -> bool:
    """Whether a source list lets a page open this WebSocket (CSP3 §6.7.2.8)."""
    return any(_matches(source, page, target) for source in sources)


def _matches(source: str, page: Target, target: Target) -> bool:
    scheme = "wss" if target.tls else "ws"
    if source == "*":
        return True
    if source.lower() == "'self'":
        is_port = page.port == target.port or (_is_usual(page) and _is_usual(target))
        return page.host == target.host and is_port and (target.tls or not page.tls)
    if source.endswith(":") and "/" not in source:
        return source[:-1].lower() in _covering(scheme)
    if source.startswith("'"):
        return False
    return _host_matches(source, page, target, scheme)


def _host_matches(source: str, page: Target, target: Target, scheme: str) -> bool:
    given, mark, rest = source.partition("://")
    own = given if mark else ("https" if page.tls else "http")
    try:
        parts = urlsplit(f"//{rest if mark else source}".replace(":*", ":0"))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if own.lower() not in _covering(scheme):
        return False
    wildcard = host.startswith("*.") and target.host.endswith(host[1:])
    if host != target.host and not wildcard and host != "*":
        return False
    is_port = port == target.port or (port is None and _is_usual(target))
    return (port == 0 or is_port) and _is_below(parts.path, target.path.partition("?")[0])


def _is_usual(target: Target) -> bool:
    return target.port == (443 if target.tls else 80)


def _is_below(given: str, path: str) -> bool:
    """Whether the path of a source covers this one; what is below it only by a slash at its end."""
    return not given or given == path or (given.endswith("/") and path.startswith(given))


def _covering(scheme: str) -> set[str]:
    """Return which schemes a source covers: its own and the secure variants."""
    return {"ws": {"ws", "http"}, "wss": {"wss", "https", "ws", "http"}}[scheme]
