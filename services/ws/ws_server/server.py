"""Listens, starts and stops everything; what a connection says is not its business."""

import asyncio
import importlib
import logging
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from websockets.asyncio.server import Server as Listener
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.typing import Subprotocol

from ws_server.api.gauge import Gauge
from ws_server.api.methods import Api
from ws_server.auth import jwks
from ws_server.auth.cookies import sessions_in
from ws_server.auth.database_sessions import DatabaseSessions
from ws_server.auth.verifiers import Verifiers
from ws_server.broker.base import Broker
from ws_server.broker.memory import MemoryBroker
from ws_server.broker.redis import RedisBroker
from ws_server.clients.alarm import Alarm
from ws_server.clients.answers import Answers, Dependency
from ws_server.clients.connection import Context, converse
from ws_server.clients.drain import say_goodbye
from ws_server.clients.operations import Limits
from ws_server.clients.transport import Connection, Turn
from ws_server.core.claims import Claims, Expected
from ws_server.core.commands import Rules
from ws_server.core.handshake import (
    SUBPROTOCOL,
    authorization_token,
    is_from_own_page,
    query_token,
    subprotocol_token,
)
from ws_server.core.hub import Hub
from ws_server.core.session import Times
from ws_server.log import Log
from ws_server.outbox.relay import Relay
from ws_server.postgres import Database
from ws_server.service import orders
from ws_server.service.decisions import NoHooks
from ws_server.service.fanout import Fanout
from ws_server.service.hooks import Asker, HttpHooks
from ws_server.service.service import Clocks, Service
from ws_server.service.survey import Survey
from ws_server.settings.config import Settings
from ws_server.stats import Stats
from ws_server.workers.listener import listen
from ws_server.workers.place import Place

BACKLOG = 65535  # the kernel's own limit is smaller; with 100, a crowd that comes back is dropped
LINGER = 2.0  # seconds that a peer has to answer a close frame
CONNECTION: dict[str, Any] = {
    "create_connection": Connection,
    "compression": None,  # 48 KiB a connection, and no frame could be shared
    "ping_interval": None,  # the protocol has its own pings, which browsers can see
    "close_timeout": LINGER,
    "server_header": None,
}
"""How every connection is served; the echo that is tested for conformance has the same."""
SETTLE = 1.0  # seconds to tell the other replicas who left


