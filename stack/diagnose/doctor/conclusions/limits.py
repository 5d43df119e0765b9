"""Conclusions about connection limits: from their refusals alone, and from measurements."""

from dataclasses import replace

from stack.diagnose.doctor.conclusions.after import meaning
from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.conclusions.server import AUTH_REQUEST, LIMITED, UNAVAILABLE
from stack.diagnose.doctor.evidence import Evidence, Seen, asked, found
from stack.diagnose.doctor.measured import Load
from stack.diagnose.doctor.variation import Variation
from stack.diagnose.nginx.limits import Written
from stack.finding import Cause, Finding
from stack.probe.exchange import Exchange

_CORE = "https://nginx.org/en/docs/ngx_core_module.html"

PROXY_ERROR = Cause(
    "WS179",
    "nginx-internal-error",
    "error",
    "Nginx itself answers 500 to the request",
    "The page is Nginx's own, so nothing was proxied: the subrequest of auth_request failed, "
    "rewrite or try_files loop, or no connection or file is left to reach the upstream.",
    "check Nginx's error log at this time; --nginx FILE rules out some of these",
    "https://nginx.org/en/docs/http/ngx_http_rewrite_module.html",
    bad="rewrite ^ /ws last; in location /ws -> 500 Internal Server Error",
    good="GET /ws -> 101 Switching Protocols",
)
APPLICATION_LIMIT = Cause(
    "WS180",
    "connections-limited",
    "error",
    "the server accepts no more WebSockets at once",
    "When it refused one more, the earlier ones were still open: the application limits their "
    "number, per client or in total.",
    "raise the application's limit, run more of its processes, or use one WebSocket per page",
    "https://www.rfc-editor.org/rfc/rfc6455#section-10.3",
    bad="GET /ws four times -> 101, 101, 101, 503",
    good="GET /ws four times -> 101, 101, 101, 101",
)
NGINX_LIMIT = Cause(
    "WS186",
    "nginx-limit-reached",
    "error",
    "an Nginx limit for connections or requests is reached (limit_conn, limit_req)",
    "limit_conn counts a WebSocket while it is open, limit_req counts each handshake. All "
    "clients with one address count as one: those behind one router, or behind a proxy without "
    "real_ip.",
    "raise the limit in the WebSocket's location; make it count the real client (real_ip)",
    "https://nginx.org/en/docs/http/ngx_http_limit_conn_module.html#limit_conn",
    bad="limit_conn addr 3; and four tabs -> 101, 101, 101, 503",
    good="limit_conn addr 100;",
)
WORKER_LIMIT = Cause(
    "WS187",
    "connections-exhausted",
    "error",
    "no connection or open file is left (worker_connections, worker_rlimit_nofile)",
    "A proxied WebSocket uses two connections and two files of a worker while it is open. If "
    "none is left for the upstream, Nginx answers 500. If none is left for the client, Nginx "
    "closes the connection, or accepts no connection until a file is free.",
    "raise worker_connections, and worker_rlimit_nofile to at least as much",
    f"{_CORE}#worker_connections",
    bad="events { worker_connections 64; }",
    good="worker_rlimit_nofile 8192; events { worker_connections 4096; }",
)
CAUSES = (PROXY_ERROR, APPLICATION_LIMIT, NGINX_LIMIT, WORKER_LIMIT)

_PAGE = "a page of Nginx's own"
_HINT = "; --nginx FILE may tell"
_LOOPS = ("rewrite", "try_files", "error_page")
_UNANSWERED = {"closed", "too-long", "silent", "timeout", "refused", "unreachable", "tls"}
_ABRUPT = {"closed", "tls"}


def failed_in_nginx(evidence: Evidence) -> Finding | None:
    """Find Nginx's own 500: before it asked the upstream (it then asks for the body), or after."""
    base, withheld = evidence.base, evidence.of(Variation.WITHHELD)
    if base.status != 500 or not base.is_page_of_nginx:
        return None
    cause, why = _failed(withheld, evidence.options.written)
    return found(evidence, cause, f"answers 500 by {_PAGE}, {why}", seen=asked(withheld))


def limited_by_nginx(evidence: Evidence) -> Finding | None:
    """Find Nginx's own 503: it answers so for two limits, and where ``return`` says so."""
    if evidence.base.status != 503 or not evidence.base.is_page_of_nginx:
        return None
    cause, why = _limited(evidence.options.written)
    return found(evidence, cause, f"answers 503 by {_PAGE}: {why}")


