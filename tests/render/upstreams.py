"""Small real servers for Nginx to find: a DNS server, an HTTP and a WebSocket upstream."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from tests.render.front import free_port


class Names(asyncio.DatagramProtocol):
    """Answers A questions from a table that a test may change at any time (RFC 1035 §4).

    ``asked`` are the names that were asked for; several ``addresses`` are separated by spaces.
    """

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self.asked: set[str] = set()
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.port = int(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.transport.sendto(self.answer(data), addr)

    def answer(self, query: bytes) -> bytes:
        """Give the A records, or NXDOMAIN for a name that is not in the table."""
        end = query.index(b"\0", 12) + 5
        labels, rest = [], query[12 : end - 5]
        while rest:
            labels.append(rest[1 : rest[0] + 1].decode())
            rest = rest[rest[0] + 1 :]
        name = ".".join(labels)
        self.asked.add(name)
        addresses = self.addresses.get(name, "").split()
        head = query[:2] + (b"\x81\x80" if addresses else b"\x81\x83") + b"\0\1"
        head += len(addresses).to_bytes(2, "big") + b"\0\0\0\0" + query[12:end]
        record = b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4"  # valid for an hour: Nginx must ask earlier
        return head + b"".join(
            record + bytes(int(part) for part in address.split(".")) for address in addresses
        )


@asynccontextmanager
async def dns() -> AsyncIterator[Names]:
    """Run a DNS server on a free loopback port, which answers while a test does not wait."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = loop.create_datagram_endpoint(Names, ("127.0.0.1", 0))
    transport, names = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(serving, loop))
    try:
        yield names
    finally:
        loop.call_soon_threadsafe(transport.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@asynccontextmanager
async def http(
    host: str = "127.0.0.1", port: int = 0, status: str = "200 OK", headers: str = ""
) -> AsyncIterator[int]:
    """Run a server that answers with the request line and header lines it got, as JSON."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        body = json.dumps({"line": lines[0], "headers": lines[1:-2], "host": host})
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}"
        writer.write(f"{head}Connection: close\r\n\r\n{body}".encode())
        writer.close()

    server = await asyncio.start_server(answer, host, port or free_port(host), limit=1 << 20)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


@dataclass
class Echo:
    """A WebSocket server that returns each message, and the handshakes that it saw."""

    server: Server
    handshakes: list[dict[str, str]] = field(default_factory=list)

    @property
    def port(self) -> int:
        """The loopback port on which it listens."""
        return int(next(iter(self.server.sockets)).getsockname()[1])


@asynccontextmanager
async def echo(*subprotocols: Subprotocol) -> AsyncIterator[Echo]:
    """Run a WebSocket echo server that asks for one of these subprotocols, if any."""
    handshakes: list[dict[str, str]] = []

    async def answer(connection: ServerConnection) -> None:
        assert connection.request
        handshakes.append(dict(connection.request.headers.raw_items()))
        async for message in connection:
            await connection.send(message)

    async with serve(answer, "127.0.0.1", 0, subprotocols=subprotocols or None) as server:
        yield Echo(server, handshakes)
