"""Listens, starts and stops everything; what a connection says is not its business."""

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial

from websockets.asyncio.server import Server as Listener
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from ws_server import protocol
from ws_server.alarm import Alarm
from ws_server.answers import Answers, Dependency
from ws_server.auth import verify
from ws_server.broker import Broker, MemoryBroker
from ws_server.codes import SHUTDOWN
from ws_server.config import Settings
from ws_server.connection import Service, converse
from ws_server.database import Database
from ws_server.handshake import SUBPROTOCOL
from ws_server.hub import Hub
from ws_server.log import Log
from ws_server.redis_broker import RedisBroker
from ws_server.session import Times
from ws_server.transport import frame

LINGER = 2.0  # seconds that a peer has to answer a close frame


class Server:
    """One process of the service: ``start`` and ``stop`` it, or ``run`` it until an event."""

    def __init__(self, settings: Settings, log: Log, broker: Broker | None = None) -> None:
        self.settings = settings
        self.log = log
        times = Times(settings.connect_timeout, settings.ping_interval, settings.pong_timeout)
        self.hub = Hub(times, settings.max_channels)
        self.broker = broker or self._make_broker()
        self.database = Database(settings.postgres, log) if settings.postgres else None
        self._dependencies: list[Dependency] = [self.broker]
        if self.database is not None:
            self._dependencies.append(self.database)
        self._alarm = Alarm(self.hub.next_deadline, self._ring)
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
            partial(converse, self._service()),
            settings.host,
            settings.port,
            process_request=Answers(settings, self._dependencies, self.log),
            select_subprotocol=_select_subprotocol,
            compression=None,  # 48 KiB a connection, and no frame could be shared
            max_size=settings.max_message_bytes,
            ping_interval=None,  # the protocol has its own pings, which browsers can see
            close_timeout=LINGER,
            server_header=None,
            logger=logger,
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

    def _service(self) -> Service:
        return Service(
            hub=self.hub,
            broker=self.broker,
            verify=lambda token, now: verify(token, self.settings.secret, now),
            log=self.log,
            now=asyncio.get_running_loop().time,
            wall=time.time,
            deadline_moved=self._alarm.moved,
            max_queue_bytes=self.settings.max_queue_bytes,
        )

    def _make_broker(self) -> Broker:
        if self.settings.redis is None:
            return MemoryBroker(self._deliver)
        return RedisBroker(self.settings.redis, self._deliver, self.log)

    def _deliver(self, channel: str, pub: bytes) -> None:
        members = self.hub.members(channel)
        if members:
            framed = frame(protocol.push(channel, pub))
            for session in members:
                session.receiver.write(framed)

    def _ring(self) -> None:
        for session, disconnect in self.hub.due(asyncio.get_running_loop().time()):
            if disconnect is None:
                session.receiver.send(protocol.PING)
            else:
                session.receiver.close(disconnect)


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    # Never anything else: one of the others may be somebody's token.
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None
