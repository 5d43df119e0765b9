"""The servers of bench.fanout, each on one core, and how they are spoken to. Measures nothing."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

import jwt
import psutil

from bench.fanout_load import Dialect, frame
from tests.render import front
from tests.render.front import free_port
from tests.ws.redis_server import real_redis

ROOT = Path(__file__).parent.parent
SERVER_CORE, LOAD_CORE = 0, 1
SECRET = "a secret of the bench, 32 bytes long or more"  # noqa: S105 - opens nothing but the bench
NAMESPACES = {
    "live": {"allow_publish_for_subscriber": True},
    "kept": {
        "allow_publish_for_subscriber": True,
        "force_recovery": True,
        "history_size": 100,
        "history_ttl": 300.0,
    },
}
NGINX = """\
worker_processes 1;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
    access_log off;
    server {
        listen 8080 backlog=4096;
        location / {
            proxy_pass http://127.0.0.1:%d;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_read_timeout 300s;
        }
    }
}
"""


Command = Callable[[int, Path], list[str]]  # port and a folder of its own → what to run


@dataclass(frozen=True)
class Peer:
    """A server: its name, the command that starts it on a port, and its dialect.

    ``readyz`` is what has to answer 200 before it is used; without one, it has to listen.
    """

    name: str
    command: Command
    dialect: Dialect
    environment: dict[str, str]
    readyz: str = ""


@dataclass(frozen=True)
class Running:
    """A server that answers, and its process."""

    port: int
    process: psutil.Process

    def busy(self) -> float:
        """Return the processor time in seconds that it and its children have used."""
        family = [self.process, *self.process.children(recursive=True)]
        times = [process.cpu_times() for process in family]
        return float(sum(each.user + each.system for each in times))


@contextlib.contextmanager
def running(peer: Peer) -> Iterator[Running]:
    """Start a server on its own core; it is killed afterwards."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ["taskset", "-c", str(SERVER_CORE), *peer.command(port, Path(folder))]
        environment = {**os.environ, **peer.environment, "WS_PORT": str(port)}
        silent = subprocess.DEVNULL
        with subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=silent, stderr=silent
        ) as process:
            try:
                _wait_for(port, process, peer.readyz)
                yield Running(port, psutil.Process(process.pid))
            finally:
                process.kill()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", readyz: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if readyz:
                urlopen(f"http://127.0.0.1:{port}{readyz}", timeout=1).close()
            else:
                socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not answer on port {port}")


def token() -> str:
    """A token for everything."""
    claims = {"sub": "bench", "exp": int(time.time()) + 86400, "channels": ["live:*", "kept:*"]}
    return jwt.encode(claims, SECRET, "HS256")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def ours() -> Peer:
    """The server of services/ws, with nothing beside it."""
    signed = _json({"id": 1, "connect": {"token": token()}})
    return Peer(
        "ws_server",
        lambda _port, _folder: [sys.executable, "-m", "ws_server"],
        Dialect(
            lambda _channel: "/ws",
            lambda channel: [
                (signed, b'"client":'),
                (_json({"id": 2, "subscribe": {"channel": f"live:{channel}"}}), b'"subscribe":'),
            ],
            lambda channel, text: frame(
                _json({"id": 3, "publish": {"channel": f"live:{channel}", "data": text}})
            ),
        ),
        {
            "PYTHONPATH": str(ROOT / "services/ws"),
            "NEXTAUTH_SECRET": SECRET,
            "WS_HOST": "127.0.0.1",
            "WS_NAMESPACES": json.dumps(NAMESPACES),
            "WS_PING_INTERVAL": "300",  # the load does not answer pings
            "WS_MAX_COMMANDS_PER_SECOND": "0",
            "WS_MAX_CONNECTS_PER_SECOND": "0",
        },
        "/readyz",
    )


@contextlib.contextmanager
def with_redis() -> Iterator[Peer]:
    """Give the server of services/ws as a replica among others: all goes through a Redis."""
    peer = ours()
    with contextlib.ExitStack() as stack:
        with contextlib.redirect_stdout(sys.stderr):  # where the image comes from is no figure
            redis = stack.enter_context(real_redis())
        redis.container.update(cpuset_cpus=str(LOAD_CORE))
        environment = {**peer.environment, "REDIS_URL": redis.url}
        yield replace(peer, name=f"{peer.name}, Redis", environment=environment)


LINES = Dialect(
    lambda _channel: "/",
    lambda channel: [(b"hello world", b"ok"), (f"sub {channel}".encode(), b"ok")],
    lambda channel, text: frame(f"pub {channel} {text}".encode()),
)


def plain() -> Peer:
    """The library that ours is built on, by its own broadcast()."""
    command = lambda port, _folder: [sys.executable, "-m", "bench.peers.plain", str(port)]  # noqa: E731
    return Peer("websockets broadcast()", command, LINES, {})


@contextlib.contextmanager
def through_nginx(port: int) -> Iterator[int]:
    """Put an Nginx of one worker before a port, on the core of the load; gives its own port."""
    with (
        tempfile.TemporaryDirectory() as folder,
        front.running(NGINX % port, Path(folder)) as nginx,
    ):
        yield nginx.port
