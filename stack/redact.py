"""Takes secrets out of text. Pure; knows the shapes of secrets and the values it is given."""

import re
from collections.abc import Iterable

MASK = "[redacted]"
_NAMES = r"[\w-]*(?:password|passwd|secret|token|api_?key)"
_SHAPES = (
    re.compile(r"(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)"),
    # A JSON Web Token or JWE: three or five base64url parts, the first of which is {"…
    re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){2,4}"),
    # "basic authentication" is prose; credentials hold a capital letter or a digit.
    re.compile(r"(\b(?i:bearer|basic)[ .])(?=[\w.~+/-]*[A-Z0-9])[\w.~+/=-]{8,}"),
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)"),
    re.compile(r"(?i)([?&](?:token|access_token|secret|password|key)=)[^\s&\"']+"),
    # NAME=value and "name": "value", but no path of a file: *_PASSWORD_FILE=/run/secrets/…
    re.compile(rf"(?i)(\b{_NAMES}\\?[\"']?\s*[=:]\s*\\?\")(?!/)[^\"\\\n]+"),
    re.compile(rf"(?i)(\b{_NAMES}[\"']?\s*[=:]\s*')(?!/)[^'\n]+"),
    re.compile(rf"(?i)(\b{_NAMES}=)(?![/\"'\[])[^\s\"',&]+"),
    re.compile(rf"(?i)(\b{_NAMES}\s*:\s*)(?![/\"'\[])[^\s\"',]{{6,}}"),
)


def looks_secret(value: str) -> bool:
    """Tell whether a value of unknown meaning may be a secret: no word and no number is one."""
    return len(value) >= 8 and not value.isalpha() and not value.isdigit()


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every given value, and all that looks like a token or a password, by a mask."""
    for value in sorted((secret.strip() for secret in secrets), key=len, reverse=True):
        if value:
            text = text.replace(value, MASK)
    for shape in _SHAPES:
        text = shape.sub(lambda found: (found[1] if found.re.groups else "") + MASK, text)
    return text
