"""Checks why a secret is too weak to sign with, as the realtime service does at start. Pure.

The service shares no code with stack: tests/unit/config/test_strength.py keeps the two alike.
"""

MIN_SECRET_BYTES = 32  # RFC 7518 §3.2: an HS256 key is at least as long as the hash
MIN_DIFFERENT = 8  # characters; 32 random hexadecimal digits have fewer in one of 10^7 cases
LONGEST_PATTERN = 16
# Parts of secrets in examples that are often copied; a generator produces none of them.
WELL_KNOWN = (
    *("changeme", "changethis", "replaceme", "yoursecret", "supersecret", "mysecret", "secretkey"),
    *("nextauthsecret", "authsecret", "jwtsecret", "yoursuper", "donotuse", "password", "12345678"),
    *("abcdefgh", "qwerty"),
)


def weakness_of(secret: str) -> str:
    """Return why it is refused, as the rest of a sentence about it; "" for a good one."""
    size = len(secret.encode())
    if size < MIN_SECRET_BYTES:
        return f"has {size} bytes, but needs at least {MIN_SECRET_BYTES}"
    if len(set(secret)) < MIN_DIFFERENT:
        return f"has fewer than {MIN_DIFFERENT} different characters"
    if any(_repeats(secret, size) for size in range(1, LONGEST_PATTERN + 1)):
        return "is one short text again and again"
    plain = "".join(character for character in secret.lower() if character.isalnum())
    if any(each in plain for each in WELL_KNOWN):
        return "looks like one of an example, which others know"
    return ""


def _repeats(text: str, size: int) -> bool:
    return text == (text[:size] * (len(text) // size + 1))[: len(text)]
