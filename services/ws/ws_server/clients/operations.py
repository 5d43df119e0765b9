"""Carries out what a command asks of the verifier, the broker and the hooks; reads no frames."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ws_server.broker.base import BrokerDownError
from ws_server.core import codes, protocol
from ws_server.core.claims import Claims, ExpiredTokenError, InvalidTokenError, VerifierDownError
from ws_server.core.codes import ReplyError
from ws_server.core.commands import may_subscribe
from ws_server.core.effects import (
    Call,
    Connect,
    Join,
    Leave,
    Offer,
    ReadHistory,
    ReadPresence,
    Refresh,
    Wanted,
)
from ws_server.core.namespaces import is_channel
from ws_server.core.policy import NOBODY, Policy
from ws_server.core.publication import History
from ws_server.core.session import Session
from ws_server.service import reading
from ws_server.service.decisions import Grant, HookError, Hooks
from ws_server.service.reading import RefusedError
from ws_server.service.service import Service

Verify = Callable[[str], Awaitable[Claims]]
"""The claims of a token, whatever its kind.

Raises ExpiredTokenError, InvalidTokenError or VerifierDownError.
"""


Prepared = tuple[Wanted, Grant, History | None]
"""A subscription of a connect command, what opened it, and the history of its channel."""
Waiting = Connect | Join | Offer | ReadHistory | ReadPresence | Refresh | Call


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections one user may have on this replica; 0 is no limit."""

    per_user: int = 0


