"""Decrypts the session cookies of Auth.js and NextAuth, which are JWEs; checks no claims.

Both encrypt with a key that HKDF-SHA256 (RFC 5869) derives from the secret. NextAuth 4: 32 bytes
for A256GCM, no salt. Auth.js 5: 64 bytes for A256CBC-HS512, and the cookie's name is the salt.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from ws_server.auth.shape import header_of
from ws_server.core.claims import InvalidTokenError

V4_COOKIES = ("__Secure-next-auth.session-token", "next-auth.session-token")
V5_COOKIES = ("__Secure-authjs.session-token", "authjs.session-token")
V4_ENCRYPTION, V5_ENCRYPTION = "A256GCM", "A256CBC-HS512"
_COOKIES = {V4_ENCRYPTION: V4_COOKIES, V5_ENCRYPTION: V5_COOKIES}


def session_payload(token: str, secrets: Sequence[bytes], cookie: str = "") -> Mapping[str, Any]:
    """Return the payload of a session; ``cookie`` is the name of its cookie, "" for none.

    Raises InvalidTokenError.
    """
    from joserfc import jwe
    from joserfc.errors import JoseError

    encryption = _encryption(header_of(token))
    for key in _keys(encryption, secrets, cookie):
        try:
            opened = jwe.decrypt_compact(token, key, algorithms=["dir", encryption])
            payload = json.loads(opened.plaintext or b"")
        except (JoseError, ValueError, RecursionError):
            continue  # a wrong key and an altered token look the same
        if isinstance(payload, dict):
            return payload
    raise InvalidTokenError("its encryption does not match the secret")


def _encryption(header: Mapping[str, Any]) -> str:
    method, encryption = header.get("alg"), header.get("enc")
    is_known = method == "dir" and isinstance(encryption, str) and encryption in _COOKIES
    # With zip, a small token could expand to a large one; Auth.js writes neither zip nor crit.
    if not is_known or "zip" in header or "crit" in header:
        raise InvalidTokenError("it is not encrypted as Auth.js does (dir, A256GCM, A256CBC-HS512)")
    return str(encryption)


def _keys(encryption: str, secrets: Sequence[bytes], cookie: str) -> Iterator[Any]:
    cookies = _COOKIES[encryption]
    if cookie in (V4_COOKIES + V5_COOKIES) and cookie not in cookies:
        raise InvalidTokenError("it is in the cookie of another version of Auth.js")
    for secret in secrets:
        if encryption == V4_ENCRYPTION:
            yield _key(secret, b"", b"NextAuth.js Generated Encryption Key", 32)
            continue
        for name in [cookie] if cookie else cookies:
            yield _key(
                secret, name.encode(), f"Auth.js Generated Encryption Key ({name})".encode(), 64
            )


@cache
def _key(secret: bytes, salt: bytes, info: bytes, length: int) -> Any:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from joserfc.jwk import OctKey

    return OctKey.import_key(HKDF(SHA256(), length, salt, info).derive(secret))
