"""What the channels of a namespace offer and allow; pure, and nothing of it is on by itself.

The names of the options are Centrifugo's (https://centrifugal.dev/docs/server/channels), so that a
configuration can move there with its clients.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

MAX_CHANNEL_LENGTH = 255
SEPARATOR = ":"
PERSONAL = "#"
"""``#alice``, and any channel that ends so, is for the user alice if the namespace allows that, and
not for all by an option."""

Slow = Literal["disconnect", "drop_oldest", "latest"]


@dataclass(frozen=True, slots=True)
class Namespace:
    """The options of one namespace; sizes are numbers of publications or bytes, times seconds.

    ``client`` is everybody who signed in with a user, ``anonymous`` who has none.
    A channel has a history when ``history_size`` and ``history_ttl`` are both positive. ``slow`` is
    what becomes of a subscriber whose queue is full.
    """

    allow_subscribe_for_client: bool = False
    allow_user_limited_channels: bool = False
    allow_publish_for_subscriber: bool = False
    allow_presence_for_subscriber: bool = False
    allow_history_for_subscriber: bool = False
    allow_publish_for_client: bool = False
    allow_presence_for_client: bool = False
    allow_history_for_client: bool = False
    allow_subscribe_for_anonymous: bool = False
    allow_publish_for_anonymous: bool = False
    allow_presence_for_anonymous: bool = False
    allow_history_for_anonymous: bool = False
    presence: bool = False
    join_leave: bool = False
    history_size: int = 0
    history_ttl: float = 0.0
    history_meta_ttl: float = 30 * 86_400.0
    force_recovery: bool = False
    proxy_subscribe: bool = False
    proxy_publish: bool = False
    proxy_sub_refresh: bool = False
    slow: Slow = "disconnect"
    max_publication_bytes: int = 0

    @property
    def has_history(self) -> bool:
        """Whether publications are kept, with an offset each."""
        return self.history_size > 0 and self.history_ttl > 0


@dataclass(frozen=True, slots=True)
class Namespaces:
    """All of them, by the part of a channel's name before the colon; "" for channels without."""

    by_name: Mapping[str, Namespace] = field(default_factory=dict)

    def of(self, channel: str) -> Namespace:
        """Return the options of a channel. A namespace that is not configured is like ""."""
        prefix, separator, _ = channel.partition(SEPARATOR)
        found = self.by_name.get(prefix) if separator else None
        return found or self.by_name.get("") or _NOTHING


def is_channel(name: str) -> bool:
    """Whether this can be a channel: 1 to 255 printable characters without ``*``.

    With ``*`` a token claims many channels at once, so none can have it in its name.
    """
    return 0 < len(name) <= MAX_CHANNEL_LENGTH and "*" not in name and name.isprintable()


def is_personal(channel: str, user: str) -> bool:
    """Whether the channel is reserved for this user by its name.

    Names are percent-encoded as in the outbox, so each is that of one user. With a second ``#`` the
    channel is nobody's: that one came with a value, such as a user's id.
    """
    _, _, owners = channel.partition(PERSONAL)
    if PERSONAL in owners or not user or PERSONAL in user or "," in user:
        return False
    return user in map(unquote, owners.split(","))


_NOTHING = Namespace()
