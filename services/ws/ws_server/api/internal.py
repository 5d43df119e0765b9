"""The internal port: the HTTP API, protected by a key, and /metrics; never public.

``Server`` imports it late, because it imports aiohttp.
"""

import asyncio
import hmac
import logging
from contextlib import nullcontext
from http import HTTPStatus
from socket import socket

from aiohttp import web
from aiohttp.typedefs import Handler

from ws_server.api.methods import Api
from ws_server.api.metrics import CONTENT_TYPE, Metrics
from ws_server.api.requests import MalformedError
from ws_server.api.scrape import joined
from ws_server.core import codes, protocol
from ws_server.log import Log
from ws_server.workers.peers import Peers

MAX_BODY = 2**20  # bytes
READ_TIMEOUT = 10.0  # seconds for a body to arrive
ANSWER_TIMEOUT = 10.0
LINGER = 1.0  # seconds that requests have to finish when the server stops


class Internal:
    """Answers HTTP on a socket that already listens."""

    def __init__(
        self, api: Api, key: bytes, metrics: Metrics, peers: Peers | None, log: Log
    ) -> None:
        self._api = api
        self._key = key
        self._metrics = metrics
        self._peers = peers
        self._stats = metrics.stats
        self._log = log

    async def run(self, listening: socket) -> None:
        """Serve until cancelled; pending requests are answered then."""
        application = web.Application(client_max_size=MAX_BODY, middlewares=[self._guard])
        application.router.add_get("/metrics", self._scrape)
        application.router.add_post("/api/{method}", self._call)
        logger = logging.getLogger("aiohttp.server")
        logger.disabled = True  # it would log what malformed requests contain
        runner = web.AppRunner(application, access_log=None, logger=logger, shutdown_timeout=LINGER)
        await runner.setup()
        render = self._metrics.render
        try:
            with self._peers.answering(render) if self._peers else nullcontext():
                await web.SockSite(runner, listening).start()
                self._log.info("api_listening", port=listening.getsockname()[1])
                await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log an exception of a handler without the content of the request."""
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:
            self._log.bug("api_failed", error)
            return self._refuse("", HTTPStatus.INTERNAL_SERVER_ERROR, "a bug of the server")

    async def _scrape(self, _request: web.Request) -> web.Response:
        """Return the metrics of all workers, whichever worker gets the request."""
        body = self._metrics.render()
        if self._peers is not None:
            texts = {self._peers.number: body} | await self._peers.ask_others()
            # It takes a millisecond per worker; in a thread, it blocks clients less.
            body = await asyncio.to_thread(joined, texts)
        answer = web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
        # A connection stays with its worker, which may be gone at the next scrape.
        answer.force_close()
        return answer

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if not self._is_known(request.headers.get("X-API-Key", "")):
            return self._refuse("", HTTPStatus.UNAUTHORIZED, "X-API-Key is missing or wrong")
        if method not in self._api.names:
            return self._refuse("", HTTPStatus.NOT_FOUND, "there is no such method")
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                raw = await request.read()
        except TimeoutError:
            return self._refuse(method, HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive")
        except web.HTTPRequestEntityTooLarge:
            text = f"the body has more than {MAX_BODY} bytes"
            return self._refuse(method, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        return await self._answer(method, raw)

    async def _answer(self, method: str, raw: bytes) -> web.Response:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                body, code = await self._api.call(method, protocol.parse(raw))
        except MalformedError as error:
            return self._refuse(method, HTTPStatus.BAD_REQUEST, str(error))
        except ValueError:
            return self._refuse(method, HTTPStatus.BAD_REQUEST, "the body is not JSON")
        except TimeoutError:
            failure = {"code": codes.INTERNAL.code, "message": codes.INTERNAL.message}
            body, code = protocol.encode({"error": failure}), codes.INTERNAL.code
        self._stats.api[method, code] += 1
        return web.Response(body=body, content_type="application/json")

    def _is_known(self, key: str) -> bool:
        return hmac.compare_digest(key.encode(errors="surrogateescape"), self._key)

    def _refuse(self, method: str, status: HTTPStatus, text: str) -> web.Response:
        self._stats.api[method, status.value] += 1
        return web.Response(status=status, text=f"{text}\n")
