"""What a conversation needs of a connection, whatever carries it; no code.

``intake.Connection`` is one, and ``fallback.stream`` the other.
"""

from typing import Any, Protocol

from websockets.http11 import Request
from websockets.protocol import State


class Binary(bytes):
    """A message that is no text."""


class Writable(Protocol):
    """Takes bytes without waiting."""

    def write(self, data: bytes, /) -> None:
        """Send whole frames, as ``core.frame`` builds them."""

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the peer has not taken yet."""

    def abort(self) -> None:
        """Drop the connection without a goodbye."""


class Sink(Protocol):
    """The half of a connection that is written to: bytes out, close."""

    @property
    def state(self) -> State:
        """Whether data can still be sent."""

    @property
    def transport(self) -> Writable:
        """Where its bytes go."""

    async def drain(self) -> None:
        """Wait while the peer reads more slowly than is written."""

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye after all that was written, and wait for the end for a limited time."""


class Wire(Sink, Protocol):
    """A connection: frames in, bytes out, close."""

    @property
    def request(self) -> Request | None:
        """The request that opened it."""

    @property
    def remote_address(self) -> Any:
        """The address of the peer, as its socket says."""

    @property
    def close_code(self) -> int | None:
        """Why it was closed, once it was."""

    async def receive(self) -> list[bytes]:
        """Return the messages that came, once there are any; none when the connection is closed."""
