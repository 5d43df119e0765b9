"""Implements the methods of the HTTP API; reads no HTTP.

Compatible with https://centrifugal.dev/docs/server/server_api, so that its clients work.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Any

from ws_server.api import requests
from ws_server.api.requests import UNSET, MalformedError
from ws_server.broker.base import BrokerDownError
from ws_server.core import codes, protocol
from ws_server.core.codes import ReplyError
from ws_server.core.commands import history_limit, position
from ws_server.core.namespaces import is_channel
from ws_server.core.publication import Version
from ws_server.service import control, reading
from ws_server.service.reading import RefusedError
from ws_server.service.revoking import Revoking
from ws_server.service.service import Service
from ws_server.service.survey import Survey

MAX_CHANNELS = 10_000  # per broadcast
MAX_COMMANDS = 1_000  # per batch
MAX_KEY = 256  # characters per idempotency key
MAX_VERSION = 2**53  # Redis compares them as double precision numbers
MAX_REASON = 123  # bytes that a close frame holds (RFC 6455 §5.5)

Outcome = bytes | ReplyError
"""A result as JSON, or the error."""

_EMPTY = b"{}"


class Api:
    """The methods by name. The caller is authorised for all of them."""

    def __init__(self, service: Service, revoking: Revoking, survey: Survey) -> None:
        self._service = service
        self._revoking = revoking
        self._survey = survey
        self._methods: Mapping[str, tuple[type, Callable[[Any], Awaitable[bytes]]]] = {
            "publish": (requests.Publish, self._publish),
            "broadcast": (requests.Broadcast, self._broadcast),
            "subscribe": (requests.Subscribe, self._subscribe),
            "unsubscribe": (requests.Unsubscribe, self._unsubscribe),
            "disconnect": (requests.Disconnect, self._disconnect),
            "refresh": (requests.Refresh, self._refresh),
            "revoke": (requests.Revoke, self._revoke),
            "presence": (requests.OfChannel, self._presence),
            "presence_stats": (requests.OfChannel, self._presence_stats),
            "history": (requests.History, self._history),
            "history_remove": (requests.OfChannel, self._history_remove),
            "channels": (requests.Channels, self._channels),
            "info": (requests.Info, self._info),
        }
        self.names = frozenset({*self._methods, "batch"})

    async def call(self, method: str, body: Any) -> tuple[bytes, int]:
        """Return the answer to one of ``names``, and its error code or 0.

        Raises MalformedError.
        """
        if not isinstance(body, dict):
            raise MalformedError("the body must be an object")
        if method == "batch":
            return await self._batch(body), 0
        outcome = await self._outcome(method, self._read(method, body))
        return _response(outcome), outcome.code if isinstance(outcome, ReplyError) else 0

    async def _batch(self, body: Mapping[str, Any]) -> bytes:
        commands = body.get("commands")
        if not isinstance(commands, list) or len(commands) > MAX_COMMANDS:
            raise MalformedError(f"commands must be a list of at most {MAX_COMMANDS}")
        # All are read before the first one runs: a malformed body has no effect.
        calls = [self._command(command) for command in commands]
        if body.get("parallel") is True:
            outcomes = await asyncio.gather(*(self._outcome(*call) for call in calls))
        else:
            outcomes = [await self._outcome(*call) for call in calls]
        replies = (
            b'{"%s":%s}' % (method.encode(), outcome)
            if isinstance(outcome, bytes)
            else _response(outcome)
            for (method, _), outcome in zip(calls, outcomes, strict=True)
        )
        return b'{"replies":[' + b",".join(replies) + b"]}"

    def _command(self, command: object) -> tuple[str, object]:
        if not isinstance(command, dict) or len(command) != 1:
            raise MalformedError("a command is an object with one method")
        ((method, body),) = command.items()
        if not isinstance(body, dict):
            raise MalformedError("the parameters of a method are an object")
        return method, self._read(method, body)

    def _read(self, method: str, body: Mapping[str, Any]) -> object:
        """Return a request or the error. Raises MalformedError."""
        if method not in self._methods:
            return codes.METHOD_NOT_FOUND
        try:
            return requests.read(self._methods[method][0], body)
        except RefusedError as error:
            return error.error

    async def _outcome(self, method: str, request: object) -> Outcome:
        if isinstance(request, ReplyError):
            return request
        try:
            return await self._methods[method][1](request)
        except RefusedError as error:
            return error.error
        except BrokerDownError:
            return codes.INTERNAL

    async def _publish(self, request: requests.Publish) -> bytes:
        payload = _payload(request)
        return await self._publish_in(request.channel, payload, request)

    async def _broadcast(self, request: requests.Broadcast) -> bytes:
        channels = request.channels or []
        _require(bool(channels))
        _require(len(channels) <= MAX_CHANNELS, codes.LIMIT_EXCEEDED)
        payload = _payload(request)
        answers = await asyncio.gather(
            *(self._publish_in(channel, payload, request) for channel in channels),
            return_exceptions=True,
        )
        responses = b",".join(_response(_outcome_of(answer)) for answer in answers)
        return b'{"responses":[' + responses + b"]}"

    async def _publish_in(
        self, channel: str, payload: bytes, request: requests.Publish | requests.Broadcast
    ) -> bytes:
        _require_channel(channel)
        largest = self._service.rules.namespaces.of(channel).max_publication_bytes
        _require(not 0 < largest < len(payload), codes.LIMIT_EXCEEDED)
        version = _version(request)
        if version is not None:  # it is kept with the history
            self._require_history(channel)
            _require(not request.skip_history)
        place = await self._service.publish(
            channel,
            payload,
            key=request.idempotency_key,
            skip_history=request.skip_history,
            version=version,
        )
        return protocol.encode({"offset": place.offset, "epoch": place.epoch} if place[0] else {})

    async def _subscribe(self, request: requests.Subscribe) -> bytes:
        _require_channel(request.channel)
        since = request.recover_since
        _require(since is None or position(since) is not None)
        return await self._tell("subscribe", request)

    async def _unsubscribe(self, request: requests.Unsubscribe) -> bytes:
        _require_channel(request.channel)
        return await self._tell("unsubscribe", request)

    async def _disconnect(self, request: requests.Disconnect) -> bytes:
        custom = request.disconnect or {}
        code, reason = custom.get("code", codes.FORCED.code), custom.get("reason", "")
        _require(type(code) is int and 3000 <= code <= 4999)
        _require(isinstance(reason, str) and len(reason.encode(errors="replace")) <= MAX_REASON)
        fields = {"client": request.client, "whitelist": request.whitelist}
        if custom:
            fields |= {"code": code, "reason": reason}
        _require(bool(request.user))
        await self._service.broker.command(
            control.encode("disconnect", user=request.user, **fields)
        )
        return _EMPTY

    async def _refresh(self, request: requests.Refresh) -> bytes:
        return await self._tell("refresh", request)

    async def _revoke(self, request: requests.Revoke) -> bytes:
        _require(bool(request.user or request.token_id))
        await self._revoking.revoke(
            user=request.user,
            token_id=request.token_id,
            issued_before=request.issued_before or None,
            until=request.until or None,
        )
        return _EMPTY

    async def _tell(
        self, name: str, request: requests.Subscribe | requests.Unsubscribe | requests.Refresh
    ) -> bytes:
        _require(bool(request.user))
        # asdict would copy nested values, and fail for deep ones.
        named = {field.name: getattr(request, field.name) for field in fields(request)}
        await self._service.broker.command(control.encode(name, **named))
        return _EMPTY

    async def _presence(self, request: requests.OfChannel) -> bytes:
        self._require_presence(request.channel)
        return await reading.presence(self._service.broker, request.channel)

    async def _presence_stats(self, request: requests.OfChannel) -> bytes:
        self._require_presence(request.channel)
        return await reading.presence_stats(self._service.broker, request.channel)

    async def _history(self, request: requests.History) -> bytes:
        self._require_history(request.channel)
        since = None if request.since is None else position(request.since)
        _require(since is not None or request.since is None)
        limit, broker = history_limit(request.limit), self._service.broker
        return await reading.history(broker, request.channel, since, limit, reverse=request.reverse)

    async def _history_remove(self, request: requests.OfChannel) -> bytes:
        self._require_history(request.channel)
        await self._service.broker.forget(request.channel)
        return _EMPTY

    async def _channels(self, request: requests.Channels) -> bytes:
        found = await self._survey.channels(request.pattern)
        members = {name: {"num_clients": clients} for name, clients in found.items()}
        return protocol.encode({"channels": members})

    async def _info(self, _request: requests.Info) -> bytes:
        return protocol.encode({"nodes": await self._survey.replicas()})

    def _require_presence(self, channel: str) -> None:
        _require_channel(channel)
        _require(self._service.rules.namespaces.of(channel).presence, codes.NOT_AVAILABLE)

    def _require_history(self, channel: str) -> None:
        _require_channel(channel)
        _require(self._service.rules.namespaces.of(channel).has_history, codes.NOT_AVAILABLE)


def _require(is_fine: bool, error: ReplyError = codes.BAD_REQUEST) -> None:
    if not is_fine:
        raise RefusedError(error)


def _require_channel(channel: str) -> None:
    _require(bool(channel))
    _require(is_channel(channel), codes.UNKNOWN_CHANNEL)


def _payload(request: requests.Publish | requests.Broadcast) -> bytes:
    """Return the ``pub`` object. Raises RefusedError for missing data or an invalid value."""
    _require(len(request.idempotency_key) <= MAX_KEY)
    data = request.data
    try:
        request.idempotency_key.encode()  # Redis cannot store half of a surrogate pair
        if request.b64data:
            data = protocol.parse(base64.b64decode(request.b64data, validate=True))
        _require(data is not UNSET)
        return protocol.publication(data, tags=request.tags)
    except (ValueError, binascii.Error):
        raise RefusedError(codes.BAD_REQUEST) from None


def _version(request: requests.Publish | requests.Broadcast) -> Version | None:
    """Return the version of what is published, if it has one. Raises RefusedError."""
    _require(0 <= request.version <= MAX_VERSION and len(request.version_epoch) <= MAX_KEY)
    _require(request.version > 0 or not request.version_epoch)
    try:
        request.version_epoch.encode()  # Redis cannot compare half of a surrogate pair
    except UnicodeEncodeError:
        raise RefusedError(codes.BAD_REQUEST) from None
    return Version(request.version, request.version_epoch) if request.version else None


def _outcome_of(answer: bytes | BaseException) -> Outcome:
    match answer:
        case bytes():
            return answer
        case RefusedError():
            return answer.error
        case BrokerDownError():
            return codes.INTERNAL
    raise answer


def _response(outcome: Outcome) -> bytes:
    if isinstance(outcome, bytes):
        return b'{"result":' + outcome + b"}"
    return protocol.encode({"error": {"code": outcome.code, "message": outcome.message}})
