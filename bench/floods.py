"""Measures the worst round trip of one client while another floods the realtime service.

    PYTHONPATH=services/ws python -m bench.floods [FLOOD ...]

Each flood is one process on loopback for three seconds; it comes back as soon as it is closed. The
server has its default limits and one core, the load the other. Figures are printed, never asserted.
"""

import argparse
import json
import multiprocessing
import os
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from bench.fanout_load import PATIENCE, frame, handshake, opened
from bench.fanout_peers import LOAD_CORE, Peer, ours, running

SECONDS = 3.0
BREATH = 0.004  # seconds between two questions: fewer than the command rate
CHUNK = 256 * 1024  # bytes; about what asyncio reads at once
PING, PONG = 9, 10
LIMIT = 0.1  # seconds that no round trip should reach
OWN = "X-Real-IP: 192.0.2.1\r\n"  # the flood's address, as Nginx would say it


def _commands(*each: object) -> bytes:
    return b"".join(frame(json.dumps(one).encode()) for one in each)


def _much(one: bytes) -> bytes:
    return one * max(1, CHUNK // len(one))


def _lines(line: bytes) -> bytes:
    return frame(b"\n".join([line] * min(10_000, 65_000 // (len(line) + 1))))


ROOM = {"channel": "live:flood"}
READ = [{"id": 5, "presence": ROOM}, {"id": 6, "history": ROOM}]
RPC = {"id": 7, "rpc": {"method": "nothing", "data": {}}}
TURNS = [{"id": 8, "subscribe": ROOM}, {"id": 9, "unsubscribe": ROOM}]
PUBLISH = {"id": 3, "publish": {"channel": "live:mine", "data": "x" * 50}}
FRAGMENT = bytes((0x00, 0x81)) + bytes(4) + b"x"


@dataclass(frozen=True)
class Flood:
    """What is sent again and again, after the sign-in or without; nothing: only connections."""

    payload: bytes
    is_signed_in: bool = True
    is_slow: bool = False


FLOODS: dict[str, Flood] = {
    "unknown methods, no sign-in": Flood(_much(_commands({"id": 1, "none": {}})), False),
    "unknown methods": Flood(_much(_commands({"id": 1, "none": {}}))),
    "many commands in a frame": Flood(_lines(b'{"id":1,"none":{}}')),
    "pings, no sign-in": Flood(_much(frame(b"", PING)), False),
    "pings": Flood(_much(frame(b"", PING))),
    "pongs": Flood(_much(frame(b"", PONG))),
    "empty frames": Flood(_much(frame(b""))),
    "fragments of a byte": Flood(bytes((0x01, 0x81)) + bytes(4) + b"x" + _much(FRAGMENT)),
    "deep JSON": Flood(frame(b'{"id":1,"rpc":{"data":' + b"[" * 65_000)),
    "subscribe, unsubscribe": Flood(_much(_commands(*TURNS))),
    "publish": Flood(_much(_commands(PUBLISH))),
    "rpc, presence, history": Flood(_much(_commands(RPC, *READ))),
    "connections": Flood(b"", False),
    "slow handshakes": Flood(b"", False, is_slow=True),
}


def _flood(peer: Peer, port: int, flood: Flood, until: float) -> None:
    """Send until the time is over, and come back whenever the server closes."""
    os.sched_setaffinity(0, {LOAD_CORE})
    request = handshake("/ws", port).replace(b"Upgrade: w", OWN.encode() + b"Upgrade: w", 1)
    hello = frame(peer.dialect.hello("mine")[0][0]) + frame(peer.dialect.hello("mine")[1][0])
    held: list[socket.socket] = []
    while time.monotonic() < until:
        with suppress(OSError):
            client = socket.create_connection(("127.0.0.1", port), 1)
            if flood.is_slow and len(held) < 500:
                client.sendall(request[:-2])  # never ends
                held.append(client)
            else:
                with client:
                    client.sendall(request + (hello if flood.is_signed_in else b""))
                    client.recv(65536)
                    _pour(client, flood.payload, until)


def _pour(client: socket.socket, payload: bytes, until: float) -> None:
    client.setblocking(False)
    left = payload
    while left and time.monotonic() < until:
        readable, writable, _ = select.select([client], [client], [], 0.1)
        if readable and not client.recv(65536):
            return
        if writable:
            left = left[client.send(left) :] or payload


def _worst(client: socket.socket, seconds: float) -> tuple[float, int]:
    """The longest round trip in so many seconds, and how many there were."""
    worst, count, until = 0.0, 0, time.monotonic() + seconds
    question = _commands({"id": 4, "unsubscribe": {"channel": "live:nothing"}})
    while time.monotonic() < until:
        began = time.perf_counter()
        client.sendall(question)
        while b'"id":4' not in client.recv(65536):
            pass
        worst, count = max(worst, time.perf_counter() - began), count + 1
        time.sleep(BREATH)
    return worst, count


def measure(name: str, flood: Flood | None) -> tuple[str, float, int]:
    """Start a server, flood it, and ask it meanwhile."""
    peer = ours()
    limits = ("WS_MAX_COMMANDS_PER_SECOND", "WS_MAX_CONNECTS_PER_SECOND")
    kept = {key: value for key, value in peer.environment.items() if key not in limits}
    kept["WS_MAX_CONNECTS_PER_SECOND"] = "100"  # off by default: clients may share an address
    with (
        running(replace(peer, environment=kept)) as server,
        opened(server.port, peer.dialect, "victim") as client,
    ):
        client.settimeout(PATIENCE)
        _worst(client, 0.3)
        worker = None
        if flood is not None:
            arguments = (peer, server.port, flood, time.monotonic() + SECONDS)
            run: Callable[..., None] = _flood
            worker = multiprocessing.get_context("fork").Process(target=run, args=arguments)
            worker.start()
        worst, count = _worst(client, SECONDS)
        if worker is not None:
            worker.join(PATIENCE)
    return name, worst, count


def main() -> None:
    """Print one line a flood, the quiet server first."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("flood", nargs="*", metavar="FLOOD", help=", ".join(FLOODS))
    wanted = parser.parse_args().flood or list(FLOODS)
    os.sched_setaffinity(0, {LOAD_CORE})
    print(f"{'flood':30} {'worst ms':>9} {'asked':>6}", flush=True)
    for name in ["(quiet)", *wanted]:
        _, worst, count = measure(name, FLOODS.get(name))
        print(f"{name:30} {worst * 1000:9.1f} {count:6} {'' if worst < LIMIT else 'missed'}")


if __name__ == "__main__":
    main()
