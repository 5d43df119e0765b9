"""Distinguishes the kinds of tokens by their shape, not by their content."""

import base64
import binascii
import json
import re
from typing import Any, Literal

from ws_server.core.claims import InvalidTokenError

Shape = Literal["signed", "encrypted", "opaque"]

MAX_SIGNED_LENGTH = 8192
MAX_SESSION_LENGTH = 24576  # characters; a session in cookies, all chunks together
_OPAQUE = re.compile(r"[A-Za-z0-9_~+/=-]{16,256}")


def shape_of(token: str) -> Shape:
    """Return the kind: a JWS has 3 parts (RFC 7515 §7.1), a JWE 5 (RFC 7516 §7.1), a random id 1.

    Raises InvalidTokenError for anything else, and for tokens that are too long for their kind.
    """
    dots = token.count(".")
    limit = MAX_SESSION_LENGTH if dots == 4 else MAX_SIGNED_LENGTH
    if len(token) > limit:
        raise InvalidTokenError(f"it is longer than {limit} characters")
    if dots == 4:
        return "encrypted"
    if dots == 2:
        return "signed"
    if _OPAQUE.fullmatch(token):
        return "opaque"
    raise InvalidTokenError("it is not a JSON Web Token")


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a JWS or JWE, unverified."""
    encoded = token.partition(".")[0]
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True)
        header = json.loads(decoded)
    except (ValueError, binascii.Error, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise InvalidTokenError("it is not a JSON Web Token")
    return header
