"""Chooses the verifier of a token, by its shape and never by its ``alg``."""

import asyncio
import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ws_server.auth import shape
from ws_server.auth.authjs import session_payload
from ws_server.auth.database_sessions import DatabaseSessions
from ws_server.auth.jwks import Jwks
from ws_server.auth.signature import secret_key, signed_payload
from ws_server.core.claims import (
    Claims,
    Expected,
    ExpiredTokenError,
    InvalidTokenError,
    VerifierDownError,
    claims_of,
    claims_of_session,
)


@dataclass(slots=True)
class Verifiers:
    """All verifiers of tokens. ``secrets`` are the current one and the previous ones.

    ``refuse`` raises for valid claims that are revoked.
    """

    secrets: tuple[bytes, ...]
    expected: Expected
    wall: Callable[[], float]
    refuse: Callable[[Claims], None] = lambda _claims: None
    jwks: Jwks | None = None
    sessions: DatabaseSessions | None = None
    _has_libraries: bool = field(default=False, init=False)
    _keys: Sequence[Any] = field(default=(), init=False, repr=False)

    async def verify(self, token: str, cookie: str = "") -> Claims:
        """Return the claims of a token; ``cookie`` is the name of its cookie, "" for none.

        Raises ExpiredTokenError, InvalidTokenError or VerifierDownError.
        """
        kind = shape.shape_of(token)
        if kind == "opaque":
            claims = await self._looked_up(token)
        else:
            await self._load_libraries()
            claims = (
                self._decrypted(token, cookie) if kind == "encrypted" else await self._signed(token)
            )
        # Last, and without an await after it: a later revocation finds the session.
        self.refuse(claims)
        return claims

    async def verify_cookies(self, sessions: Iterable[tuple[str, str]]) -> Claims | None:
        """Return the claims of the first valid session cookie, None without a cookie.

        Raises like ``verify``, with the error of the session that is closest to valid.
        """
        refusals: list[InvalidTokenError | VerifierDownError] = []
        for name, token in sessions:
            try:
                return replace(await self.verify(token, name), from_cookie=True)
            except (InvalidTokenError, VerifierDownError) as error:
                refusals.append(error)
        if not refusals:
            return None
        kinds = (VerifierDownError, ExpiredTokenError, InvalidTokenError)
        raise next(each for kind in kinds for each in refusals if isinstance(each, kind))

    async def _signed(self, token: str) -> Claims:
        header = shape.header_of(token)
        key_id = header.get("kid")
        if self.jwks is None or key_id is None:
            payload = signed_payload(token, header, self._keys, ("HS256",))
        elif isinstance(key_id, str):
            found = await self.jwks.find(key_id)
            payload = signed_payload(token, header, (found.key,), found.algorithms)
        else:
            raise InvalidTokenError("its kid is not a text")
        return claims_of(payload, self.wall(), self.expected)

    def _decrypted(self, token: str, cookie: str) -> Claims:
        return claims_of_session(session_payload(token, self.secrets, cookie), self.wall())

    async def _looked_up(self, token: str) -> Claims:
        if self.sessions is None:
            raise InvalidTokenError("it is not a JSON Web Token")
        return await self.sessions.find(token)

    async def _load_libraries(self) -> None:
        """Import them in a thread: that takes up to half a second."""
        if not self._has_libraries:
            for name in ("jwt", "joserfc.jwe", "cryptography.hazmat.primitives.kdf.hkdf"):
                await asyncio.to_thread(importlib.import_module, name)
            self._keys = [secret_key(secret) for secret in self.secrets]
            self._has_libraries = True
