"""What a command leaves to be done outside, as values. Pure."""

from dataclasses import dataclass

import msgspec

from ws_server.core.codes import Disconnect, ReplyError
from ws_server.core.publication import Position


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription that somebody asks for; ``since`` is where a recovery begins.

    ``is_strict`` when it is not wanted at all unless the recovery is whole.
    """

    channel: str
    token: str = ""
    since: Position | None = None
    data: object = None
    is_strict: bool = False


class Reply(msgspec.Struct, frozen=True):
    """Send these bytes to the session itself."""

    payload: bytes


class Fail(msgspec.Struct, frozen=True):
    """Answer a command by an error."""

    command_id: int
    error: ReplyError


class Connect(msgspec.Struct, frozen=True):
    """Verify the token, welcome the session, and subscribe what it wants in the same breath."""

    command_id: int
    token: str
    wanted: tuple[Wanted, ...] = ()
    data: object = None


class Join(msgspec.Struct, frozen=True):
    """Have the broker deliver the channel, then complete the subscription.

    ``is_allowed`` is False where a subscription token or the authorise hook has to say so first.
    """

    command_id: int
    wanted: Wanted
    is_allowed: bool


class Leave(msgspec.Struct, frozen=True):
    """Say goodbye in the channel, and to the broker if nobody here listens any more."""

    command_id: int
    channel: str


class Publish(msgspec.Struct, frozen=True):
    """Hand the publication to the broker, then answer."""

    command_id: int
    channel: str
    payload: bytes


class Offer(msgspec.Struct, frozen=True):
    """Ask the application whether this may be published, then publish it; ``data`` is JSON."""

    command_id: int
    channel: str
    data: bytes


class ReadHistory(msgspec.Struct, frozen=True):
    """Ask the broker for publications."""

    command_id: int
    channel: str
    since: Position | None
    limit: int
    is_reverse: bool


class ReadPresence(msgspec.Struct, frozen=True):
    """Ask the broker who is there; ``counts_only`` for presence_stats."""

    command_id: int
    channel: str
    counts_only: bool


class Call(msgspec.Struct, frozen=True):
    """Ask the application by its HTTP hook. Without an id nobody waits for the answer."""

    command_id: int
    method: str
    data: object


class Refresh(msgspec.Struct, frozen=True):
    """Verify another token; for a ``channel``, it is a subscription token."""

    command_id: int
    token: str
    channel: str = ""


class Close(msgspec.Struct, frozen=True):
    """Close the connection; nothing that follows is carried out."""

    disconnect: Disconnect


Effect = (
    Reply | Fail | Connect | Join | Leave | Publish | Offer
    | ReadHistory | ReadPresence | Call | Refresh | Close
)  # fmt: skip