class Server:
    """One process of the service: ``start`` and ``stop`` it, or ``run`` it until an event."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        broker: Broker | None = None,
        place: Place | None = None,
    ) -> None:
        self.settings = settings
        self.log = log
        times = Times(
            *(settings.connect_timeout, settings.ping_interval, settings.pong_timeout),
            settings.expired_grace,
        )
        self.hub = Hub(times)
        self.stats = Stats()
        rules = Rules(settings.namespaces, settings.max_channels, settings.max_commands_per_second)
        self._turn = Turn()
        fanout = Fanout(self.hub.channels, settings.namespaces, self.stats, _soon, self._turn.flush)
        clocks = Clocks(lambda: asyncio.get_running_loop().time(), time.time)
        self.service = Service(self.hub, rules, self.stats, log, clocks, fanout)
        self.broker = self.service.broker = broker or self._make_broker()
        worker = f"_{place.number}" if place else ""
        self.survey = Survey(self.service, f"{socket.gethostname()}_{settings.port}{worker}")
        known = {**orders.ORDERS, **self.survey.orders}
        self.service.obey = partial(orders.obey, self.service, known)
        self.gauges = [Gauge("broker_lag_seconds", "Time of the broker's answer.", self._lag)]
        self.verifiers = self._make_verifiers()
        self.database = Database(settings.postgres, log) if settings.postgres else None
        self._dependencies: list[Dependency] = [self.broker]
        if self.database is not None:
            self._dependencies.append(self.database)
        self.relay: Relay | None = None
        if self.database is not None and settings.outbox:
            self.relay = Relay(self.database, self.broker, self.service.publish, log)
            self.gauges += _outbox_gauges(self.relay)
        self._alarm = Alarm(self.hub.next_deadline, self._ring)
        self.service.deadline_moved = self._alarm.moved
        hooks = settings.hooks
        has_hooks = hooks.rpc_url or hooks.subscribe_url
        self._asker = Asker(hooks, self.stats, log) if has_hooks else None
        self._place = place
        self._upkeep: list[asyncio.Task[None]] = []
        self._api: asyncio.Task[None] | None = None
        self._api_socket: socket.socket | None = None
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        """The port that is really listened on, also when the setting was 0."""
        if self._listener is None:
            raise RuntimeError("the server was not started")
        if self._place:  # the parent listens
            return self.settings.port
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def api_port(self) -> int:
        """The port of the HTTP API that is really listened on."""
        if self._api_socket is None:
            raise RuntimeError("the server was not started, or has no API key")
        return int(self._api_socket.getsockname()[1])

    async def run(self, until: asyncio.Event) -> None:
        """Serve until the event is set, then drain."""
        await self.start()
        await until.wait()
        await self.stop()

    async def start(self) -> None:
        """Listen first, connect to what we depend on afterwards.

        Raises OSError; its ``filename`` is the address if that is not the WebSocket's.
        """
        settings = self.settings
        if settings.api_key is not None:
            # Listens at once, though it takes a while until requests are accepted.
            shared = self._place.api if self._place else None
            self._api_socket = shared or listen(settings.api_host, settings.api_port)
            self._api = asyncio.create_task(self._serve_api(self._api_socket, settings.api_key))
        logger = logging.getLogger("websockets")
        logger.disabled = True  # it would log whole request lines, query and all
        self._listener = await serve(
            partial(converse, self._context()),
            settings.host,
            settings.port,
            process_request=Answers(
                settings, self._missing, self.verifiers.verify, self.stats, self.log
            ),
            select_subprotocol=_select_subprotocol,
            max_size=settings.max_message_bytes,
            logger=logger,
            backlog=BACKLOG,
            **CONNECTION,
        )
        self.log.info("listening", port=self.port, path=settings.path)
        self._upkeep = [asyncio.create_task(part.run()) for part in self._dependencies]
        if self.relay is not None:
            self._upkeep.append(asyncio.create_task(self.relay.run()))
        if self._place:
            self._upkeep.append(asyncio.create_task(self._place.stay(self._dependencies)))

    async def stop(self) -> None:
        """Accept no more, say 3001 to all, batch by batch, at most ``drain_timeout`` long."""
        self.log.info("draining", connections=len(self.hub.sessions))
        self._alarm.stop()
        if self._api is not None:
            self._api.cancel()
        if self._listener is not None:
            self._listener.close(close_connections=False)
            await self._drain(self._listener)
        await _end([self._api] if self._api else [])
        if self.verifiers.sessions is not None:
            await self.verifiers.sessions.close()
        await _end(self._upkeep)
        if self._asker is not None:
            await self._asker.stop()
        self.log.info("stopped")

    async def _serve_api(self, listening: socket.socket, key: bytes) -> None:
        # Importing aiohttp takes long; in a thread, the server answers meanwhile.
        module = await asyncio.to_thread(importlib.import_module, "ws_server.api.internal")
        metrics = module.Metrics(self.hub, self.stats, self._dependencies, self.gauges)
        api = Api(self.service, self.survey)
        await module.Internal(api, key, metrics, self._place, self.log).run(listening)

    async def _drain(self, listener: Listener) -> None:
        within = self.settings.drain_timeout
        try:
            async with asyncio.timeout(within):
                await say_goodbye(self.hub.sessions, within, self.service.fanout.end_turn)
                await listener.wait_closed()
        except TimeoutError:
            self.log.warning("drain_timeout", connections=len(self.hub.sessions))
            for session in self.hub.sessions:
                session.receiver.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                await self.service.settled()

    def _context(self) -> Context:
        settings = self.settings
        return Context(
            service=self.service,
            verify=self.verifiers.verify,
            offered=self._offered,
            hooks=HttpHooks(self._asker, {}) if self._asker else NoHooks(),
            limits=Limits(settings.max_connections_per_user),
            max_queue_bytes=settings.max_queue_bytes,
            max_per_address=settings.max_connections_per_address,
            turn=self._turn,
        )

    async def _offered(self, request: Request) -> Claims | None:
        headers, settings = request.headers, self.settings
        token = authorization_token(headers) or subprotocol_token(headers)
        if not token and settings.allow_query_token:
            token = query_token(request.path)
        if token:
            return await self.verifiers.verify(token)
        if not is_from_own_page(headers, settings.allowed_origins):
            return None
        return await self.verifiers.verify_cookies(sessions_in(headers.get_all("Cookie")))

    def _make_verifiers(self) -> Verifiers:
        settings, log = self.settings, self.log
        verifiers = Verifiers(
            (settings.secret, *settings.previous_secrets),
            Expected(settings.jwt_audience, settings.jwt_issuer),
            time.time,
            self.service.revoking.known.refuse,
        )
        if settings.jwks_url:
            verifiers.jwks = jwks.Jwks(jwks.source(settings.jwks_url), time.monotonic, log)
        if settings.session_table and settings.postgres is not None:
            verifiers.sessions = DatabaseSessions(
                settings.postgres, settings.session_table, time.time, log
            )
        return verifiers

    def _lag(self) -> float:
        return self.broker.lag

    def _missing(self) -> list[str]:
        parts = self._dependencies
        if self._place:
            return self._place.missing(parts)
        return [part.name for part in parts if not part.is_ready]

    def _make_broker(self) -> Broker:
        if self.settings.redis is None:
            return MemoryBroker(self.service)
        return RedisBroker(self.settings.redis, self.service, self.log)

    def _ring(self) -> None:
        for session, disconnect in self.hub.due(asyncio.get_running_loop().time()):
            self.service.look_at(session, disconnect)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel, and wait for a while: a library that does not end must not hold up the process."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LINGER)


def _outbox_gauges(relay: Relay) -> list[Gauge]:
    return [
        Gauge("outbox_rows", "Rows that are to be published.", lambda: relay.lag.waiting),
        Gauge("outbox_oldest_seconds", "How long the first has waited.", lambda: relay.lag.oldest),
        Gauge("outbox_shards", "Shards that this replica relays.", lambda: relay.lag.shards),
    ]


def _soon(call: Callable[[], None]) -> None:
    """Call after what is ready now, and after what that was still to read."""
    # A fan-out to thousands takes long, and what is read just before it would wait for the next.
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, call)


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    # Never anything else: one of the others may be somebody's token.
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None
