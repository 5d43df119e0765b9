"""The peers of bench.fanout that are not the library of ours. Measures nothing.

Debian's packages are unpacked into a temporary folder and never installed.
"""

import subprocess
import sys
from pathlib import Path

from bench.fanout_load import BINARY, Dialect, frame
from bench.fanout_peers import LINES, ROOT, Command, Peer
from tests.render.front import free_port

NCHAN = """\
user root;
load_module {modules}/ngx_nchan_module.so;
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location ~ ^/channel/(.+)$ {{
            nchan_pubsub websocket;
            nchan_channel_id $1;
            nchan_message_buffer_length 1000;
        }}
    }}
}}
"""


def unpacked(folder: Path, *packages: str) -> Path:
    """Download Debian packages and unpack them beside each other; gives their root."""
    root = folder / "root"
    download = ["apt-get", "download", "-qq", *packages]
    subprocess.run(download, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)
    return root


def nats() -> Peer:
    """Debian's nats-server, over its WebSocket."""

    def command(port: int, folder: Path) -> list[str]:
        text = f"port: {free_port()}\nwebsocket {{ host: 127.0.0.1, port: {port}, no_tls: true }}\n"
        (folder / "nats.conf").write_text(text)
        server = unpacked(folder, "nats-server") / "usr/sbin/nats-server"
        return [str(server), "-c", str(folder / "nats.conf")]

    hello = b'CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n'
    dialect = Dialect(
        lambda _channel: "/",
        lambda channel: [(hello, b"PONG"), (f"SUB {channel} 1\r\nPING\r\n".encode(), b"PONG")],
        lambda channel, text: frame(f"PUB {channel} {len(text)}\r\n{text}\r\n".encode(), BINARY),
        BINARY,
        b"INFO",
    )
    return Peer("nats-server", command, dialect, {})


def nchan() -> Peer:
    """Debian's Nginx with its nchan module."""

    def command(port: int, folder: Path) -> list[str]:
        root = unpacked(folder, "nginx", "libnginx-mod-nchan")
        text = NCHAN.format(modules=root / "usr/lib/nginx/modules", port=port)
        (folder / "nginx.conf").write_text(text)
        # Its own folder is compiled in, so it gets a /var/lib that nobody else sees.
        private = "mount -t tmpfs none /var/lib && mkdir /var/lib/nginx && exec"
        nginx = f"{root}/usr/sbin/nginx -p {folder} -e stderr -c {folder}/nginx.conf"
        return ["unshare", "--mount", "sh", "-c", f"{private} {nginx}"]

    dialect = Dialect(
        lambda channel: f"/channel/{channel}",
        lambda _channel: [],  # who opens the address is subscribed
        lambda _channel, text: frame(text.encode()),
    )
    return Peer("nchan", command, dialect, {})


_SOCKET_IO = Dialect(
    lambda _channel: "/socket.io/?EIO=4&transport=websocket",
    lambda channel: [(b"40", b"40{"), (f'42["sub","{channel}"]'.encode(), b'42["ok"]')],
    lambda channel, text: frame(f'42["pub","{channel}","{text}"]'.encode()),
    greeting=b"0{",
)


def socket_io() -> Peer:
    """Socket.IO's own server under Node."""

    def command(port: int, folder: Path) -> list[str]:
        install = ["npm", "install", "--silent", "--prefix", str(folder), "socket.io@4"]
        subprocess.run(install, check=True)
        script = folder / "server.js"
        script.write_bytes((ROOT / "bench/peers/socketio.js").read_bytes())
        return ["node", str(script), str(port)]

    return Peer("Socket.IO (node)", command, _SOCKET_IO, {})


def python_socketio() -> Peer:
    """python-socketio under Uvicorn."""
    return Peer("python-socketio", _module("bench.peers.python_socketio"), _SOCKET_IO, {})


def django_channels() -> Peer:
    """Django Channels under Uvicorn."""
    return Peer("Django Channels", _module("bench.peers.django_channels"), LINES, {})


def _module(name: str) -> Command:
    return lambda port, _folder: [sys.executable, "-m", name, str(port)]
