"""Passes connections that the master accepted to a worker's event loop; knows no WebSockets."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from ws_server.workers.slots import Slot

_AT_ONCE = 64  # file descriptors per read


def hand_over(channel: socket.socket, connection: socket.socket) -> bool:
    """Pass a connection to the worker at the channel; return False if it accepts none now."""
    try:
        socket.send_fds(channel, [b"+"], [connection.fileno()])
    except OSError:  # the channel is full because the worker is stuck, or it is gone
        return False
    return True


def install(
    loop: asyncio.AbstractEventLoop, channel: socket.socket, slot: Slot, on_end: Callable[[], None]
) -> None:
    """Make servers that are created on this loop get their connections from the channel.

    A server with its own socket (``sock=``) is not affected.
    """
    listen = loop.create_server

    async def create_server(factory: Callable[[], Any], *where: Any, **options: Any) -> Any:
        if options.get("sock") is not None:
            return await listen(factory, *where, **options)
        return Handed(factory, channel, slot, on_end)

    loop.create_server = create_server  # type: ignore[assignment]  # for this loop alone


class Handed(asyncio.AbstractServer):
    """Replaces a listening server: its connections come over the channel.

    ``on_end`` is called when the master closes the channel, as it does when it exits.
    """

    sockets: tuple[socket.socket, ...] = ()

    def __init__(
        self,
        factory: Callable[[], Any],
        channel: socket.socket,
        slot: Slot,
        on_end: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._factory = factory
        self._channel = channel
        self._slot = slot
        self._on_end = on_end
        self._joining: set[asyncio.Task[None]] = set()
        self._is_serving = True
        channel.setblocking(False)
        self._loop.add_reader(channel, self._take)

    def close(self) -> None:
        """Take no more; connections that are still in the channel are closed."""
        if self._is_serving:
            self._is_serving = False
            self._loop.remove_reader(self._channel)
            self._channel.close()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop of the connections."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether it still takes connections."""
        return self._is_serving

    async def start_serving(self) -> None:
        """Do nothing: it takes connections from the beginning."""

    async def serve_forever(self) -> NoReturn:
        """Wait until cancelled."""
        await asyncio.Event().wait()
        raise AssertionError

    async def wait_closed(self) -> None:
        """Return when every connection that was taken has its protocol."""
        await asyncio.gather(*self._joining, return_exceptions=True)

    def _take(self) -> None:
        with suppress(BlockingIOError):
            while self._is_serving:
                marks, descriptors, _, _ = socket.recv_fds(self._channel, _AT_ONCE, _AT_ONCE)
                if not marks:
                    self.close()
                    self._on_end()
                # This process is out of descriptors, so the kernel closed the connection.
                for _lost in marks[len(descriptors) :]:
                    self._slot.left()
                for descriptor in descriptors:
                    joining = asyncio.ensure_future(self._join(socket.socket(fileno=descriptor)))
                    self._joining.add(joining)
                    joining.add_done_callback(self._joining.discard)

    async def _join(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._counted, connection)
        except OSError:  # the client is already gone
            connection.close()
            self._slot.left()

    def _counted(self) -> Any:
        protocol = self._factory()
        lost = protocol.connection_lost

        def connection_lost(error: Exception | None) -> None:
            self._slot.left()
            lost(error)

        protocol.connection_lost = connection_lost
        return protocol
