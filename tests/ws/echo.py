"""Echoes frames with the server's own connection settings, to be tested for conformance; no more.

``python tests/ws/echo.py PORT`` listens on 127.0.0.1, with services/ws in ``PYTHONPATH``.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from ws_server.clients.intake import Connection
from ws_server.clients.wire import Binary
from ws_server.server import CONNECTION

MAX_SIZE = 2**24  # the cases for large messages send 16 MiB


async def main(port: int, settings: dict[str, Any] = CONNECTION) -> None:
    """Echo until the process ends."""
    async with serve(_echo, "127.0.0.1", port, max_size=MAX_SIZE, **settings) as server:
        await server.serve_forever()


async def _echo(connection: ServerConnection) -> None:
    assert isinstance(connection, Connection)
    with suppress(ConnectionClosed):
        while messages := await connection.receive():
            for message in messages:
                await _send(connection, message)


async def _send(connection: Connection, message: bytes) -> None:
    if isinstance(message, Binary):
        await connection.send(message)
        return
    try:
        await connection.send(message.decode())
    except UnicodeDecodeError:
        await connection.close(1007)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
