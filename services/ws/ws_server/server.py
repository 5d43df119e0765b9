"""Starts and stops the listeners and all background tasks; does not read what clients send."""

import asyncio
import importlib
import logging
import os
import socket
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from websockets.asyncio.server import Server as Listener
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.typing import Subprotocol

from ws_server.api.gauge import Gauge
from ws_server.api.methods import Api
from ws_server.auth.cookies import sessions_in
from ws_server.auth.verifiers import Verifiers
from ws_server.broker.base import Broker
from ws_server.clients.answers import Answers
from ws_server.clients.connection import Context, converse
from ws_server.clients.drain import say_goodbye
from ws_server.clients.intake import Connection
from ws_server.clients.operations import Limits
from ws_server.clients.timer import Timer
from ws_server.clients.transport import Turn
from ws_server.core.claims import Claims
from ws_server.core.handshake import (
    PROTOBUF,
    SUBPROTOCOL,
    authorization_token,
    is_from_own_page,
    query_token,
    subprotocol_token,
)
from ws_server.core.hub import Hub
from ws_server.core.rate import Rate
from ws_server.fallback.multiplexer import Multiplexer
from ws_server.heap import give_back
from ws_server.log import Log
from ws_server.outbox.relay import Relay
from ws_server.postgres import Database
from ws_server.service.decisions import NoHooks
from ws_server.service.empty import keep_empty
from ws_server.service.emulation import Emulation
from ws_server.service.hooks import Asker, HttpHooks
from ws_server.service.node import Node
from ws_server.service.revoking import Revoking
from ws_server.service.service import Service
from ws_server.service.survey import Survey
from ws_server.settings.config import Settings
from ws_server.upkeep import Condition, Dependency
from ws_server.workers.listener import listen
from ws_server.workers.peers import Peers

ACCEPTED = 4  # connections that are accepted in one turn of the loop: each costs a handshake
BACKLOG = 65535  # capped by the kernel; with 100, many clients that reconnect at once are dropped
LINGER = 2.0  # seconds that a client has to answer a close frame
CONNECTION: dict[str, Any] = {
    "create_connection": Connection,
    "compression": None,  # 48 KiB per connection, and frames could not be shared
    "ping_interval": None,  # the protocol has its own pings, which scripts in browsers can see
    "close_timeout": LINGER,
    "server_header": None,
}
"""Options of every connection; the echo server of the conformance tests uses the same."""
SETTLE = 1.0  # seconds to tell the other replicas which clients left


@dataclass(frozen=True)
class Parts:
    """The parts of a server; ``composition`` creates them."""

    service: Service
    node: Node
    revoking: Revoking
    survey: Survey
    emulation: Emulation
    verifiers: Verifiers
    database: Database | None
    relay: Relay | None
    timer: Timer
    turn: Turn
    asker: Asker | None
    gauges: list[Gauge]

    @property
    def broker(self) -> Broker:
        """The broker between the replicas."""
        return self.service.broker

    @property
    def hub(self) -> Hub:
        """The connected sessions."""
        return self.service.hub

    @property
    def dependencies(self) -> list[Dependency]:
        """The external services that the server needs."""
        return [self.broker, *([self.database] if self.database else [])]


