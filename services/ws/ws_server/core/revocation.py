"""Which tokens are revoked, and until when that has to be known; pure: the clock is an argument."""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from ws_server.core.claims import Claims, ExpiredTokenError

REMEMBERED = 400 * 86_400.0  # seconds; no browser keeps a cookie longer (RFC 6265bis §5.6.2)


class RevokedTokenError(ExpiredTokenError):
    """The token was good until somebody revoked it; another one of the same user may be good."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Revokes one token, or all that a user got ``before`` a time; forgotten after ``until``."""

    user: str
    token_id: str
    before: float
    until: float


@dataclass(slots=True)
class Revocations:
    """By user, everything issued before a time; by ``jti``, one token. All times are Unix time."""

    wall: Callable[[], float]
    _users: dict[str, tuple[float, float]] = field(default_factory=dict)
    _tokens: dict[str, float] = field(default_factory=dict)
    _ends: list[tuple[float, str, str]] = field(default_factory=list)

    def revoke_user(self, user: str, before: float, until: float) -> None:
        """Refuse the user's tokens that were issued before that time."""
        known_before, known_until = self._users.get(user, (before, -math.inf))
        self._users[user] = (max(before, known_before), max(until, known_until))
        if until > known_until:
            heapq.heappush(self._ends, (until, user, ""))
        self._forget()

    def revoke_token(self, token_id: str, until: float) -> bool:
        """Refuse the token with that ``jti``; return whether that is news."""
        is_new = until > self._tokens.get(token_id, -math.inf)
        if is_new:
            self._tokens[token_id] = until
            heapq.heappush(self._ends, (until, "", token_id))
        self._forget()
        return is_new

    def is_revoked(self, claims: Claims) -> bool:
        """Whether the token is refused. One that does not say when it was issued is an old one."""
        now = self.wall()
        before, until = self._users.get(claims.user, (0.0, 0.0))
        if now < until and claims.issued_at < before:
            return True
        return bool(claims.token_id) and now < self._tokens.get(claims.token_id, 0.0)

    def refuse(self, claims: Claims) -> None:
        """Raise RevokedTokenError for a token that is revoked."""
        if self.is_revoked(claims):
            raise RevokedTokenError("it was revoked")

    def current(self) -> list[Revocation]:
        """Return all that have not ended."""
        users = [Revocation(user, "", *times) for user, times in self._users.items()]
        return users + [Revocation("", one, 0.0, until) for one, until in self._tokens.items()]

    def __len__(self) -> int:
        return len(self._users) + len(self._tokens)

    def _forget(self) -> None:
        """Forget what is over."""
        now = self.wall()
        while self._ends and self._ends[0][0] <= now:
            _, over, over_id = heapq.heappop(self._ends)
            if over_id and self._tokens.get(over_id, now + 1) <= now:
                del self._tokens[over_id]
            elif not over_id and self._users.get(over, (0.0, now + 1))[1] <= now:
                del self._users[over]
