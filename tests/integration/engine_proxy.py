"""Other fronts to the real engine: a socket elsewhere, and TLS with client certificates."""

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

ENGINE = "/var/run/docker.sock"
EC = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
SIGNED = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
HERE = "subjectAltName=IP:127.0.0.1,DNS:localhost"


def make_certificates(folder: Path) -> None:
    """Write ca.pem, cert.pem and key.pem of a client, server.pem, and another.pem (authority)."""
    for line in (
        f"openssl req -x509 {EC} -subj /CN=root -keyout ca.key -out ca.pem",
        f"openssl req -x509 {EC} -subj /CN=another -keyout another.key -out another.pem",
        f"openssl req {EC} -subj /CN=localhost -addext {HERE} -keyout server.key -out server.csr",
        f"openssl req {EC} -subj /CN=client -keyout key.pem -out client.csr",
        f"openssl x509 -req -in server.csr {SIGNED} -copy_extensions copy -out server.crt",
        f"openssl x509 -req -in client.csr {SIGNED} -out cert.pem",
    ):
        subprocess.run(line.split(), cwd=folder, check=True, capture_output=True)
    parts = [(folder / name).read_text() for name in ("server.key", "server.crt")]
    (folder / "server.pem").write_text("".join(parts))


@contextlib.contextmanager
def tls_front(certificates: Path) -> Iterator[int]:
    """Open the engine on a port of this machine, to clients with a certificate of ca.pem."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener, _front(listener, context):
        yield listener.getsockname()[1]


@contextlib.contextmanager
def socket_front(path: Path) -> Iterator[None]:
    """Open the engine on a socket elsewhere."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with _front(listener, None):
            yield


@contextlib.contextmanager
def _front(listener: socket.socket, context: ssl.SSLContext | None) -> Iterator[None]:
    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                outside, _ = listener.accept()
                threading.Thread(target=_join, args=(outside, context), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _join(outside: socket.socket, context: ssl.SSLContext | None) -> None:
    """Pass bytes both ways until both sides have said that they are done."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as inside:
        if context:
            outside = context.wrap_socket(outside, server_side=True)
        inside.connect(ENGINE)
        back = threading.Thread(target=_copy, args=(inside, outside), daemon=True)
        back.start()
        _copy(outside, inside)
        back.join()
    outside.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
