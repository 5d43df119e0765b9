"""Answers every HTTP request on the port: health, and why a handshake is refused; opens nothing."""

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from ws_server.clients.operations import Verify
from ws_server.core.claims import InvalidTokenError, VerifierDownError
from ws_server.core.handshake import (
    Refusal,
    authorization_token,
    client_address,
    judge,
    names_no_subprotocol,
)
from ws_server.core.rate import TOO_OFTEN, Rate
from ws_server.log import Log
from ws_server.settings.config import Settings
from ws_server.stats import Stats
from ws_server.upkeep import Condition
from ws_server.workers.slots import WORKER


class Answers:
    """The ``process_request`` of the listener: None lets the handshake go on."""

    def __init__(
        self,
        settings: Settings,
        condition: Callable[[], Condition],
        verify: Verify,
        stats: Stats,
        log: Log,
        rate: Rate,
    ) -> None:
        self._settings = settings
        self._verify = verify
        self._stats = stats
        self._condition = condition
        self._log = log
        self._rate = rate

    async def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request that is not to become a WebSocket."""
        if names_no_subprotocol(request.headers):  # as an SDK does; the library refuses that
            del request.headers["Sec-WebSocket-Protocol"]
        response = await self._answer(connection, request)
        if response is not None and request.method == "HEAD":
            response.body = b""
        return response

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            path = urlsplit(request.path).path
        except ValueError:  # such as //[, and nothing is there either
            path = ""
        if path == "/healthz":
            return self._health(connection)
        if path == "/readyz":
            return self._readiness(connection)
        address = client_address(request.headers, connection.remote_address)
        if not self._rate.allows(address, asyncio.get_running_loop().time()):
            self._stats.refused[HTTPStatus.TOO_MANY_REQUESTS.value] += 1  # a log would cost more
            return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, TOO_OFTEN)
        refusal = await self._judge(path, request)
        if refusal is None:
            return None
        self._stats.refused[refusal.status.value] += 1
        self._log.info("refused", path=path, status=refusal.status.value, text=refusal.text)
        response = connection.respond(refusal.status, refusal.text)
        if refusal.status is HTTPStatus.UPGRADE_REQUIRED:
            response.headers["Upgrade"] = "websocket"  # RFC 9110 §15.5.22
            response.headers["Sec-WebSocket-Version"] = "13"  # RFC 6455 §4.4
        return response

    async def _judge(self, path: str, request: Request) -> Refusal | None:
        if path != self._settings.path:
            text = f"There is nothing here. The WebSocket is at {self._settings.path}.\n"
            return Refusal(HTTPStatus.NOT_FOUND, text)
        headers, origins = request.headers, self._settings.allowed_origins
        refusal = judge(request.method, request.protocol, headers, origins)
        if refusal is not None or not (token := authorization_token(headers)):
            return refusal
        try:
            await self._verify(token)
        except InvalidTokenError as error:
            return Refusal(HTTPStatus.UNAUTHORIZED, f"The token was refused: {error}.\n")
        except VerifierDownError as error:
            text = f"The token cannot be verified right now: {error}.\n"
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, text)
        return None

    def _health(self, connection: ServerConnection) -> Response:
        if WORKER in self._condition().missing:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "a worker does not answer\n")
        return connection.respond(HTTPStatus.OK, "ok\n")

    def _readiness(self, connection: ServerConnection) -> Response:
        missing, degraded = self._condition()
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        said = {"ready": not missing, "missing": missing, "degraded": degraded}
        response = connection.respond(status, json.dumps(said) + "\n")
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response