class Operations:
    """The waiting half of one session's commands; answers go to its receiver."""

    def __init__(
        self,
        service: Service,
        session: Session,
        verify: Verify,
        hooks: Hooks,
        limits: Limits,
        policy: Policy,
        offered: Callable[[], Awaitable[Claims | None]],
        greeting: Mapping[str, object],
    ) -> None:
        self._service = service
        self._session = session
        self._verify = verify
        self._hooks = hooks
        self._limits = limits
        self._policy = policy
        self._offered = offered
        self._greeting = greeting

    async def carry_out(self, effect: Waiting) -> None:
        """Carry out any one of the effects that have to wait."""
        match effect:
            case Connect():
                await self.connect(effect)
            case Join():
                await self.join(effect)
            case Offer():
                await self.publish(effect)
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
            claims, data = await self._claims(effect)
        except HookError as error:
            self._refuse(effect.command_id, error)
            return
        except ExpiredTokenError:
            self._fail(effect.command_id, codes.TOKEN_EXPIRED)
            return
        except VerifierDownError:
            self._fail(effect.command_id, codes.INTERNAL)
            return
        except InvalidTokenError as error:
            self._session.receiver.close(codes.INVALID_TOKEN.because(str(error)))
            return
        if 0 < self._limits.per_user <= len(self._service.hub.of_user(claims.user)):
            self._session.receiver.close(codes.CONNECTION_LIMIT)
            return
        ttl = self._service.welcome(self._session, claims)
        self._service.log.debug("connected", client=self._session.id, user=claims.user)
        if claims.from_cookie or claims.from_hook:
            ttl = math.inf  # the page cannot renew it, and comes back after 3005 with a newer one
        self._session.renew = self._renew
        with self._service.greeting(self._session):
            await self._greet(effect, ttl, data)
        await asyncio.sleep(0)  # as for a subscribe

    async def _greet(self, effect: Connect, ttl: float, data: object) -> None:
        """Subscribe to what the connect command wants, and answer it, with ``data``."""
        try:
            prepared = await self._prepare(effect.wanted)
        except BrokerDownError:
            # Left out of the reply, an SDK would take them for ended, and never ask again.
            self._session.receiver.close(codes.INSUFFICIENT_STATE_ALL)
            return
        result = {
            "client": self._session.id,
            "version": "",
            "ping": max(1, int(self._service.hub.times.ping)),
            "pong": True,
            **protocol.life(ttl),
            **self._greeting,
        }
        body = protocol.with_data(protocol.encode(result), data)
        if subs := self._complete(prepared):
            body = body[:-1] + b',"subs":' + protocol.object_of(subs) + b"}"
        self._send(protocol.reply_raw(effect.command_id, "connect", body))

    async def join(self, effect: Join) -> None:
        """Complete a subscription, once everybody who has a say has agreed."""
        wanted, session = effect.wanted, self._session
        try:
            grant = Grant() if effect.is_allowed else await self._authorised(wanted)
            if grant.token:
                self._service.opened_by(session, wanted.channel, grant.token)
            history = await self._service.prepare(session, wanted)
        except (HookError, BrokerDownError) as error:
            self._service.leave(session, wanted.channel)
            self._refuse(effect.command_id, error)
            return
        ends = self._service.ends_at(grant.expires_at, by_token=bool(wanted.token))
        result = self._service.complete(session, wanted, history, ends, grant.data)
        if isinstance(result, ReplyError):
            self._fail(effect.command_id, result)
        else:
            self._send(protocol.reply_raw(effect.command_id, "subscribe", result))
            await asyncio.sleep(0)  # who asks next who is present is on the way to be so

    async def publish(self, effect: Offer) -> None:
        """Publish what the application allows."""
        try:
            offered = await self._hooks.publish(self._session, effect.channel, effect.data)
            payload = protocol.publication_raw(offered.data, self._session.info)
            if self._service.rules.is_too_large(effect.channel, payload):
                self._fail(effect.command_id, codes.LIMIT_EXCEEDED)
                return
            await self._service.publish(effect.channel, payload, skip_history=offered.skip_history)
        except (HookError, BrokerDownError) as error:
            self._refuse(effect.command_id, error)
            return
        self._service.fanout.flush(effect.channel)
        self._send(protocol.reply(effect.command_id, "publish", {}))

    def leave(self, effect: Leave) -> None:
        """End a subscription."""
        self._service.leave(self._session, effect.channel)
        self._send(protocol.reply(effect.command_id, "unsubscribe", {}))

    async def history(self, effect: ReadHistory) -> None:
        """Read a channel's publications."""
        broker, reverse = self._service.broker, effect.is_reverse
        try:
            body = await reading.history(
                broker, effect.channel, effect.since, effect.limit, reverse=reverse
            )
        except (BrokerDownError, RefusedError) as error:
            self._fail(effect.command_id, _error(error))
            return
        self._send(protocol.reply_raw(effect.command_id, "history", body))

    async def presence(self, effect: ReadPresence) -> None:
        """Read who is in a channel."""
        read = reading.presence_stats if effect.counts_only else reading.presence
        try:
            body = await read(self._service.broker, effect.channel)
        except BrokerDownError as error:
            self._fail(effect.command_id, _error(error))
            return
        method = "presence_stats" if effect.counts_only else "presence"
        self._send(protocol.reply_raw(effect.command_id, method, body))

    async def call(self, effect: Call) -> None:
        """Ask the application; without an id, nobody hears what it says."""
        try:
            answer = await self._hooks.call(self._session, effect.method, effect.data)
        except HookError as error:
            self._refuse(effect.command_id, error)
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
            self._refuse_old(effect)
            return
        except VerifierDownError:
            self._fail(effect.command_id, codes.INTERNAL)
            return
        except InvalidTokenError as error:
            session.receiver.close(codes.INVALID_TOKEN.because(str(error)))
            return
        if effect.channel and not self._service.hub.channels.is_member(session, effect.channel):
            self._fail(effect.command_id, codes.PERMISSION_DENIED)  # it ended meanwhile
        elif effect.channel:
            ttl = self._service.refresh_subscription(session, effect.channel, claims)
            self._send(protocol.reply(effect.command_id, "sub_refresh", protocol.life(ttl)))
        else:
            ttl = self._service.refresh(session, claims)
            result = {"client": session.id, "version": "", **protocol.life(ttl)}
            self._send(protocol.reply(effect.command_id, "refresh", result))

    def _refuse_old(self, effect: Refresh) -> None:
        """SDKs stay away for good after an error to a refresh, but come back with another token."""
        if effect.channel:
            self._service.unsubscribe(self._session, effect.channel, codes.SUBSCRIPTION_EXPIRED)
            self._fail(effect.command_id, codes.TOKEN_EXPIRED)
        else:
            self._session.receiver.close(codes.CONNECTION_EXPIRED)

    async def _claims(self, effect: Connect) -> tuple[Claims, object]:
        """Return who it is, and data for the client. Raises HookError and as ``Verify``."""
        token = effect.token
        claims = await (self._verify(token) if token else self._offered())
        if claims is None and (said := await self._hooks.connect(self._session, effect.data)):
            return said
        if claims is None and self._policy.allow_anonymous:
            return NOBODY, None
        if claims is None:
            raise InvalidTokenError("there is none")
        if claims.channel:
            raise InvalidTokenError("it is for a subscription")
        return claims, None

    def _renew(self, channel: str) -> bool:
        """Have the application say whether what has just expired goes on."""
        if not self._hooks.can_renew(channel):
            return False
        work = self._renew_subscription(channel) if channel else self._renew_connection()
        self._service.later(work)
        return True

    async def _renew_connection(self) -> None:
        asked_about = self._session.claims
        try:
            claims = await self._hooks.refresh(self._session)
        except HookError as error:
            is_ours = self._session.claims is asked_about
            if is_ours and (error.disconnect or not error.error.temporary):
                self._session.receiver.close(error.disconnect or codes.CONNECTION_EXPIRED)
            return  # it ends with the time that it was given
        if self._session.claims is not asked_about:
            return  # by a token, meanwhile
        if claims is None:
            self._session.receiver.close(codes.CONNECTION_EXPIRED)
        else:
            self._service.refresh(self._session, claims)

    async def _renew_subscription(self, channel: str) -> None:
        asked_about = self._session.channels.get(channel)
        try:
            expires_at = await self._hooks.sub_refresh(self._session, channel)
        except HookError as error:
            if error.error.temporary and not error.disconnect:
                return
            expires_at = None
        if self._session.channels.get(channel) is not asked_about:
            return  # another one, by now
        if expires_at is None or expires_at <= self._service.clocks.wall():
            self._service.unsubscribe(self._session, channel, codes.SUBSCRIPTION_EXPIRED)
        else:
            self._service.renewed(self._session, channel, expires_at)

    async def _authorised(self, wanted: Wanted) -> Grant:
        """What a subscription token or else the hook grants. Raises HookError."""
        if not wanted.token:
            grant = await self._hooks.subscribe(self._session, wanted)
            if grant.expires_at <= self._service.clocks.wall():
                raise HookError(codes.EXPIRED)  # or it would hold for the time to mend it
            return grant
        try:
            claims = await self._verify(wanted.token)
        except ExpiredTokenError:
            raise HookError(codes.TOKEN_EXPIRED) from None
        except VerifierDownError:
            raise HookError(codes.INTERNAL) from None
        except InvalidTokenError:
            raise HookError(codes.PERMISSION_DENIED) from None
        if (claims.channel, claims.user) != (wanted.channel, self._session.user):
            raise HookError(codes.PERMISSION_DENIED)
        return Grant(claims.expires_at, token=claims)

    async def _prepare(self, wanted: Sequence[Wanted]) -> list[Prepared]:
        """Get ready what the server subscribes, and what the connect command may; no more.

        Raises BrokerDownError.
        """
        service, session = self._service, self._session
        asked = {each.channel: each for each in wanted}
        given = self._policy.given(session.claims) if session.claims else ()
        allowed: list[tuple[Wanted, Grant]] = []
        for each in given:
            since = asked.pop(each.channel, each).since
            allowed.append((replace(each, since=since), Grant(data=each.data)))
        allowed += [
            (each, grant)
            for each in asked.values()
            if (grant := await self._admitted(each)) is not None
        ]
        if not allowed:
            return []
        for each, grant in allowed:
            service.hub.channels.join(session, each.channel)
            if grant.token:
                service.opened_by(session, each.channel, grant.token)
        histories = await asyncio.gather(
            *(service.prepare(session, each) for each, _ in allowed), return_exceptions=True
        )
        prepared: list[Prepared] = []
        for (each, grant), history in zip(allowed, histories, strict=True):
            if isinstance(history, BaseException):
                raise history
            prepared.append((each, grant, history))
        return prepared

    async def _admitted(self, wanted: Wanted) -> Grant | None:
        """Return what opens a channel of the connect command; None if nothing does."""
        if not is_channel(wanted.channel):
            return None
        if not wanted.token:
            is_open = may_subscribe(self._service.rules, self._session, wanted.channel)
            return Grant() if is_open else None
        try:
            return await self._authorised(wanted)
        except HookError:
            return None

    def _complete(self, prepared: list[Prepared]) -> dict[str, bytes]:
        """Complete them all at once, so that no publication comes before the reply."""
        service, done = self._service, {}
        for each, grant, history in prepared:
            ends = service.ends_at(grant.expires_at, by_token=bool(each.token))
            done[each.channel] = service.complete(
                self._session, each, history, ends, grant.data, is_server_side=True
            )
        return {channel: result for channel, result in done.items() if isinstance(result, bytes)}

    def _send(self, payload: bytes) -> None:
        self._session.receiver.send(payload)

    def _refuse(self, command_id: int, error: HookError | BrokerDownError) -> None:
        """Answer a command as the hook says; without an id, nobody waits for an error."""
        if isinstance(error, HookError) and error.disconnect:
            self._session.receiver.close(error.disconnect)
        elif command_id:
            self._fail(command_id, _error(error))

    def _fail(self, command_id: int, error: ReplyError) -> None:
        self._service.stats.errors[error.code] += 1
        self._send(protocol.failure(command_id, error))


def _require_same(session: Session, channel: str, claims: Claims) -> None:
    if claims.user != session.user:
        raise InvalidTokenError("it is another user's")
    if claims.channel != channel:
        raise InvalidTokenError("it is for another channel, or for a subscription")


def _error(error: RefusedError | BrokerDownError) -> ReplyError:
    return error.error if isinstance(error, RefusedError) else codes.INTERNAL
