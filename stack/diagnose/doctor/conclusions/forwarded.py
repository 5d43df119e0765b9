"""Conclusions about X-Forwarded-Proto: servers that do not learn that the page uses https."""

from stack.diagnose.doctor.conclusions import redirect
from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found, is_alike
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding

PROTO = Cause(
    "WS129",
    "forwarded-proto-lost",
    "error",
    "the server does not learn that the page uses https",
    "Where a proxy terminates TLS, the server behind it sees plain HTTP. If X-Forwarded-Proto "
    "does not say https, the server redirects to https forever, or refuses an https Origin as a "
    "foreign one. The same handshake with X-Forwarded-Proto: https gets another answer.",
    "proxy_set_header X-Forwarded-Proto $scheme; beside proxy_pass, where TLS is terminated",
    "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header",
    bad="listen 443 ssl; location /ws { proxy_pass http://ws; … } -> 301 to the same address",
    good="proxy_set_header X-Forwarded-Proto $scheme; -> 101",
)
CAUSES = (PROTO,)


def missing(evidence: Evidence) -> Finding | None:
    """Find a handshake that opens with the header, or is at least no longer redirected to https.

    If both the address and its page are plain, a redirect to https is correct: no header is lost.
    """
    base, other = evidence.base, evidence.of(Variation.FORWARDED_PROTO)
    if base.is_open or not base.head or not other or not other.head:
        return None
    is_redirect = base.status in redirect.STATUSES
    is_https = evidence.target.tls or evidence.options.origin.startswith("https:")
    is_sent_on = other.status in redirect.STATUSES or other.status >= 500
    if is_redirect and (not is_https or is_sent_on):
        return None
    if not is_redirect and not (400 <= base.status < 500 and other.is_open):
        return None
    message = f"answers {base.says}; with X-Forwarded-Proto: https {other.says}"
    fix = PROTO.fix if is_https else f"use wss:// in the page; behind a proxy {PROTO.fix}"
    downgraded = (
        evidence.of(Variation.HTTP_ORIGIN) if evidence.opens(Variation.HTTP_ORIGIN) else None
    )
    return found(evidence, PROTO, message, fix, asked(downgraded, other))


def imitated(evidence: Evidence) -> Finding | None:
    """Find a next hop that opens with the header and otherwise gives the front's answer."""
    item = evidence.of_next(Variation.WITHOUT_FORWARDED_PROTO)
    if evidence.base.is_open or not item or item.is_open or not is_alike(item, evidence.base):
        return None
    message = "the next hop gives the same answer to a handshake without X-Forwarded-Proto"
    return found(evidence, PROTO, message, seen=asked(evidence.next, item))


FAMILY = Family(CAUSES, specific=(imitated, missing))
