"""A client without a WebSocket: one long HTTP response to it, and posted frames from it; no HTTP.

Both forms are those of https://centrifugal.dev/docs/transports/http_stream and …/sse: a message a
line, or a message an event. A conversation sees in it a connection like any other (``Wire``).
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from websockets.http11 import Request
from websockets.protocol import State

from ws_server.core import protocol
from ws_server.core.frame import frame, payloads
from ws_server.service.emulation import Taken

Encode = Callable[[bytes], bytes]

MAX_WAITING, MAX_WAITING_BYTES = 256, 256 * 1024  # of posted frames, before they are read
LINGER = 2.0  # seconds that a client has to take what was written before the end
LOW = 16 * 1024  # bytes in the socket, below which more may be written
GLANCE = 0.02  # seconds between two looks at the socket, which tells nobody that it was read


def line(payload: bytes) -> bytes:
    """Return messages as lines: they are JSON, so that none has a newline within."""
    return payload + b"\n"


def event(payload: bytes) -> bytes:
    """Return messages as one server-sent event (HTML Living Standard §9.2.5)."""
    return b"data: " + payload.replace(b"\n", b"\ndata: ") + b"\n\n"


def _bytes(text: str) -> bytes:
    # Half of a surrogate pair is found where any other frame is decoded.
    return text.encode(errors="surrogatepass")


class Stream:
    """A ``Wire`` over a response that does not end.

    Its body ``is_chunked`` (RFC 9112 §7.1), or ends with the connection. ``first`` is the frame
    that came with the request, ``wire`` the socket of the response.
    """

    def __init__(
        self,
        request: Request,
        peer: Any,
        first: str,
        wire: asyncio.Transport,
        encode: Encode,
        *,
        is_chunked: bool = True,
    ) -> None:
        self.session = uuid4().hex
        self.request = request
        self.remote_address = peer
        self.state = State.OPEN
        self.close_code: int | None = None
        self._wire = wire
        self._encode = encode
        self._is_chunked = is_chunked
        self._frames = [_bytes(first)]
        self._size = 0
        self._moved = asyncio.Event()

    @property
    def transport(self) -> "Stream":
        """Itself."""
        return self

    def take(self, posted: str) -> Taken:
        """Have the conversation read a frame that the client posted."""
        if self.state is not State.OPEN:
            return "gone"
        frame = _bytes(posted)
        if len(self._frames) >= MAX_WAITING or self._size + len(frame) > MAX_WAITING_BYTES:
            return "full"
        self._frames.append(frame)
        self._size += len(frame)
        self._moved.set()
        return "taken"

    async def receive(self) -> list[bytes]:
        """Return the frames that the client sent; none when the stream has ended."""
        while self.state is State.OPEN:
            if frames := self._frames:
                self._frames, self._size = [], 0
                return frames
            self._moved.clear()
            await self._moved.wait()
        return []

    def write(self, framed: bytes, /) -> None:
        """Send what is in frames of a WebSocket, as one chunk."""
        body = b"".join(map(self._encode, payloads(framed)))
        if body:
            self._wire.write(b"%x\r\n%b\r\n" % (len(body), body) if self._is_chunked else body)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the peer has not taken yet."""
        return self._wire.get_write_buffer_size()

    async def drain(self) -> None:
        """Wait until most of it was taken."""
        while self._wire.get_write_buffer_size() > LOW and not self._wire.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(GLANCE)

    async def close(self, code: int, reason: str) -> None:
        """Tell the client why, since a response has no close frame, and end."""
        if self.state is not State.OPEN:
            return
        why = {"code": code, "reason": reason}
        self.write(frame(protocol.connection_push("disconnect", why)))
        self._end(code, State.CLOSING)
        try:
            async with asyncio.timeout(LINGER):
                await self.drain()
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut the response off."""
        self._end(None, State.CLOSED)
        self._wire.abort()

    def lost(self) -> None:
        """Note that the client is gone."""
        self._end(None, State.CLOSED)

    def _end(self, code: int | None, state: State) -> None:
        self.close_code = self.close_code or code
        self.state = state
        self._moved.set()
