"""The HTTP side of clients without a WebSocket: streams, and the frames that they post.

``Server`` imports it late, because it imports aiohttp.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from websockets.datastructures import Headers
from websockets.http11 import Request

from ws_server.broker.base import BrokerDownError
from ws_server.clients.connection import Context, converse
from ws_server.core import protocol
from ws_server.core.handshake import Refusal, client_address, judge_page, listed_origin
from ws_server.core.rate import Rate
from ws_server.fallback.paths import EMULATION, HTTP_STREAM, SSE
from ws_server.fallback.stream import Encode, Stream, event, line
from ws_server.service.emulation import Emulation, Taken

READ_TIMEOUT = 10.0  # seconds for a body to arrive
LINGER = 1.0  # seconds that requests have to finish when the server stops
MAX_LINE = 64 * 1024  # bytes of a request line, which holds the token of an event stream
NEVER_KEPT = {
    "Cache-Control": "private, no-store",
    "X-Accel-Buffering": "no",  # Nginx would hold back what is to arrive at once
}
STATUS: dict[Taken, HTTPStatus] = {
    "taken": HTTPStatus.NO_CONTENT,
    "full": HTTPStatus.TOO_MANY_REQUESTS,
    "gone": HTTPStatus.NOT_FOUND,
}
TOO_OFTEN = "Too many connections a second from this address.\n"
PROTOBUF = "application/octet-stream"
NO_PROTOBUF = "This server speaks JSON and not Protobuf: use the JSON build of the SDK.\n"


@dataclass(frozen=True, slots=True)
class Fallback:
    """Answers the requests of ``paths``; ``refused`` counts those that get no stream."""

    context: Context
    emulation: Emulation
    allowed_origins: frozenset[str]
    max_message_bytes: int
    rate: Rate
    refused: Callable[[HTTPStatus], None]

    async def runner(self) -> web.AppRunner:
        """Return what makes the protocol of a connection, and ends all of them in ``cleanup``."""
        # A posted frame is a JSON string in an object; escaped, it may be twice as long.
        limit = 2 * self.max_message_bytes + 1024
        application = web.Application(client_max_size=limit)
        application.router.add_post(HTTP_STREAM, self._lines)
        application.router.add_get(SSE, self._events, allow_head=False)
        application.router.add_post(EMULATION, self._posted)
        for path in (HTTP_STREAM, EMULATION):
            application.router.add_route("OPTIONS", path, self._preflight)
        application.on_response_prepare.append(self._allow)
        logger = logging.getLogger("aiohttp.server")
        logger.disabled = True  # it would log what malformed requests contain
        runner = web.AppRunner(
            application,
            access_log=None,
            logger=logger,
            shutdown_timeout=LINGER,
            handler_cancellation=True,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
        )
        await runner.setup()
        return runner

    async def _lines(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._judge(request):
            return self._refuse(refusal)
        if request.headers.get("Content-Type") == PROTOBUF:
            return self._refuse(Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, NO_PROTOBUF))
        first = await _body(request)
        return await self._stream(request, first, line, "application/json")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._judge(request):
            return self._refuse(refusal)
        first = request.query.get("cf_connect", "")
        if not first:
            text = "The connect command has to be in cf_connect of the query.\n"
            return self._refuse(Refusal(HTTPStatus.BAD_REQUEST, text))
        return await self._stream(request, first, event, "text/event-stream")

    async def _stream(
        self, request: web.Request, first: str, encode: Encode, content_type: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=NEVER_KEPT)
        response.content_type = content_type
        response.charset = "utf-8"
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"\n")  # the headers have to leave before there is any message
        wire = request.transport
        if wire is None:
            return response
        opened = Request(request.raw_path, _headers(request))
        stream = Stream(opened, wire.get_extra_info("peername"), first, wire, encode)
        greeting = {"session": stream.session, "node": self.emulation.node}
        with self.emulation.open(stream.session, stream.take):
            name = request.path.rpartition("/")[2]
            talk = asyncio.create_task(converse(self.context, stream, greeting, name))
            try:
                await asyncio.shield(talk)
            except asyncio.CancelledError:  # the client is gone, or the server stops
                stream.lost()
                await talk
                raise
        return response

    async def _posted(self, request: web.Request) -> web.StreamResponse:
        refusal = judge_page(_headers(request), self.allowed_origins)
        if refusal is not None:
            return self._refuse(refusal)
        try:
            posted = protocol.parse(await _body(request))
            session, node, frame = posted["session"], posted["node"], posted["data"]
        except (ValueError, LookupError, TypeError):
            session = node = frame = None
        if not isinstance(session, str) or not isinstance(node, str) or not isinstance(frame, str):
            text = "The body has to be an object with session, node and data.\n"
            return self._refuse(Refusal(HTTPStatus.BAD_REQUEST, text))
        if len(frame.encode(errors="replace")) > self.max_message_bytes:
            text = f"A frame may have {self.max_message_bytes} bytes.\n"
            return self._refuse(Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text))
        try:
            taken = await self.emulation.deliver(node, session, frame)
        except BrokerDownError:
            text = "The replica that has this stream cannot be reached right now.\n"
            return self._refuse(Refusal(HTTPStatus.SERVICE_UNAVAILABLE, text))
        return web.Response(status=STATUS[taken])

    async def _preflight(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _allow(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let pages of WS_ALLOWED_ORIGINS read the answer (Fetch Standard, CORS protocol)."""
        response.headers["Vary"] = "Origin"
        response.headers.pop("Server", None)
        if origin := listed_origin(_headers(request), self.allowed_origins):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = "Content-Type"
            response.headers["Access-Control-Max-Age"] = "300"

    def _judge(self, request: web.Request) -> Refusal | None:
        headers = _headers(request)
        peer = request.transport.get_extra_info("peername") if request.transport else None
        now = asyncio.get_running_loop().time()
        if not self.rate.allows(client_address(headers, peer), now):
            return Refusal(HTTPStatus.TOO_MANY_REQUESTS, TOO_OFTEN)
        return judge_page(headers, self.allowed_origins)

    def _refuse(self, refusal: Refusal) -> web.Response:
        self.refused(refusal.status)
        return web.Response(status=refusal.status, text=refusal.text)


async def _body(request: web.Request) -> str:
    """Return the body. Raises the HTTP error that answers the request."""
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            return (await request.read()).decode()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except UnicodeDecodeError:
        raise web.HTTPBadRequest from None


def _headers(request: web.Request) -> Headers:
    return Headers(request.headers.items())
