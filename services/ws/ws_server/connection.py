"""One connection from its first frame to its last: reads frames and carries out their effects."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed

from ws_server import codes, commands, protocol
from ws_server.auth import Claims, ExpiredTokenError, InvalidTokenError
from ws_server.broker import Broker, BrokerDownError
from ws_server.commands import Close, Effect, Join, Publish, Release, Reply, Verify
from ws_server.handshake import authorization_token, subprotocol_token
from ws_server.hub import Hub
from ws_server.log import Log
from ws_server.transport import Outbox


@dataclass(frozen=True, slots=True)
class Service:
    """What all connections share. ``wall`` is Unix time, ``now`` the monotonic clock of the hub."""

    hub: Hub
    broker: Broker
    verify: Callable[[str, float], Claims]
    log: Log
    now: Callable[[], float]
    wall: Callable[[], float]
    deadline_moved: Callable[[], None]
    max_queue_bytes: int


async def converse(service: Service, connection: ServerConnection) -> None:
    """Serve one accepted connection until it is closed, by whomever."""
    conversation = Conversation(service, connection)
    try:
        await conversation.run()
    except ConnectionClosed:
        pass
    except Exception as error:  # one connection's bug must not end the others
        where = traceback.extract_tb(error.__traceback__)[-1]
        service.log.fault(
            "connection_failed", error=type(error).__name__, where=f"{where.name}:{where.lineno}"
        )
        conversation.outbox.close(codes.SERVER_ERROR)
    finally:
        await conversation.outbox.closed()
        conversation.end()


class Conversation:
    """The state of one connection: its session in the hub and its outbox."""

    def __init__(self, service: Service, connection: ServerConnection) -> None:
        self._service = service
        self._connection = connection
        self.outbox = Outbox(connection, service.max_queue_bytes, self._closing)
        headers = connection.request.headers if connection.request else Headers()
        self._offered = subprotocol_token(headers)
        token = authorization_token(headers) or self._offered
        self._session = service.hub.open(self.outbox, token, service.now())
        service.deadline_moved()

    async def run(self) -> None:
        """Answer frames until the connection closes; raises ConnectionClosed when it broke."""
        self._refuse_offered_token()
        async for message in self._connection:
            if not isinstance(message, str):
                self.outbox.close(codes.BAD_FRAME.because("binary frame"))
            if self.outbox.is_closing:
                return
            await self._frame(str(message))
            await self.outbox.drained()

    def end(self) -> None:
        """Leave the hub, and let the broker drop what nobody listens to any more."""
        for channel in self._service.hub.close(self._session):
            self._service.broker.unsubscribe(channel)
        self._service.log.debug(
            "disconnected", client=self._session.id, code=self._connection.close_code
        )

    def _refuse_offered_token(self) -> None:
        """A browser sees nothing of a refused handshake, so it is told after the 101."""
        if not self._offered:
            return
        try:
            self._service.verify(self._offered, self._service.wall())
        except ExpiredTokenError:
            return  # its connect is answered with error 109, which clients know how to mend
        except InvalidTokenError as error:
            self.outbox.close(codes.INVALID_TOKEN.because(str(error)))

    async def _frame(self, text: str) -> None:
        try:
            received = protocol.decode(text)
        except protocol.MalformedFrameError as error:
            self.outbox.close(codes.BAD_FRAME.because(str(error)))
            return
        publishing: list[Publish] = []
        for command in received:
            for effect in commands.handle(self._service.hub, self._session, command):
                if isinstance(effect, Publish):
                    publishing.append(effect)
                    continue
                # Publications in a row travel together; anything else comes after them.
                await self._publish(publishing)
                await self._carry_out(effect)
            if self.outbox.is_closing:
                return
        await self._publish(publishing)

    async def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Reply(payload):
                self.outbox.send(payload)
            case Verify(command_id, token):
                self._verify(command_id, token)
            case Join(command_id, channel):
                await self._join(command_id, channel)
            case Release(channel):
                self._service.broker.unsubscribe(channel)
            case Close(disconnect):
                self.outbox.close(disconnect)

    def _verify(self, command_id: int, token: str) -> None:
        wall = self._service.wall()
        try:
            claims = self._service.verify(token, wall)
        except ExpiredTokenError:
            self.outbox.send(protocol.failure(command_id, codes.TOKEN_EXPIRED))
        except InvalidTokenError as error:
            self.outbox.close(codes.INVALID_TOKEN.because(str(error)))
        else:
            ttl = claims.expires_at - wall
            hub, session, now = self._service.hub, self._session, self._service.now()
            self.outbox.send(commands.connected(hub, session, command_id, claims, ttl, now))
            self._service.deadline_moved()
            self._service.log.debug("connected", client=session.id, user=claims.user)

    async def _join(self, command_id: int, channel: str) -> None:
        hub, session = self._service.hub, self._session
        try:
            await self._service.broker.subscribe(channel)
        except BrokerDownError:
            if hub.leave(session, channel):
                self._service.broker.unsubscribe(channel)
            self.outbox.send(protocol.failure(command_id, codes.INTERNAL))
        else:
            self.outbox.send(commands.subscribed(hub, session, command_id, channel))

    async def _publish(self, publishing: list[Publish]) -> None:
        """Hand all to the broker in order without waiting between them, then answer in order."""
        batch = publishing[:]
        publishing.clear()
        send = self._service.broker.publish
        outcomes = await asyncio.gather(
            *(send(effect.channel, effect.payload) for effect in batch), return_exceptions=True
        )
        for effect, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, BrokerDownError):
                self.outbox.send(protocol.failure(effect.command_id, codes.INTERNAL))
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                self.outbox.send(protocol.reply(effect.command_id, "publish", {}))

    def _closing(self, disconnect: codes.Disconnect) -> None:
        self._service.log.info(
            "closing", client=self._session.id, code=disconnect.code, reason=disconnect.reason
        )
