"""Listens, starts and stops everything; what a connection says is not its business."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from websockets.asyncio.server import Server as Listener
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.typing import Subprotocol

from ws_server import orders
from ws_server.alarm import Alarm
from ws_server.answers import Answers, Dependency
from ws_server.auth import Claims, verify
from ws_server.broker import Broker
from ws_server.codes import SHUTDOWN
from ws_server.commands import Rules
from ws_server.config import Settings
from ws_server.connection import Context, converse
from ws_server.database import Database
from ws_server.fanout import Fanout
from ws_server.handshake import SUBPROTOCOL, authorization_token, subprotocol_token
from ws_server.hub import Hub
from ws_server.log import Log
from ws_server.memory_broker import MemoryBroker
from ws_server.operations import Limits, NoHooks
from ws_server.redis_broker import RedisBroker
from ws_server.service import Clocks, Service
from ws_server.session import Times
from ws_server.stats import Stats
from ws_server.transport import Turn

BACKLOG = 65535  # the kernel's own limit is smaller; with 100, a crowd that comes back is dropped
LINGER = 2.0  # seconds that a peer has to answer a close frame


class Server:
    """One process of the service: ``start`` and ``stop`` it, or ``run`` it until an event."""

    def __init__(self, settings: Settings, log: Log, broker: Broker | None = None) -> None:
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
        self.service.obey = partial(orders.obey, self.service)
        self.database = Database(settings.postgres, log) if settings.postgres else None
        self._dependencies: list[Dependency] = [self.broker]
        if self.database is not None:
            self._dependencies.append(self.database)
        self._alarm = Alarm(self.hub.next_deadline, self._ring)
        self.service.deadline_moved = self._alarm.moved
        self._upkeep: list[asyncio.Task[None]] = []
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        """The port that is really listened on, also when the setting was 0."""
        if self._listener is None:
            raise RuntimeError("the server was not started")
        return int(self._listener.sockets[0].getsockname()[1])

    async def run(self, until: asyncio.Event) -> None:
        """Serve until the event is set, then drain."""
        await self.start()
        await until.wait()
        await self.stop()

    async def start(self) -> None:
        """Listen first, connect to what we depend on afterwards. Raises OSError."""
        settings = self.settings
        logger = logging.getLogger("websockets")
        logger.disabled = True  # it would log whole request lines, query and all
        self._listener = await serve(
            partial(converse, self._context()),
            settings.host,
            settings.port,
            process_request=Answers(
                settings, self._dependencies, self._verify, self.stats, self.log
            ),
            select_subprotocol=_select_subprotocol,
            compression=None,  # 48 KiB a connection, and no frame could be shared
            max_size=settings.max_message_bytes,
            ping_interval=None,  # the protocol has its own pings, which browsers can see
            close_timeout=LINGER,
            server_header=None,
            logger=logger,
            backlog=BACKLOG,
        )
        self.log.info("listening", port=self.port, path=settings.path)
        self._upkeep = [asyncio.create_task(part.run()) for part in self._dependencies]

    async def stop(self) -> None:
        """Accept no more, say 3001 to everybody, and wait for them at most ``drain_timeout``."""
        self.log.info("draining", connections=len(self.hub.sessions))
        self._alarm.stop()
        if self._listener is not None:
            self._listener.close(close_connections=False)
            for session in self.hub.sessions:
                session.receiver.close(SHUTDOWN)
            await self._wait_closed(self._listener)
        for task in self._upkeep:
            task.cancel()
        await asyncio.gather(*self._upkeep, return_exceptions=True)
        self.log.info("stopped")

    async def _wait_closed(self, listener: Listener) -> None:
        try:
            async with asyncio.timeout(self.settings.drain_timeout):
                await listener.wait_closed()
        except TimeoutError:
            self.log.warning("drain_timeout", connections=len(self.hub.sessions))
            for session in self.hub.sessions:
                session.receiver.abort()

    def _context(self) -> Context:
        settings = self.settings
        return Context(
            service=self.service,
            verify=self._verify,
            offered=self._offered,
            hooks=NoHooks(),
            limits=Limits(settings.max_connections_per_user),
            max_queue_bytes=settings.max_queue_bytes,
            max_per_address=settings.max_connections_per_address,
            turn=self._turn,
        )

    async def _verify(self, token: str) -> Claims:
        return verify(token, self.settings.secret, time.time())

    async def _offered(self, headers: Headers) -> Claims | None:
        token = authorization_token(headers) or subprotocol_token(headers)
        return await self._verify(token) if token else None

    def _make_broker(self) -> Broker:
        if self.settings.redis is None:
            return MemoryBroker(self.service)
        return RedisBroker(self.settings.redis, self.service, self.log)

    def _ring(self) -> None:
        for session, disconnect in self.hub.due(asyncio.get_running_loop().time()):
            self.service.look_at(session, disconnect)


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
