"""Conclusions about credentials. Tokens are decoded, never verified, and never repeated."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any

from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import TOKEN_NAMES, Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.finding import Cause, Finding

_JWT = "https://www.rfc-editor.org/rfc/rfc7519"

MISSING = Cause(
    "WS161",
    "token-missing",
    "error",
    "the server requires credentials, and none were sent",
    "The WebSocket of a browser cannot send an Authorization header: a token travels in a "
    "cookie, in the query, or in the first message.",
    "send it here with --token TOKEN, --cookie NAME=VALUE or ?token=…; in the page by cookie or "
    "query",
    "https://www.rfc-editor.org/rfc/rfc6455#section-10.5",
    bad="GET /ws -> 401 Unauthorized",
    good="GET /ws, Cookie: session=… -> 101",
)
EXPIRED = Cause(
    "WS162",
    "token-expired",
    "error",
    "the token has expired",
    "Its `exp` is in the past; the server has to refuse it.",
    "get a new one (stack token), and make the page renew it before it reconnects",
    f"{_JWT}#section-4.1.4",
    bad='{"exp": an hour ago}',
    good='{"exp": in an hour}',
)
NOT_YET = Cause(
    "WS163",
    "token-not-yet-valid",
    "error",
    "the token is not valid yet",
    "Its `nbf` or `iat` is in the future: the clock of the issuer is ahead.",
    "synchronize the clocks (NTP), or allow some leeway in the server",
    f"{_JWT}#section-4.1.5",
    bad='{"nbf": in an hour}',
    good='{"nbf": a minute ago}',
)
AUDIENCE = Cause(
    "WS164",
    "token-audience",
    "error",
    "the token is meant for another audience",
    "The server compares `aud` with its own name and reports that they differ.",
    "issue the token for this server, or set the server's audience",
    f"{_JWT}#section-4.1.3",
    bad='{"aud": "api"} -> 401 invalid audience',
    good='{"aud": "ws"} -> 101',
)
ISSUER = Cause(
    "WS165",
    "token-issuer",
    "error",
    "the token comes from an issuer that the server does not trust",
    "The server compares `iss` with the issuers that it knows and reports that it is not one of "
    "them.",
    "get the token from the issuer that the server expects, or add this issuer to the server",
    f"{_JWT}#section-4.1.1",
    bad='{"iss": "https://staging…"} -> 401 invalid issuer',
    good='{"iss": "https://login…"} -> 101',
)
SIGNATURE = Cause(
    "WS166",
    "token-signature",
    "error",
    "the token is signed with another key",
    "Server and issuer do not share the key: another secret, another environment, a rotated key, "
    "or another algorithm.",
    "compare the secret (or the JWKS URL) of both sides",
    "https://www.rfc-editor.org/rfc/rfc7515#section-5.2",
    bad="401 signature verification failed",
    good="101",
)
ENCRYPTED = Cause(
    "WS167",
    "token-encrypted",
    "error",
    "the token is encrypted, but the server expects a signed one",
    "NextAuth and Auth.js encrypt their session (a JWE of five parts, alg `dir`). JWT libraries "
    "cannot verify it with the secret, because its key is derived from the secret with HKDF.",
    "decrypt it as Auth.js does, or issue a signed token for the WebSocket (jwt.encode)",
    "https://www.rfc-editor.org/rfc/rfc7516#section-3.1",
    bad="eyJhbGciOiJkaXIi… (five parts) -> 401",
    good="eyJhbGciOiJIUzI1NiI… (three parts) -> 101",
)
BASIC = Cause(
    "WS168",
    "basic-auth",
    "error",
    "the path is protected by a password (HTTP Basic)",
    "A browser does not ask for a password on a WebSocket. It sends one only if the page was "
    "opened from the same origin with it.",
    "switch it off on this path: auth_basic off; or open the page with the password first",
    "https://nginx.org/en/docs/http/ngx_http_auth_basic_module.html",
    bad="401, WWW-Authenticate: Basic",
    good="location /ws { auth_basic off; … }",
)
FORBIDDEN = Cause(
    "WS169",
    "forbidden",
    "error",
    "the server refuses the credentials or the client",
    "The answer is 401 or 403 and does not depend on the Origin. The server gives no other reason.",
    "check the server's log, roles, the cookie's name and domain, and IP rules",
    "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.4",
    bad="GET /ws -> 403 Forbidden",
    good="GET /ws -> 101 Switching Protocols",
)
REJECTED = Cause(
    "WS170",
    "token-refused",
    "error",
    "the server refuses the token without a reason",
    "The token has not expired as far as it can be read; the key, audience, issuer or rights "
    "differ.",
    "compare secret, audience and issuer of both sides; check the server's log",
    _JWT,
    bad="GET /ws?token=… -> 401",
    good="GET /ws?token=… -> 101",
)
CAUSES = (
    *(MISSING, EXPIRED, NOT_YET, AUDIENCE, ISSUER, SIGNATURE, ENCRYPTED, BASIC, FORBIDDEN),
    REJECTED,
)


def token_of(evidence: Evidence) -> str:
    """Return the token that was sent: by the option, in the query, or in a header."""
    if evidence.options.token:
        return evidence.options.token
    for part in evidence.options.target.path.partition("?")[2].split("&"):
        name, _, value = part.partition("=")
        if name in TOKEN_NAMES and value:
            return value
    for name, value in evidence.options.headers:
        if name.lower() == "authorization" and value.lower().startswith("bearer "):
            return value[7:].strip()
        if name.lower() == "cookie":
            for pair in value.split(";"):
                if pair.partition("=")[2].startswith("eyJ"):
                    return pair.partition("=")[2].strip()
    return ""


def claims_of(token: str) -> dict[str, Any]:
    """Return the payload of a signed JWT without verifying it; empty if it is not one."""
    return _json(token.split(".")[1]) if token.count(".") == 2 else {}


def seconds_left(token: str, now: float) -> float | None:
    """Return how many seconds a token is still valid; None if it does not say."""
    expires = claims_of(token).get("exp")
    return float(expires) - now if isinstance(expires, int | float) else None


def basic(evidence: Evidence) -> Finding | None:
    """Find a server that asks for a password."""
    head = evidence.base.head
    if not head or head.status != 401:
        return None
    if not head.get("www-authenticate").lower().startswith("basic"):
        return None
    return found(evidence, BASIC, f"requires a password: {head.get('www-authenticate')[:80]}")


def refused_token(evidence: Evidence) -> Finding | None:
    """Find why a token was refused: from the token itself first, then from the answer."""
    token = token_of(evidence)
    if evidence.base.status not in {400, 401, 403, 500} or not token:
        return None
    by_itself = _by_itself(token, evidence.now)
    cause, message = by_itself or _by_words(evidence) or (REJECTED, "refuses the token")
    if evidence.base.status in {400, 500} and not by_itself and cause is REJECTED:
        return None
    return found(evidence, cause, message, seen=asked(evidence.of(Variation.NO_TOKEN)))


def missing(evidence: Evidence) -> Finding | None:
    """Find a request that was refused because it had no credentials."""
    names = {name.lower() for name, _ in evidence.options.headers}
    if evidence.base.status != 401 or names & {"authorization", "cookie"}:
        return None
    return found(evidence, MISSING, "answers 401; no token or cookie was sent")


def forbidden(evidence: Evidence) -> Finding | None:
    """Find a refusal without a reason."""
    if evidence.base.status not in {401, 403}:
        return None
    seen = asked(evidence.of(Variation.NO_ORIGIN), evidence.of(Variation.PLAIN))
    return found(evidence, FORBIDDEN, f"answers {evidence.base.says}", seen=seen)


FAMILY = Family(CAUSES, specific=(basic, refused_token, missing, forbidden))


def _by_itself(token: str, now: float) -> tuple[Cause, str] | None:
    header = _json(token.partition(".")[0])
    if token.count(".") == 4 and ("enc" in header or header.get("alg") == "dir"):
        return ENCRYPTED, f"the token is a JWE (alg {header.get('alg')}, enc {header.get('enc')})"
    left = seconds_left(token, now)
    if left is not None and left <= 0:
        return EXPIRED, f"the token expired {_span(abs(left))} ago, at {_moment(now + left)}"
    claims = claims_of(token)
    begins = [claims[name] for name in ("nbf", "iat") if isinstance(claims.get(name), int | float)]
    if begins and max(begins) > now + 5:
        return NOT_YET, f"the token becomes valid in {_span(max(begins) - now)}"
    return None


def _by_words(evidence: Evidence) -> tuple[Cause, str] | None:
    """Libraries name the claim in the body or in WWW-Authenticate (RFC 6750 §3)."""
    head = evidence.base.head
    challenge = head.get("www-authenticate") if head else ""
    text = f"{challenge} {evidence.base.text[:1000]}".lower()
    claims = claims_of(token_of(evidence))
    if "audience" in text or '"aud"' in text:
        return AUDIENCE, f"the server refuses the audience {claims.get('aud', '(none)')!r}"
    if "issuer" in text or '"iss"' in text:
        return ISSUER, f"the server refuses the issuer {claims.get('iss', '(none)')!r}"
    if "signature" in text or "algorithm" in text:
        return SIGNATURE, "the server says that the signature is invalid"
    if "expired" in text:
        return EXPIRED, "the server says that the token has expired"
    return None


def _json(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return "a time that is out of range"
