"""One connection from its first frame to its last: reads frames and carries out their effects."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from ws_server.clients.intake import Connection, Slice
from ws_server.clients.operations import Limits, Operations, Verify, Waiting
from ws_server.clients.pipeline import Pipeline
from ws_server.clients.transport import SendQueue, Turn
from ws_server.clients.wire import Binary, Wire
from ws_server.core import codes, commands, protocol
from ws_server.core.claims import Claims, ExpiredTokenError, InvalidTokenError, VerifierDownError
from ws_server.core.effects import Close, Fail, Leave, Publish, Reply
from ws_server.core.handshake import client_address, subprotocol_token, wants_protobuf
from ws_server.core.policy import Policy
from ws_server.service.decisions import Hooks
from ws_server.service.service import Service

FLOOD = 8  # seconds' worth of commands that may be refused in a row before the connection ends
EARLY = 32  # control frames and fragments before the sign-in
RUN = 256  # commands that are decoded between two looks at the clock
RUN_BYTES = 8 * 1024  # of them; numbers and brackets take the longest
GLANCE = 16  # commands that are carried out between two looks at the clock


@dataclass(frozen=True, slots=True)
class Context:
    """What all connections share. ``offered`` are the claims that a handshake brought along."""

    service: Service
    verify: Verify
    offered: Callable[[Request], Awaitable[Claims | None]]
    hooks: Hooks
    limits: Limits
    policy: Policy
    max_queue_bytes: int
    max_per_address: int = 0
    turn: Turn = field(default_factory=Turn)


async def converse(
    context: Context,
    connection: Wire,
    greeting: Mapping[str, object] | None = None,
    transport: str = "websocket",
) -> None:
    """Serve one accepted connection until it is closed, by whomever.

    ``greeting`` are fields of the answer to ``connect`` that its ``transport`` needs.
    """
    conversation = Conversation(context, connection, greeting or {}, transport)
    try:
        await conversation.run()
    except ConnectionClosed:
        pass
    except Exception as error:  # one connection's bug must not end the others
        context.service.log.bug("connection_failed", error)
        conversation.queue.close(codes.SERVER_ERROR)
    finally:
        await conversation.queue.closed()
        conversation.end()


class Conversation:
    """The state of one connection: its session in the hub and its queue."""

    def __init__(
        self, context: Context, connection: Wire, greeting: Mapping[str, object], transport: str
    ) -> None:
        self._context = context
        self._service = context.service
        self._connection = connection
        self.queue = SendQueue(
            connection, context.max_queue_bytes, self._closing, self._dropped, context.turn
        )
        self._headers = connection.request.headers if connection.request else Headers()
        address = client_address(self._headers, connection.remote_address)
        service = self._service
        self._session = service.hub.open(self.queue, address, service.clocks.now())
        self._session.transport = transport
        service.stats.connections += 1
        service.deadline_moved()
        hooks = context.hooks.heard(self._headers)
        self._pipeline = Pipeline(service, self.queue)
        self._operations = Operations(
            *(service, self._session, context.verify, hooks, context.limits),
            *(context.policy, self._offered, greeting),
        )
        self._slice = Slice()
        self._early = 0
        if isinstance(connection, Connection):
            connection.charge = self._charge

    async def run(self) -> None:
        """Answer frames until the connection closes; raises ConnectionClosed when it broke."""
        await self._refuse_at_once()
        while frames := await self._connection.receive():
            self._slice.begin()
            self.queue.begin()
            await self._frames(frames)
            if self.queue.is_finishing:
                await self._pipeline.answered()
            self.queue.end()
            if self.queue.is_closing:
                return
            await self.queue.drained()
            if self._slice.is_over:
                await self._slice.give_way()
            self._slice.end()

    def end(self) -> None:
        """Leave the hub, and every channel."""
        self._service.farewell(self._session)
        # What refers to itself would stay until a collection of everything, which is rare.
        self.queue.forget()
        del self._operations
        self._session.renew = None
        if isinstance(self._connection, Connection):
            self._connection.charge = None
        self._service.log.debug(
            "disconnected", client=self._session.id, code=self._connection.close_code
        )

    async def _refuse_at_once(self) -> None:
        """A browser sees nothing of a refused handshake, so it is told after the 101."""
        limit = self._context.max_per_address
        if 0 < limit < self._service.hub.from_address(self._session.address):
            self.queue.close(codes.CONNECTION_LIMIT)
            return
        if wants_protobuf(self._headers):
            self.queue.close(codes.BAD_FRAME.because("this server speaks JSON, not Protobuf"))
            return
        offered = subprotocol_token(self._headers)
        if not offered:
            return
        try:
            await self._context.verify(offered)
        except (ExpiredTokenError, VerifierDownError):
            return  # its connect is answered with an error that clients know how to mend
        except InvalidTokenError as error:
            self.queue.close(codes.INVALID_TOKEN.because(str(error)))

    async def _offered(self) -> Claims | None:
        request = self._connection.request
        return await self._context.offered(request) if request else None

    async def _frames(self, frames: list[bytes]) -> None:
        """Carry out what came: all at once where that is the same as one after another."""
        if len(frames) > 1 and (received := await self._read_together(frames)) is not None:
            await self._carry_out_all(received, sum(map(len, frames)))
            return
        for frame in frames:
            if self.queue.is_closing:
                return
            await self._frame(frame)

    async def _read_together(self, frames: list[bytes]) -> list[protocol.AnyCommand] | None:
        """Return the commands of all frames, and count them; None if one is to be refused."""
        together = b"\n".join(frames)
        cost = together.count(b"\n") + 1  # of an empty frame, too: it is work
        rules, now = self._service.rules, self._service.clocks.now()
        is_fine = cost <= protocol.MAX_COMMANDS and Binary not in map(type, frames)
        if not is_fine or not commands.affordable(rules, self._session, cost, now):
            return None
        try:
            received = await self._decoded(together)
        except (protocol.MalformedFrameError, UnicodeDecodeError):
            return None
        commands.limited(rules, self._session, cost, now)
        return received

    async def _frame(self, frame: bytes) -> None:
        service = self._service
        cost = frame.count(b"\n") + 1
        is_limited = commands.limited(service.rules, self._session, cost, service.clocks.now())
        if is_limited and self._is_flooding:  # before anything of it is read
            await self._close(codes.FLOODING)
            return
        if isinstance(frame, Binary):
            await self._close(codes.BAD_FRAME.because("binary frame"))
            return
        try:
            received = await self._decoded(frame)
        except protocol.MalformedFrameError as error:
            await self._close(codes.BAD_FRAME.because(str(error)))
            return
        except UnicodeDecodeError:
            await self._close(codes.INVALID_TEXT)
            return
        if is_limited:
            service.stats.commands += len(received)
            service.stats.received_bytes += len(frame)
            await self._pipeline.answered()
            self._refuse(received)
            return
        await self._carry_out_all(received, len(frame))

    async def _carry_out_all(self, received: list[protocol.AnyCommand], size: int) -> None:
        service, session, pipeline = self._service, self._session, self._pipeline
        service.stats.commands += len(received)
        service.stats.received_bytes += size
        for number, command in enumerate(received):
            if self.queue.is_closing:  # also since before this frame came
                return
            if number % GLANCE == GLANCE - 1 and self._slice.is_over:
                await self._slice.give_way()
            effect = commands.handle(service.hub, service.rules, session, command)
            if isinstance(effect, Publish):
                if not pipeline.publish(effect):
                    await pipeline.keep_up()
            elif effect is not None:
                await pipeline.answered()
                await self._carry_out(effect)

    async def _decoded(self, frame: bytes) -> list[protocol.AnyCommand]:
        """The commands of a frame: all, before the first is carried out."""
        lines = protocol.lines(frame)
        if len(lines) <= RUN and len(frame) <= RUN_BYTES:
            return protocol.decode(lines)
        received: list[protocol.AnyCommand] = []
        size = 0
        for number, each in enumerate(lines):
            received += protocol.decode((each,))
            size += len(each)
            if (number % RUN == 0 or size > RUN_BYTES) and self._slice.is_over:
                await self._slice.give_way()
                size = 0
        return received

    @property
    def _is_flooding(self) -> bool:
        return self._session.excess > FLOOD * self._service.rules.rate

    def _charge(self, frames: int) -> None:
        """Count control frames and fragments as commands; before the sign-in few are allowed."""
        rules, now = self._service.rules, self._service.clocks.now()
        if self._session.claims is None:
            self._early += frames
            if self._early > EARLY:
                self.queue.close(codes.FLOODING)
        elif commands.limited(rules, self._session, frames, now) and self._is_flooding:
            self.queue.close(codes.FLOODING)

    async def _close(self, disconnect: codes.Disconnect) -> None:
        await self._pipeline.answered()
        self.queue.close(disconnect)

    def _refuse(self, received: list[protocol.AnyCommand]) -> None:
        """Too many commands: each is answered so."""
        for command in received:
            if command.method and command.id:
                self._fail(Fail(command.id, codes.TOO_MANY_REQUESTS))

    async def _carry_out(self, effect: Reply | Fail | Close | Leave | Waiting) -> None:
        match effect:
            case Reply(payload):
                self.queue.send(payload)
            case Fail():
                self._fail(effect)
            case Close(disconnect):
                self.queue.close(disconnect)
            case Leave():
                self._operations.leave(effect)
            case _:
                await self._operations.carry_out(effect)

    def _fail(self, effect: Fail) -> None:
        self._service.stats.errors[effect.error.code] += 1
        self.queue.send(protocol.failure(effect.command_id, effect.error))

    def _closing(self, disconnect: codes.Disconnect) -> None:
        self._service.stats.disconnects[disconnect.code] += 1
        abuses = (codes.FLOODING.code, codes.BAD_FRAME.code)
        if disconnect.code in abuses and isinstance(self._connection, Connection):
            self._connection.refuse()
        self._service.log.info(
            "closing", client=self._session.id, code=disconnect.code, reason=disconnect.reason
        )

    def _dropped(self, slow: str, messages: int) -> None:
        self._service.stats.dropped[slow] += messages
