"""A channel server of python-socketio: rooms. A peer of bench.fanout, no more.

python -m bench.peers.python_socketio PORT
"""

import sys

import socketio
import uvicorn

SERVER = socketio.AsyncServer(async_mode="asgi", ping_interval=300)


@SERVER.on("sub")  # type: ignore[untyped-decorator]  # it has no types
async def sub(sid: str, channel: str) -> None:
    """Join a room."""
    await SERVER.enter_room(sid, channel)
    await SERVER.emit("ok", to=sid)


@SERVER.on("pub")  # type: ignore[untyped-decorator]
async def pub(_sid: str, channel: str, text: str) -> None:
    """Send to a room."""
    await SERVER.emit("m", text, room=channel)


if __name__ == "__main__":
    uvicorn.run(socketio.ASGIApp(SERVER), port=int(sys.argv[1]), log_level="error", loop="uvloop")
