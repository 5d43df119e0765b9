"""A service to stand behind the front: shows what reached it, echoes WebSocket messages.

Only the standard library, so that it runs on a bare Python image. It listens on port 8000, after
ECHO_DELAY seconds.
"""

import base64
import hashlib
import json
import os
import signal
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
PING, CLOSE, PONG = 9, 8, 10


class Echo(BaseHTTPRequestHandler):
    """Answers with the request as it arrived; on a WebSocket, that is the first message."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        arrived = {"path": self.path, "headers": self.headers.items(), "server": os.uname()[1]}
        seen = json.dumps(arrived).encode()
        is_missing = self.path.endswith("/missing")
        if self.headers.get("Upgrade", "").lower() == "websocket" and not is_missing:
            self._accept()
            self._send(1, seen)
            self._echo()
        else:
            self.send_response(404 if is_missing else 200)
            self.send_header("Content-Length", str(len(seen)))
            self.end_headers()
            self.wfile.write(seen)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Say nothing: whether a token reaches a log is a question to the front only."""

    def _accept(self) -> None:
        key = self.headers["Sec-WebSocket-Key"].encode()
        answer = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()  # noqa: S324 - RFC 6455 §4.2.2
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", answer)
        if offered := self.headers.get("Sec-WebSocket-Protocol"):
            self.send_header("Sec-WebSocket-Protocol", offered.split(",")[0].strip())
        self.end_headers()

    def _echo(self) -> None:
        self.close_connection = True
        while head := self.rfile.read(2):
            opcode, length = head[0] & 15, head[1] & 127
            if length > 125:
                length = int.from_bytes(self.rfile.read(2 if length == 126 else 8))
            mask, data = self.rfile.read(4), self.rfile.read(length)
            plain = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
            self._send(PONG if opcode == PING else opcode, plain)
            if opcode == CLOSE:
                return

    def _send(self, opcode: int, data: bytes) -> None:
        short = len(data) < 126
        length = bytes([len(data)]) if short else b"\x7f" + len(data).to_bytes(8)
        self.wfile.write(bytes([0x80 | opcode]) + length + data)


class Server(ThreadingHTTPServer):
    """Takes hundreds of connections at once, and does not wait for them in the end."""

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: that a peer is gone is what many tests want."""


def main() -> None:
    """Serve until SIGTERM, which the first process of a container ignores by default."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print("starting", flush=True)  # noqa: T201 - what tests look for in its log
    time.sleep(float(os.environ.get("ECHO_DELAY", "0")))
    server = Server(("", 8000), Echo)
    print("listening on 8000", flush=True)  # noqa: T201 - as above
    server.serve_forever()


if __name__ == "__main__":
    main()
