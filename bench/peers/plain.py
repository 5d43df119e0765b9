"""A channel server of plain websockets: ``broadcast()`` to sets of connections. A peer, no more.

python -m bench.peers.plain PORT
"""

import asyncio
import sys
from collections import defaultdict
from typing import Any

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

MEMBERS: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def converse(connection: ServerConnection) -> None:
    """Understand ``sub CHANNEL`` and ``pub CHANNEL TEXT``."""
    async for message in connection:
        verb, channel, *text = str(message).split(" ", 2)
        if verb == "sub":
            MEMBERS[channel].add(connection)
            await connection.send("ok")
        elif verb == "pub":
            broadcast(MEMBERS[channel], text[0])
        else:
            await connection.send("ok")


async def main() -> None:
    """Serve for ever."""
    options: dict[str, Any] = {"compression": None, "ping_interval": None}
    async with serve(converse, "127.0.0.1", int(sys.argv[1]), **options) as server:
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