class Server:
    """One process of the service: ``start`` and ``stop`` it, or ``run`` it until an event."""

    def __init__(self, settings: Settings, log: Log, parts: Parts, peers: Peers | None) -> None:
        self.settings = settings
        self.log = log
        self.parts = parts
        self._peers = peers
        self._upkeep: list[asyncio.Task[None]] = []
        self._multiplexer = Multiplexer()
        self._rate = Rate(settings.max_connects_per_second)
        self._api: asyncio.Task[None] | None = None
        self._fallback: asyncio.Task[None] | None = None
        self._api_socket: socket.socket | None = None
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        """The actual port, also if the setting is 0."""
        if self._listener is None:
            raise RuntimeError("the server was not started")
        if self._peers:  # the master listens
            return self.settings.port
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def api_port(self) -> int:
        """The actual port of the HTTP API."""
        if self._api_socket is None:
            raise RuntimeError("the server was not started, or has no API key")
        return int(self._api_socket.getsockname()[1])

    async def run(self, until: asyncio.Event) -> None:
        """Serve until the event is set, then drain."""
        await self.start()
        await until.wait()
        await self.stop()

    async def start(self) -> None:
        """Listen first, then connect to the dependencies.

        Raises OSError; its ``filename`` is the address unless it is the address for WebSockets.
        """
        settings = self.settings
        if settings.api_key is not None:
            # Listens at once; requests are accepted a little later.
            shared = self._peers.api if self._peers else None
            self._api_socket = shared or listen(settings.api_host, settings.api_port)
            self._api = asyncio.create_task(self._serve_api(self._api_socket, settings.api_key))
        logger = logging.getLogger("websockets")
        logger.disabled = True  # it would log request lines with their query
        self._listener = await serve(
            partial(converse, self._context()),
            settings.host,
            settings.port,
            process_request=Answers(
                settings,
                self._condition,
                self.parts.verifiers.verify,
                self.parts.service.stats,
                self.log,
                self._rate,
            ),
            select_subprotocol=_select_subprotocol,
            max_size=settings.max_message_bytes,
            logger=logger,
            backlog=ACCEPTED,
            **CONNECTION | {"create_connection": self._multiplexer.connection},
        )
        for listening in self._listener.sockets:
            _deepen(listening.fileno())
        self.log.info("listening", port=self.port, path=settings.path)
        self.parts.timer.start(self._fire)
        self._fallback = asyncio.create_task(self._serve_fallback())
        self._upkeep = [asyncio.create_task(work) for work in self._work()]

    def _work(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Return the background tasks of the server."""
        parts = self.parts
        yield parts.broker.run(parts.node)
        yield keep_empty(parts.service)
        yield give_back(lambda: len(parts.hub.sessions))
        if parts.database:
            yield parts.database.run()
        if parts.relay:
            yield parts.relay.run()
        if self._peers:
            yield self._peers.tell(parts.dependencies)

    async def stop(self) -> None:
        """Stop accepting, then close all connections with 3001, within ``drain_timeout``."""
        self.log.info("draining", connections=len(self.parts.hub.sessions))
        self.parts.timer.stop()
        if self._api is not None:
            self._api.cancel()
        if self._listener is not None:
            self._listener.close(close_connections=False)
            self._multiplexer.close()
            await self._drain(self._listener)
        await _end([self._api] if self._api else [])
        if self.parts.verifiers.sessions is not None:
            await self.parts.verifiers.sessions.close()
        await _end(self._upkeep)
        if self.parts.asker is not None:
            await self.parts.asker.stop()
        self.log.info("stopped")

    async def _serve_api(self, listening: socket.socket, key: bytes) -> None:
        # Importing aiohttp takes long; in a thread, it does not block the server.
        module = await asyncio.to_thread(importlib.import_module, "ws_server.api.internal")
        metrics = module.Metrics(
            self.parts.hub, self.parts.service.stats, self.parts.dependencies, self.parts.gauges
        )
        api = Api(self.parts.service, self.parts.revoking, self.parts.survey)
        await module.Internal(api, key, metrics, self._peers, self.log).run(listening)

    async def _serve_fallback(self) -> None:
        """Serve clients without a WebSocket until cancelled."""
        module = await asyncio.to_thread(importlib.import_module, "ws_server.fallback.http")
        refused = self.parts.service.stats.refused
        runner = await module.Fallback(
            context=self._context(),
            emulation=self.parts.emulation,
            allowed_origins=self.settings.allowed_origins,
            max_message_bytes=self.settings.max_message_bytes,
            rate=self._rate,
            refused=lambda status: refused.update({status.value: 1}),
        ).runner()
        self._multiplexer.http = runner.server
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _drain(self, listener: Listener) -> None:
        within = self.settings.drain_timeout
        try:
            async with asyncio.timeout(within):
                await say_goodbye(
                    self.parts.hub.sessions, within, self.parts.service.fanout.end_turn
                )
                await _end([self._fallback] if self._fallback else [])
                await listener.wait_closed()
        except TimeoutError:
            self.log.warning("drain_timeout", connections=len(self.parts.hub.sessions))
            for session in self.parts.hub.sessions:
                session.receiver.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                await self.parts.service.settled()

    def _context(self) -> Context:
        settings = self.settings
        return Context(
            service=self.parts.service,
            verify=self.parts.verifiers.verify,
            offered=self._offered,
            hooks=HttpHooks(self.parts.asker, {}) if self.parts.asker else NoHooks(),
            limits=Limits(settings.max_connections_per_user),
            policy=settings.policy,
            max_queue_bytes=settings.max_queue_bytes,
            max_per_address=settings.max_connections_per_address,
            turn=self.parts.turn,
        )

    async def _offered(self, request: Request) -> Claims | None:
        headers, settings = request.headers, self.settings
        token = authorization_token(headers) or subprotocol_token(headers)
        if not token and settings.allow_query_token:
            token = query_token(request.path)
        if token:
            return await self.parts.verifiers.verify(token)
        if not is_from_own_page(headers, settings.allowed_origins):
            return None
        sessions = sessions_in(headers.get_all("Cookie"), settings.session_cookies)
        return await self.parts.verifiers.verify_cookies(sessions)

    def _condition(self) -> Condition:
        parts = self.parts.dependencies
        if self._peers:
            return self._peers.condition(parts)
        missing = [part.name for part in parts if not part.is_ready]
        return Condition(missing, [part.name for part in parts if part.degraded])

    def _fire(self) -> None:
        for session, disconnect in self.parts.hub.due(asyncio.get_running_loop().time()):
            self.parts.service.look_at(session, disconnect)


def _deepen(listening: int) -> None:
    """Have the kernel keep more connections waiting than asyncio accepts in one turn."""
    with socket.socket(fileno=os.dup(listening)) as same:
        same.listen(BACKLOG)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel, and wait for a limited time: a library that hangs must not delay the exit."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LINGER)


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    # Never select another one: it may be a token. A client that wants Protobuf is told that there
    # is none, and a browser would hear nothing if its subprotocol was not selected.
    known = (Subprotocol(name) for name in (SUBPROTOCOL, PROTOBUF) if name in offered)
    return next(known, None)
