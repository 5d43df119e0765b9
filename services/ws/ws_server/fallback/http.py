"""The HTTP side of clients without a WebSocket: streams, and the frames that they post.

``Server`` imports it late, because it imports aiohttp.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.typedefs import Handler
from websockets.datastructures import Headers
from websockets.http11 import Request

from ws_server.broker.base import BrokerDownError
from ws_server.clients.connection import Context, converse
from ws_server.core import protocol
from ws_server.core.handshake import (
    Refusal,
    client_address,
    is_from_own_page,
    judge_page,
    listed_origin,
)
from ws_server.core.rate import TOO_OFTEN, Rate
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
PROTOBUF = "application/octet-stream"
NO_PROTOBUF = "bad request: this server speaks JSON, not Protobuf\n"


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
        application = web.Application(client_max_size=limit, middlewares=[self._guard])
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

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what is refused, and keep no connection.

        A proxy would send another client's handshake on it, which is not for this half of the port.
        An exception is logged without the content of the request.
        """
        try:
            response = await handler(request)
        except RefusedRequestError as error:
            self.refused(error.refusal.status)
            response = web.Response(status=error.refusal.status, text=error.refusal.text)
        except web.HTTPException as error:
            error.force_close()
            raise
        except Exception as error:
            self.context.service.log.bug("fallback_failed", error)
            response = web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        response.force_close()
        return response

    async def _lines(self, request: web.Request) -> web.StreamResponse:
        self._judge(request)
        if request.headers.get("Content-Type") == PROTOBUF:
            raise _refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, NO_PROTOBUF)
        return await self._stream(request, await _body(request), line, "application/json")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._judge(request)
        first = request.query.get("cf_connect", "")
        if not first or "\n" in first:  # one command: a GET may come from a link
            text = "The connect command, and no other, has to be in cf_connect of the query.\n"
            raise _refusal(HTTPStatus.BAD_REQUEST, text)
        return await self._stream(request, first, event, "text/event-stream")

    async def _stream(
        self, request: web.Request, first: str, encode: Encode, content_type: str
    ) -> web.StreamResponse:
        self._require_size(first)
        response = web.StreamResponse(headers=NEVER_KEPT)
        response.content_type = content_type
        response.charset = "utf-8"
        response.force_close()
        # Before HTTP/1.1, as some proxies ask, the end of the connection ends the body.
        is_chunked = request.version >= HttpVersion11
        if is_chunked:
            response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"\n")  # the headers have to leave before there is any message
        wire = request.transport
        if wire is None:
            return response
        opened = Request(request.raw_path, self._believed(request))
        peer = wire.get_extra_info("peername")
        stream = Stream(opened, peer, first, wire, encode, is_chunked=is_chunked)
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
        self._judge_page(_headers(request))
        try:
            posted = protocol.parse(await _body(request))
            session, node, frame = posted["session"], posted["node"], posted["data"]
        except (ValueError, LookupError, TypeError):
            session = node = frame = None
        if not isinstance(session, str) or not isinstance(node, str) or not isinstance(frame, str):
            text = "The body has to be an object with session, node and data.\n"
            raise _refusal(HTTPStatus.BAD_REQUEST, text)
        self._require_size(frame)
        try:
            taken = await self.emulation.deliver(node, session, frame)
        except BrokerDownError:
            text = "The replica that has this stream cannot be reached right now.\n"
            raise _refusal(HTTPStatus.SERVICE_UNAVAILABLE, text) from None
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

    def _judge(self, request: web.Request) -> None:
        """Raise RefusedRequestError for a stream that may not be opened."""
        headers = _headers(request)
        peer = request.transport.get_extra_info("peername") if request.transport else None
        now = asyncio.get_running_loop().time()
        if not self.rate.allows(client_address(headers, peer), now):
            raise _refusal(HTTPStatus.TOO_MANY_REQUESTS, TOO_OFTEN)
        self._judge_page(headers)

    def _judge_page(self, headers: Headers) -> None:
        if refusal := judge_page(headers, self.allowed_origins):
            raise RefusedRequestError(refusal)

    def _believed(self, request: web.Request) -> Headers:
        """Return the headers, without cookies that a page of another site may have had sent."""
        headers = _headers(request)
        if "Cookie" in headers and not is_from_own_page(headers, self.allowed_origins):
            del headers["Cookie"]
        return headers

    def _require_size(self, frame: str) -> None:
        if len(frame.encode(errors="replace")) > self.max_message_bytes:
            text = f"A frame may have {self.max_message_bytes} bytes.\n"
            raise _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)


class RefusedRequestError(Exception):
    """The request gets this answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def _refusal(status: HTTPStatus, text: str) -> RefusedRequestError:
    return RefusedRequestError(Refusal(status, text))


async def _body(request: web.Request) -> str:
    """Return the body. Raises RefusedRequestError, or the HTTP error that answers the request."""
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            return (await request.read()).decode()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (UnicodeDecodeError, web.RequestPayloadError, ContentEncodingError):
        raise _refusal(HTTPStatus.BAD_REQUEST, "The body cannot be read.\n") from None


def _headers(request: web.Request) -> Headers:
    """Return the headers as the WebSocket library reads them: Latin-1, as they came."""
    pairs = (
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers
    )
    return Headers(pairs)
