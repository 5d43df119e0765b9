"""Conclusions about the Origin header and the Host that servers compare it with."""

from collections.abc import Iterable
from dataclasses import replace

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding

REFUSED = Cause(
    "WS151",
    "origin-refused",
    "error",
    "the server refuses the Origin of the page",
    "Browsers send the page's origin, and the server accepts only some (or only its own Host): "
    "the same handshake opens with another Origin or without one.",
    "add the page's origin to the server's allowed origins; behind a proxy pass Host unchanged",
    "https://www.rfc-editor.org/rfc/rfc6455#section-10.2",
    bad="Origin: http://localhost:3000 -> 403; without Origin -> 101",
    good="Origin: http://localhost:3000 -> 101",
)
PORT = Cause(
    "WS152",
    "host-without-port",
    "error",
    "the server refuses its own Origin, and accepts it with another port",
    "The server compares Origin with Host, and received a Host without the port of the address "
    "or with an internal port: $host has no port, and $server_port is not the port that the "
    "container publishes. A list of allowed origins without ports has the same effect.",
    "proxy_set_header Host $http_host; (not $host), or add the origin with its port to the list",
    "https://nginx.org/en/docs/http/ngx_http_core_module.html#var_host",
    bad="proxy_set_header Host $host;",
    good="proxy_set_header Host $http_host;",
)
CAUSES = (REFUSED, PORT)
_ORIGINS = (
    Variation.NO_ORIGIN,
    Variation.OWN_ORIGIN,
    Variation.FOREIGN_ORIGIN,
    Variation.HTTP_ORIGIN,
)
_PORTLESS = (Variation.PORTLESS_ORIGIN, Variation.USUAL_PORT_ORIGIN)
_HOST = "proxy_set_header Host $http_host;"


def without_port(evidence: Evidence) -> Finding | None:
    """Find a server that accepts its own origin only with another port."""
    opening = next(filter(evidence.opens, _PORTLESS), None)
    is_checked = not evidence.opens(Variation.FOREIGN_ORIGIN) and not evidence.opens(
        Variation.OWN_ORIGIN
    )
    if not opening or not is_checked or evidence.next:
        return None
    message = f"refuses the origin of its own address, and accepts {_origin(evidence, opening)}"
    seen = asked(*map(evidence.of, (Variation.OWN_ORIGIN, opening, Variation.FOREIGN_ORIGIN)))
    return found(evidence, PORT, message, seen=seen)


def refused(evidence: Evidence) -> Finding | None:
    """Find a server that accepts another origin, or none."""
    opening = [item for item in _ORIGINS if evidence.opens(item)]
    if evidence.base.is_open or evidence.next or not opening:
        return None
    with_ = " and ".join(item.value for item in opening)
    message = f"refuses Origin {evidence.options.origin}; opens with {with_}"
    fix = f"add {evidence.options.origin} to the server's allowed origins"
    if Variation.HTTP_ORIGIN in opening and Variation.FOREIGN_ORIGIN not in opening:
        message += ": the list has only http, or X-Forwarded-Proto does not say https"
        fix += ", or make each proxy pass X-Forwarded-Proto on"
    elif is_undecided(evidence):
        message += ", not with its own: the list lacks it, or Host is changed on the way"
        fix += f", or pass Host on unchanged ({_HOST})"
    return found(evidence, REFUSED, message, fix, asked(*map(evidence.of, _ORIGINS)))


def named(evidence: Evidence) -> Finding | None:
    """Find a refusal that names the origin, although no other origin is accepted."""
    if evidence.base.status not in {400, 403} or evidence.next:
        return None
    text = evidence.base.text.lower()
    if "origin" not in text:
        return None
    message = f"refuses Origin {evidence.options.origin}, as its answer says"
    fix = f"add {evidence.options.origin} to the server's allowed origins"
    return found(evidence, REFUSED, message, fix, asked(evidence.of(Variation.NO_ORIGIN)))


def is_undecided(evidence: Evidence) -> bool:
    """Find a handshake that opens only without an Origin: an incomplete list or a changed Host."""
    own = evidence.of(Variation.OWN_ORIGIN)
    return evidence.opens(Variation.NO_ORIGIN) and bool(own and own.head and not own.is_open)


def decided(
    evidence: Evidence, findings: Iterable[Finding], is_altered: bool
) -> tuple[Finding, ...]:
    """Return which it is, if the configuration in between shows whether Host is altered."""
    if not is_undecided(evidence):
        return tuple(findings)
    refusal = f"refuses Origin {evidence.options.origin}, opens without one"
    if is_altered:
        message, fix = f"{refusal}: the configuration alters Host", _HOST
    else:
        message = f"{refusal}: the list lacks it, because the configuration passes Host on"
        fix = f"add {evidence.options.origin} to the server's allowed origins"
    return tuple(
        replace(item, message=message, fix=fix) if item.cause is REFUSED else item
        for item in findings
    )


FAMILY = Family(CAUSES, specific=(without_port, refused, named))


def _origin(evidence: Evidence, variation: Variation) -> str:
    exchange = evidence.of(variation)
    return dict(exchange.question.headers)["Origin"] if exchange else ""
