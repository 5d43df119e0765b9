"""Error and disconnect codes of the Centrifugo client protocol; a table, no behaviour.

The numbers and short texts are those of https://centrifugal.dev/docs/server/codes, so that
every SDK of that protocol already knows them.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ReplyError:
    """Why one command failed; the connection lives on. A temporary one is worth retrying."""

    code: int
    message: str
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Why the server closes the socket: a close code of RFC 6455 §7.4.2 and a reason.

    From 3500 on, the client must not come back by itself.
    """

    code: int
    reason: str

    def because(self, detail: str) -> "Disconnect":
        """Return the same code with a detail; cut to the 123 bytes that a close frame holds."""
        return self.named(f"{self.reason}: {detail}")

    def named(self, reason: str) -> "Disconnect":
        """Return the same code with another reason, cut likewise."""
        cut = reason.encode(errors="replace")[:123].decode(errors="ignore")
        return replace(self, reason=cut)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Why the server ends a subscription; from 2500 on, the client subscribes anew by itself."""

    code: int
    reason: str


INTERNAL = ReplyError(100, "internal server error", temporary=True)
UNAUTHORIZED = ReplyError(101, "unauthorized")
UNKNOWN_CHANNEL = ReplyError(102, "unknown channel")
PERMISSION_DENIED = ReplyError(103, "permission denied")
METHOD_NOT_FOUND = ReplyError(104, "method not found")
ALREADY_SUBSCRIBED = ReplyError(105, "already subscribed")
LIMIT_EXCEEDED = ReplyError(106, "limit exceeded")
BAD_REQUEST = ReplyError(107, "bad request")
NOT_AVAILABLE = ReplyError(108, "not available")
TOKEN_EXPIRED = ReplyError(109, "token expired")
EXPIRED = ReplyError(110, "expired")
TOO_MANY_REQUESTS = ReplyError(111, "too many requests", temporary=True)
UNRECOVERABLE_POSITION = ReplyError(112, "unrecoverable position")

SERVER_UNSUBSCRIBE = Unsubscribe(2000, "server unsubscribe")
INSUFFICIENT_STATE = Unsubscribe(2500, "insufficient state")
SUBSCRIPTION_EXPIRED = Unsubscribe(2501, "subscription expired")

INVALID_TEXT = Disconnect(1007, "invalid UTF-8")
SHUTDOWN = Disconnect(3001, "shutdown")
SERVER_ERROR = Disconnect(3004, "internal server error")
CONNECTION_EXPIRED = Disconnect(3005, "connection expired")
SLOW = Disconnect(3008, "slow")
INSUFFICIENT_STATE_ALL = Disconnect(3010, "insufficient state")
NO_PONG = Disconnect(3012, "no pong")
FLOODING = Disconnect(3013, "too many requests")
STATE_INVALIDATED = Disconnect(3014, "state invalidated")
INVALID_TOKEN = Disconnect(3500, "invalid token")
BAD_FRAME = Disconnect(3501, "bad request")
STALE = Disconnect(3502, "stale")
FORCED = Disconnect(3503, "force disconnect")
CONNECTION_LIMIT = Disconnect(3504, "connection limit")
