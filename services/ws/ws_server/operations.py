"""Carries out what a command asks of the verifier, the broker and the hooks; reads no frames."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from ws_server import codes, protocol
from ws_server.auth import Claims, ExpiredTokenError, InvalidTokenError
from ws_server.broker import BrokerDownError
from ws_server.codes import ReplyError
from ws_server.commands import (
    Call,
    Connect,
    Join,
    Leave,
    Publish,
    ReadHistory,
    ReadPresence,
    Refresh,
    Wanted,
    may_subscribe,
)
from ws_server.namespaces import is_channel
from ws_server.publication import History
from ws_server.service import Service
from ws_server.session import Session

Verify = Callable[[str], Awaitable[Claims]]
"""The claims of a token, whatever its kind. Raises ExpiredTokenError or InvalidTokenError."""


Waiting = Connect | Join | Publish | ReadHistory | ReadPresence | Refresh | Call


class HookError(Exception):
    """The application's hook refused, or could not be asked; ``error`` is the answer to that."""

    def __init__(self, error: ReplyError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections one user may have on this replica; 0 is no limit."""

    per_user: int = 0


class Hooks(Protocol):
    """What the application decides."""

    async def subscribe(self, session: Session, wanted: Wanted, /) -> None:
        """Return when the session may subscribe. Raises HookError."""

    async def call(self, session: Session, method: str, data: object, /) -> object:
        """The answer to an RPC; ``method`` is "" for one without a name. Raises HookError."""


class NoHooks:
    """Nobody to ask: nothing more is allowed."""

    async def subscribe(self, _session: Session, _wanted: Wanted, /) -> None:
        """Denied."""
        raise HookError(codes.PERMISSION_DENIED)

    async def call(self, _session: Session, _method: str, _data: object, /) -> object:
        """Not available."""
        raise HookError(codes.NOT_AVAILABLE)


class Operations:
    """The waiting half of one session's commands; answers go to its receiver."""

    def __init__(
        self,
        service: Service,
        session: Session,
        verify: Verify,
        hooks: Hooks,
        limits: Limits,
        offered: Callable[[], Awaitable[Claims | None]],
    ) -> None:
        self._service = service
        self._session = session
        self._verify = verify
        self._hooks = hooks
        self._limits = limits
        self._offered = offered
        self._published: list[tuple[Publish, ReplyError | None]] = []

    async def carry_out(self, effect: Waiting) -> None:
        """Carry out any one of the effects that have to wait."""
        match effect:
            case Connect():
                await self.connect(effect)
            case Join():
                await self.join(effect)
            case Publish():
                await self.publish([effect])
            case ReadHistory():
                await self.history(effect)
            case ReadPresence():
                await self.presence(effect)
            case Refresh():
                await self.refresh(effect)
            case Call():
                await self.call(effect)

    async def connect(self, effect: Connect) -> None:
        """Sign in, then subscribe to what the connect command wants."""
        try:
            claims = await self._claims(effect.token)
        except ExpiredTokenError:
            self._fail(effect.command_id, codes.TOKEN_EXPIRED)
            return
        except InvalidTokenError as error:
            self._session.receiver.close(codes.INVALID_TOKEN.because(str(error)))
            return
        if 0 < self._limits.per_user <= len(self._service.hub.of_user(claims.user)):
            self._session.receiver.close(codes.CONNECTION_LIMIT)
            return
        ttl = self._service.welcome(self._session, claims)
        prepared = await self._prepare(effect.wanted)
        result = {
            "client": self._session.id,
            "version": "",
            "ping": max(1, int(self._service.hub.times.ping)),
            "pong": True,
            **_life(ttl),
        }
        body = protocol.encode(result)
        if subs := self._complete(prepared):
            body = body[:-1] + b',"subs":' + protocol.object_of(subs) + b"}"
        self._send(protocol.reply_raw(effect.command_id, "connect", body))

    async def join(self, effect: Join) -> None:
        """Complete a subscription, once everybody who has a say has agreed."""
        wanted, session = effect.wanted, self._session
        try:
            ends = math.inf if effect.is_allowed else await self._authorised(wanted)
            history = await self._service.prepare(session, wanted)
        except (HookError, BrokerDownError) as error:
            self._service.leave(session, wanted.channel)
            self._fail(effect.command_id, _error(error))
            return
        result = self._service.complete(session, wanted, history, ends)
        if result is None:
            self._fail(effect.command_id, codes.INTERNAL)
        else:
            self._send(protocol.reply_raw(effect.command_id, "subscribe", result))

    def leave(self, effect: Leave) -> None:
        """End a subscription."""
        self._service.leave(self._session, effect.channel)
        self._send(protocol.reply(effect.command_id, "unsubscribe", {}))

    async def publish(self, effects: Sequence[Publish]) -> None:
        """Hand all to the broker in order without waiting between them, then answer in order."""
        publish = self._service.publish
        work = [_failure(publish(effect.channel, effect.payload)) for effect in effects]
        # A task would end the turn of the loop, and with it the joining of what is published.
        failures = [await work[0]] if len(work) == 1 else await asyncio.gather(*work)
        if not self._published:
            self._service.fanout.afterwards(self.settle)
        for effect, failure in zip(effects, failures, strict=True):
            self._published.append((effect, failure))

    def settle(self) -> None:
        """Answer what was published in this turn, after the publications themselves.

        To be called before anything else is answered: replies come in the order of the commands.
        """
        published, self._published = self._published, []
        for channel in {effect.channel for effect, _ in published}:
            self._service.fanout.flush(channel)
        replies = []
        for effect, failure in published:
            if failure is None:
                replies.append(protocol.reply_raw(effect.command_id, "publish", b"{}"))
            else:
                self._service.stats.errors[failure.code] += 1
                replies.append(protocol.failure(effect.command_id, failure))
        if replies:
            self._send(b"\n".join(replies))

    async def history(self, effect: ReadHistory) -> None:
        """Read a channel's publications."""
        try:
            found = await self._service.broker.history(
                effect.channel, effect.since, effect.limit, reverse=effect.is_reverse
            )
        except BrokerDownError:
            self._fail(effect.command_id, codes.INTERNAL)
            return
        if effect.since and effect.since.epoch not in {"", found.top.epoch}:
            self._fail(effect.command_id, codes.UNRECOVERABLE_POSITION)
            return
        top = {"epoch": found.top.epoch, "offset": found.top.offset}
        body = protocol.subscribed(top, [pub.json for pub in found.publications])
        self._send(protocol.reply_raw(effect.command_id, "history", body))

    async def presence(self, effect: ReadPresence) -> None:
        """Read who is in a channel."""
        try:
            present = await self._service.broker.present(effect.channel)
        except BrokerDownError:
            self._fail(effect.command_id, codes.INTERNAL)
            return
        if effect.counts_only:
            counts = presence_counts(present.values())
            self._send(protocol.reply(effect.command_id, "presence_stats", counts))
        else:
            body = b'{"presence":' + protocol.object_of(present) + b"}"
            self._send(protocol.reply_raw(effect.command_id, "presence", body))

    async def call(self, effect: Call) -> None:
        """Ask the application; without an id, nobody hears what it says."""
        try:
            answer = await self._hooks.call(self._session, effect.method, effect.data)
        except HookError as error:
            if effect.command_id:
                self._fail(effect.command_id, error.error)
            return
        if effect.command_id:
            self._send(protocol.reply(effect.command_id, "rpc", {"data": answer}))

    async def refresh(self, effect: Refresh) -> None:
        """Take another token for the connection, or for one subscription."""
        session = self._session
        try:
            claims = await self._verify(effect.token)
            _require_same(session, effect.channel, claims)
        except ExpiredTokenError:
            self._fail(effect.command_id, codes.TOKEN_EXPIRED)
            return
        except InvalidTokenError as error:
            session.receiver.close(codes.INVALID_TOKEN.because(str(error)))
            return
        if effect.channel:
            ttl = self._service.refresh_subscription(session, effect.channel, claims)
            self._send(protocol.reply(effect.command_id, "sub_refresh", _life(ttl)))
        else:
            ttl = self._service.refresh(session, claims)
            result = {"client": session.id, "version": "", **_life(ttl)}
            self._send(protocol.reply(effect.command_id, "refresh", result))

    async def _claims(self, token: str) -> Claims:
        if token:
            return await self._verify(token)
        claims = await self._offered()
        if claims is None:
            raise InvalidTokenError("there is none")
        return claims

    async def _authorised(self, wanted: Wanted) -> float:
        """When the subscription ends, on the hub's clock. Raises HookError."""
        if not wanted.token:
            await self._hooks.subscribe(self._session, wanted)
            return math.inf
        try:
            claims = await self._verify(wanted.token)
        except ExpiredTokenError:
            raise HookError(codes.TOKEN_EXPIRED) from None
        except InvalidTokenError:
            raise HookError(codes.PERMISSION_DENIED) from None
        if (claims.channel, claims.user) != (wanted.channel, self._session.user):
            raise HookError(codes.PERMISSION_DENIED)
        return self._service.ends_at(claims)

    async def _prepare(self, wanted: Sequence[Wanted]) -> list[tuple[Wanted, History | None]]:
        """Get ready what the connect command may subscribe; the rest is left out."""
        rules, session = self._service.rules, self._session
        allowed = [
            each
            for each in wanted
            if is_channel(each.channel) and may_subscribe(rules, session, each.channel)
        ]
        for each in allowed:
            self._service.hub.channels.join(session, each.channel)
        histories = await asyncio.gather(
            *(self._service.prepare(session, each) for each in allowed), return_exceptions=True
        )
        return [
            (each, history)
            for each, history in zip(allowed, histories, strict=True)
            if not isinstance(history, BaseException)
        ]

    def _complete(self, prepared: list[tuple[Wanted, History | None]]) -> dict[str, bytes]:
        """Complete them all at once, so that no publication comes before the reply."""
        done = {
            each.channel: self._service.complete(self._session, each, history)
            for each, history in prepared
        }
        return {channel: result for channel, result in done.items() if result is not None}

    def _send(self, payload: bytes) -> None:
        self._session.receiver.send(payload)

    def _fail(self, command_id: int, error: ReplyError) -> None:
        self._service.stats.errors[error.code] += 1
        self._send(protocol.failure(command_id, error))


def presence_counts(infos: Collection[bytes]) -> dict[str, int]:
    """How many clients and users a presence has."""
    users = {protocol.user_of(info) for info in infos}
    return {"num_clients": len(infos), "num_users": len(users)}


def _require_same(session: Session, channel: str, claims: Claims) -> None:
    if claims.user != session.user:
        raise InvalidTokenError("it is another user's")
    if channel and claims.channel != channel:
        raise InvalidTokenError("it is for another channel")


def _life(ttl: float) -> dict[str, object]:
    return {"expires": True, "ttl": max(1, int(ttl))} if ttl < math.inf else {"expires": False}


async def _failure(publishing: Awaitable[object]) -> ReplyError | None:
    try:
        await publishing
    except BrokerDownError:
        return codes.INTERNAL
    return None


def _error(error: HookError | BrokerDownError) -> ReplyError:
    return error.error if isinstance(error, HookError) else codes.INTERNAL
