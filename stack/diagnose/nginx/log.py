"""Reads lines of Nginx's error log and explains them. Pure.

The wordings are those of ngx_http_upstream.c, ngx_http_core_module.c and the limit modules; they
have been stable for a decade, but are not a documented interface.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# 2026/11/24 03:14:44 [error] 29#29: *7 MESSAGE, client: …, server: …, request: "…", upstream: "…"
_LINE = re.compile(
    r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(?P<level>\w+)\] \d+#\d+: (?:\*\d+ )?(?P<rest>.*)$"
)
_CONTEXT = re.compile(r", (?:client|server|request|subrequest|upstream|host|referrer): ")
_LIMIT = re.compile(r"worker_connections are not enough|\(24: ")
_UPSTREAM = re.compile(r', upstream: "(?P<url>[^"?]*)')


@dataclass(frozen=True)
class Meaning:
    """What a message means: a sentence in lower case, and what to do."""

    says: str
    fix: str


@dataclass(frozen=True)
class Entry:
    """One line: its level and message, and the upstream without a query.

    The request line and the referrer are left out: they contain tokens. ``meaning`` is None for an
    unknown message.
    """

    level: str
    message: str
    upstream: str
    meaning: Meaning | None

    @property
    def is_limit(self) -> bool:
        """Whether Nginx itself is at its limit, whatever was requested."""
        return bool(_LIMIT.search(self.message))


_MEANINGS = tuple(
    (re.compile(pattern), Meaning(says, fix))
    for pattern, says, fix in (
        (
            r"connect\(\) (?:to \S+ )?failed \(111:",
            "nothing listens at the upstream's address and port",
            "start the service, or correct its port",
        ),
        (
            r"connect\(\) (?:to \S+ )?failed \(113:",
            "the upstream's address is no longer on the network",
            "stack up",
        ),
        (
            r"upstream timed out \(110: .*while connecting",
            "the upstream's address accepts no connection: it is gone, or a firewall drops it",
            "check that the service listens on 0.0.0.0, and what the firewall drops",
        ),
        (
            r"upstream timed out \(110: .*while reading response header",
            "the service accepted the request and did not answer in time",
            "check the log of the service; proxy_read_timeout is how long Nginx waits",
        ),
        (
            r"upstream timed out \(110: .*while proxying upgraded connection",
            "the open WebSocket was silent for longer than proxy_read_timeout",
            "send pings more often, or raise the route's idle_timeout",
        ),
        (
            r"upstream prematurely closed connection",
            "the service closed the connection before it answered: it crashed or refused",
            "check the log of the service",
        ),
        (
            r"recv\(\) failed \(104:",
            "the service reset the connection: it crashed, or speaks another protocol",
            "check the log of the service",
        ),
        (
            r"upstream sent no valid HTTP/1\.0 header",
            "the service does not speak HTTP on this port, or only TLS",
            "correct the port, or write https in proxy_pass",
        ),
        (
            r"upstream sent too big header",
            "the service answers with more headers than Nginx accepts, most often cookies",
            "raise proxy_buffer_size",
        ),
        (
            r"upstream sent invalid header",
            "the service answers with a header that HTTP does not allow",
            "correct the header that the line names",
        ),
        (
            r"no live upstreams",
            "every server of the upstream failed recently, or its name no longer resolves",
            "start or repair the servers; fail_timeout is how long a failed one is skipped",
        ),
        (
            r"could not be resolved|host not found in upstream",
            "the name of the upstream is not known",
            "start the service, or correct its name",
        ),
        (
            r"no resolver defined",
            "proxy_pass has a variable, and no resolver to look up its name",
            "add a resolver, such as: resolver 127.0.0.11;",
        ),
        (
            r"SSL_do_handshake\(\) failed|SSL certificate verify error",
            "Nginx and the service could not agree on TLS",
            "write http in proxy_pass if the service speaks plain HTTP",
        ),
        (
            r"client intended to send too large body",
            "the request is larger than client_max_body_size",
            "raise client_max_body_size",
        ),
        (
            r"limiting connections by zone",
            "the client has as many connections as limit_conn allows",
            "raise limit_conn: a WebSocket holds its connection while it is open",
        ),
        (
            r"limiting requests, excess",
            "the client sends requests more often than limit_req allows",
            "raise the rate or the burst of limit_req",
        ),
        (
            r"worker_connections are not enough",
            "all connections of a worker are in use; a proxied WebSocket uses two",
            "raise worker_connections",
        ),
        (
            # The text after the number (EMFILE) differs between C libraries.
            r"\(24: ",
            "Nginx may not open more files; a proxied WebSocket uses two",
            "raise worker_rlimit_nofile",
        ),
        (
            r'unknown "connection_upgrade" variable',
            "the map that makes $connection_upgrade is missing",
            "add the map to the http block",
        ),
    )
)


def entries(lines: Iterable[str]) -> list[Entry]:
    """Return what the lines say; lines that are not of an error log are left out."""
    return [entry(found) for line in lines if (found := _LINE.match(line))]


def entry(found: re.Match[str]) -> Entry:
    """Return one line as values."""
    rest = found["rest"]
    message = _CONTEXT.split(rest, maxsplit=1)[0]
    upstream = _UPSTREAM.search(rest)
    meaning = next((known for pattern, known in _MEANINGS if pattern.search(message)), None)
    return Entry(found["level"], message, upstream["url"] if upstream else "", meaning)
