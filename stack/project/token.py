"""Creates JSON Web Tokens for development (RFC 7519), signed with the stack's own secret. Pure."""

from collections.abc import Iterable

import jwt

ALGORITHM = "HS256"


def mint(secret: str, subject: str, channels: Iterable[str], issued: int, ttl: float) -> str:
    """Return a token for ``subject`` that opens ``channels``; times in seconds since 1970."""
    claims = {
        "sub": subject,
        "channels": list(channels),
        "iat": issued,
        "exp": issued + max(1, round(ttl)),
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM)
