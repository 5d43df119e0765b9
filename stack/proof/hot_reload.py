"""Opens the hot-reload socket of a dev server as its page does, through the front."""

import queue
import threading
from dataclasses import replace

from stack.probe.ask import ask, new_key
from stack.probe.exchange import Exchange, Question, Target
from stack.probe.handshake import upgrade_headers
from stack.proof import causes, devserver
from stack.proof.devserver import DevServer, Socket
from stack.proof.host_port import Told

SOCKET_WITHIN = 10.0  # seconds for a hot-reload socket: it may compile first
SCRIPT = 128 * 1024  # bytes: Vite's client has the address that it connects to near its end


def examine(front: Target, path: str, page: Exchange) -> Told | None:
    """Open the socket that the script of a page on the route ``path`` opens; None if that works.

    A page without marks of a dev server gets no further questions.
    """
    server = devserver.recognised(page)
    if not server:
        return None
    if server is devserver.NEXT:
        return _of_sockets(front, path, server, devserver.next_sockets(page))
    if not (script := devserver.vite_client(page)):
        return None
    question = Question(replace(front, path=script), "", (("Connection", "close"),), size=SCRIPT)
    client = ask(question, SOCKET_WITHIN)
    if client.status != 200:
        said = client.says
        return _no_reload(f"its script {script} does not load: {said}", _base(path, server), said)
    socket = devserver.vite_socket(client)
    return _of_sockets(front, path, server, (socket,)) if socket else None


def _of_sockets(
    front: Target, path: str, server: DevServer, sockets: tuple[Socket, ...]
) -> Told | None:
    socket, answer = _first_open(front, sockets)
    if answer.is_open:
        return None
    message = f"its hot-reload socket {socket.name} does not open: {answer.says}"
    if (socket.target.host, socket.target.port) != (front.host, front.port):
        line = f"server: {{ hmr: {{ clientPort: {front.port} }} }}"
        fix = f"write in vite.config: {line}, and no hmr.port"
        return _no_reload(f"{message}: bypasses the front", fix, answer.says)
    if refused := devserver.refusal(answer, front.host):
        message = f"{refused[0]} refuses its hot-reload socket {socket.name}"
        if server is devserver.NEXT:  # it hydrates when the socket has opened
            message += ", and until it opens the page does not react"
        return _no_reload(message, f"write: {refused[1]}", answer.says)
    return _no_reload(message, _base(path, server), answer.says)


def _no_reload(message: str, fix: str, said: str) -> Told:
    return Told(causes.DEV_REFUSES, message, fix, (("hot reload", said),))


def _base(path: str, server: DevServer) -> str:
    """Return how to keep a dev server below its route's path, if it is known."""
    path = path.rstrip("/")
    if not path:
        return "check the terminal of your dev server"
    line = f"basePath: '{path}' in next.config" if server is devserver.NEXT else f"base: '{path}/'"
    return f"write: {line}, and remove strip_prefix from the route"


def _first_open(front: Target, sockets: tuple[Socket, ...]) -> tuple[Socket, Exchange]:
    """Ask all at once, and return the first that opens, or else the most informative one.

    The other path of Next never answers, so a thread may be left behind with it.
    """
    arrived: queue.SimpleQueue[tuple[Socket, Exchange]] = queue.SimpleQueue()
    for one in sockets:
        threading.Thread(
            target=lambda one=one: arrived.put((one, ask(_handshake(front, one), SOCKET_WITHIN))),
            daemon=True,
        ).start()
    seen = []
    for _ in sockets:
        seen.append(arrived.get())
        if seen[-1][1].is_open:
            return seen[-1]
    return min(seen, key=lambda pair: pair[1].failure == "silent")


def _handshake(front: Target, socket: Socket) -> Question:
    headers = upgrade_headers(key := new_key()) | {"Origin": front.origin}
    if socket.protocol:
        headers["Sec-WebSocket-Protocol"] = socket.protocol
    return Question(socket.target, "", tuple(headers.items()), key, idle=0.0)
