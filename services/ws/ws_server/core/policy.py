"""What a client gets without asking when it signs in; pure, and nothing of it is on by default."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from ws_server.core.claims import Claims
from ws_server.core.effects import Wanted
from ws_server.core.namespaces import PERSONAL, SEPARATOR, is_channel, is_personal

NOBODY = Claims("", float("inf"))
"""The claims of a client without a token, where ``allow_anonymous`` lets it in."""
_SAFE = "!$'()*+;=@~ "  # what has no meaning in a channel's name


@dataclass(frozen=True, slots=True)
class Policy:
    """``personal_namespace`` is that of the channel of each user; None for no such channel."""

    allow_anonymous: bool = False
    personal_namespace: str | None = None

    def given(self, claims: Claims) -> Iterator[Wanted]:
        """Return the subscriptions that the server makes, as the token and this policy say."""
        for channel, data in claims.subs:
            yield Wanted(channel, data=data)
        if self.personal_namespace is not None and claims.user:
            prefix = f"{self.personal_namespace}{SEPARATOR}" if self.personal_namespace else ""
            channel = f"{prefix}{PERSONAL}{quote(claims.user, safe=_SAFE)}"
            # Not that of an id that would name others, or be cut.
            if is_channel(channel) and is_personal(channel, claims.user):
                yield Wanted(channel)
