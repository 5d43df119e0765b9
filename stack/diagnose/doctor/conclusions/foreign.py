"""Conclusions about third-party proxies on the path."""

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, found
from stack.finding import Cause, Finding

FOREIGN = Cause(
    "WS188",
    "foreign-proxy",
    "info",
    "a third-party proxy is on the path",
    "The answer has the marks of a CDN, a load balancer or a cache. It may have made the answer "
    "itself, and closes idle connections after its own limit.",
    "check the WebSocket settings of that service; compare with --hop origin=URL",
    "https://www.rfc-editor.org/rfc/rfc9110#section-7.6.3",
    bad="502, Server: cloudflare, CF-RAY: …",
    good="101, Server: cloudflare",
)
CAUSES = (FOREIGN,)
# A header of the service, its name, and how long it keeps an idle connection, if known.
_MARKS = (
    ("cf-ray", "Cloudflare", "about 100 s"),
    ("x-amz-cf-id", "Amazon CloudFront", "10 min"),
    ("x-amzn-trace-id", "an AWS load balancer", "60 s"),
    ("x-amzn-requestid", "Amazon API Gateway", "10 min"),
    ("x-azure-ref", "Azure Front Door", "4 min"),
    ("x-vercel-id", "Vercel", ""),
    ("fly-request-id", "Fly.io", "60 s"),
    ("x-served-by", "Fastly or Varnish", ""),
    ("x-cache", "a cache", ""),
    ("via", "a proxy", ""),
)


def foreign_proxy(evidence: Evidence, *, has_failed: bool) -> Finding | None:
    """Name the service, if something failed."""
    head = evidence.bases[0].head
    if not has_failed or not head:
        return None
    for header, name, limit in _MARKS:
        if value := head.get(header):
            known = f"; it closes idle connections after {limit}" if limit else ""
            message = f"the answer came through {name} ({header}: {value[:60]}){known}"
            return found(evidence, FOREIGN, message)
    return None


FAMILY = Family(CAUSES, remarks=(foreign_proxy,))