def sometimes(evidence: Evidence) -> Finding | None:
    """Find some identical handshakes that open and others that Nginx itself refuses."""
    again = evidence.again
    same = [evidence.base, *again]
    bad = [item for item in same if not item.is_open]
    own = [item for item in bad if item.is_page_of_nginx]
    written = evidence.options.written
    if not again or not own or len(bad) == len(same):
        return None
    if len(own) < len(bad):
        is_short = all(item.status == 500 for item in own)
        if not is_short or any(item.failure not in _ABRUPT for item in bad if item not in own):
            return None
        cause, why = WORKER_LIMIT, "and the connections of others are closed: worker_connections"
    elif all(item.status == 503 for item in bad):
        said = written.quote("limit_conn", "limit_req") if written else ""
        cause, why = NGINX_LIMIT, f"because of {said or 'limit_conn or limit_req'}"
    elif all(item.status == 500 for item in bad):
        cause, why = _failed(None, written)
    else:
        return None
    message = f"{len(own)} of {len(same)} handshakes at once get {own[0].status} by {_PAGE} {why}"
    return found(evidence, cause, message, seen=asked(*again))


def crowded(evidence: Evidence, *, has_failed: bool) -> Finding | None:
    """Find fewer open connections than requested; the refusal shows what limits them."""
    load = evidence.load
    if has_failed or not load or not load.refusal:
        return None
    evidence = replace(evidence, suspect=0)
    cause, why = _refused(load, load.refusal, "nginx" in _server(evidence.base))
    message = f"{load.opened} of {load.wanted} opened at once; {why}"
    return found(evidence, cause, message, seen=_seen(load))


FAMILY = Family(CAUSES, specific=(failed_in_nginx, limited_by_nginx), remarks=(crowded,))


def _failed(withheld: Exchange | None, written: Written | None) -> tuple[Cause, str]:
    """Distinguish the causes of Nginx's own 500 by when it came, and by the configuration."""
    if withheld and withheld.status == 100:
        return (
            WORKER_LIMIT,
            "when it asks the upstream: no worker_connections or open files are left",
        )
    is_early = withheld is not None and withheld.status == 500
    if written and written.has("auth_request"):
        return AUTH_REQUEST, f"most likely because of {written.quote('auth_request')}"
    if written and written.lacks("auth_request"):
        if not is_early and written.lacks(*_LOOPS):
            limits = written.quote("worker_connections", "worker_rlimit_nofile")
            return WORKER_LIMIT, f"and it has no auth_request or rewrite: {limits or 'defaults'}"
        loops = written.quote(*_LOOPS) or "a proxy_pass that does not form a valid URL"
        return PROXY_ERROR, f"before it asks the upstream, without auth_request: {loops}"
    if is_early:
        return AUTH_REQUEST, f"before it asks the upstream: auth_request, or a rewrite loop{_HINT}"
    causes = "auth_request, a rewrite loop, worker_connections or open files"
    return PROXY_ERROR, f"because of one of: {causes}{_HINT}"


def _limited(written: Written | None) -> tuple[Cause, str]:
    """Distinguish the causes of Nginx's own 503 by the configuration."""
    limits = written.quote("limit_conn", "limit_req") if written else ""
    returns = written.quote("return") if written else ""
    if limits and not returns:
        return NGINX_LIMIT, limits
    if limits or not written or not returns:
        hint = "" if written else _HINT
        return UNAVAILABLE, f"limit_conn, limit_req or a return that says so{hint}"
    return UNAVAILABLE, returns


def _refused(load: Load, refusal: Exchange, is_nginx: bool) -> tuple[Cause, str]:
    """Name the limit by the form of the refusal, and by what lifted it."""
    is_rate = load.later is not None and load.later.is_usable
    is_count = load.freed is not None and load.freed.is_usable
    gives_way = " until one is closed" if is_count else " for a moment" if is_rate else ""
    if refusal.failure in _UNANSWERED:
        return WORKER_LIMIT, _unanswered(refusal, is_nginx, gives_way)
    said = f"one more gets {_look(refusal)}{gives_way}"
    if refusal.is_page_of_nginx and refusal.status == 500:
        return WORKER_LIMIT, f"{said}: worker_connections or open files of Nginx are used up"
    if refusal.status == 429 and not is_count:
        return LIMITED, said
    if refusal.is_page_of_nginx and refusal.status in {429, 503}:
        kind = "limit_req" if is_rate else "limit_conn" if is_count else "limit_conn or limit_req"
        return NGINX_LIMIT, f"{said}: {kind}"
    return APPLICATION_LIMIT, said


def _unanswered(refusal: Exchange, is_nginx: bool, gives_way: str) -> str:
    look = "is disconnected" if refusal.failure in _ABRUPT else f"gets no answer ({refusal.detail})"
    limit = "worker_connections or open files of Nginx" if is_nginx else "open files, or a backlog"
    return f"one more {look}{gives_way}: {limit}"


def _look(refusal: Exchange) -> str:
    if refusal.ending:
        code = refusal.ending.code
        return f"101 and then {code} ({meaning(code)})"
    by_nginx = f" by {_PAGE}" if refusal.is_page_of_nginx else ""
    return f"{refusal.says}{by_nginx}"


def _seen(load: Load) -> tuple[Seen, ...]:
    labels = ("one more", "a moment later", "after closing one")
    rows = zip(labels, (load.refusal, load.later, load.freed), strict=True)
    return tuple((label, item.says) for label, item in rows if item)


def _server(base: Exchange) -> str:
    return base.head.get("server").lower() if base.head else ""
