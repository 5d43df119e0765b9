"""What each command does to the hub and what is to be done outside; no I/O, no waiting.

A method is one function here. It changes the hub and returns effects, which the connection
carries out in order; what has to wait (the verifier, the broker) is an effect.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ws_server import codes, protocol
from ws_server.auth import Claims
from ws_server.codes import Disconnect, ReplyError
from ws_server.hub import Hub
from ws_server.protocol import Command
from ws_server.session import Session

MAX_CHANNEL_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Reply:
    """Send these bytes to the session itself."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Verify:
    """Check the token, then call ``connected`` or answer with the reason."""

    command_id: int
    token: str


@dataclass(frozen=True, slots=True)
class Join:
    """Have the broker deliver the channel, then call ``subscribed``."""

    command_id: int
    channel: str


@dataclass(frozen=True, slots=True)
class Release:
    """Tell the broker that nobody here listens to the channel any more."""

    channel: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Hand the publication to the broker, then answer."""

    command_id: int
    channel: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection; nothing that follows is carried out."""

    disconnect: Disconnect


Effect = Reply | Verify | Join | Release | Publish | Close
Method = Callable[[Hub, Session, Command], list[Effect]]


def handle(hub: Hub, session: Session, command: Command) -> list[Effect]:
    """Carry out one command as far as that needs no waiting."""
    if command.method == "":
        session.pong_by = float("inf")
        return []
    if command.id == 0:
        return [Close(codes.BAD_FRAME.because(f"{command.method[:32]} without an id"))]
    if session.claims is None and command.method != "connect":
        return [Close(codes.BAD_FRAME.because("connect comes first"))]
    method = METHODS.get(command.method)
    if method is None:
        is_known = command.method in NOT_YET
        return _fail(command, codes.NOT_AVAILABLE if is_known else codes.METHOD_NOT_FOUND)
    return method(hub, session, command)


def connected(
    hub: Hub, session: Session, command_id: int, claims: Claims, ttl: float, now: float
) -> bytes:
    """The token was good for another ``ttl`` seconds: start the session; returns the reply."""
    session.welcome(claims, now + ttl, now + hub.times.ping)
    hub.schedule(session)
    result = {
        "client": session.id,
        "version": "",
        "expires": True,
        "ttl": max(1, int(ttl)),
        "ping": max(1, int(hub.times.ping)),
        "pong": True,
    }
    return protocol.reply(command_id, "connect", result)


def subscribed(hub: Hub, session: Session, command_id: int, channel: str) -> bytes:
    """The broker delivers the channel: complete the subscription; returns the reply."""
    if hub.joined(session, channel):
        return protocol.reply(command_id, "subscribe", {})
    return protocol.failure(command_id, codes.INTERNAL)


def _connect(_hub: Hub, session: Session, command: Command) -> list[Effect]:
    if session.claims is not None:
        return [Close(codes.BAD_FRAME.because("connected already"))]
    token = command.params.get("token", "") or session.token
    if not isinstance(token, str):
        return _fail(command, codes.BAD_REQUEST)
    if not token:
        return [Close(codes.INVALID_TOKEN.because("there is none"))]
    return [Verify(command.id, token)]


def _subscribe(hub: Hub, session: Session, command: Command) -> list[Effect]:
    channel = _channel_name(command)
    if (error := _channel_error(session, channel)) is not None:
        return _fail(command, error)
    if channel in session.channels:
        return _fail(command, codes.ALREADY_SUBSCRIBED)
    if len(session.channels) >= hub.max_channels:
        return _fail(command, codes.LIMIT_EXCEEDED)
    hub.join(session, channel)
    return [Join(command.id, channel)]


def _unsubscribe(hub: Hub, session: Session, command: Command) -> list[Effect]:
    channel = _channel_name(command)
    if not channel:
        return _fail(command, codes.BAD_REQUEST)
    done = Reply(protocol.reply(command.id, "unsubscribe", {}))
    return [Release(channel), done] if hub.leave(session, channel) else [done]


def _publish(hub: Hub, session: Session, command: Command) -> list[Effect]:
    channel = _channel_name(command)
    if (error := _channel_error(session, channel)) is not None:
        return _fail(command, error)
    if not hub.is_member(session, channel):
        return _fail(command, codes.PERMISSION_DENIED)
    if "data" not in command.params:
        return _fail(command, codes.BAD_REQUEST)
    try:
        payload = protocol.publication(command.params["data"], session.user, session.id)
    except ValueError:
        return _fail(command, codes.BAD_REQUEST)
    return [Publish(command.id, channel, payload)]


def _ping(_hub: Hub, _session: Session, command: Command) -> list[Effect]:
    return [Reply(protocol.reply(command.id, "ping", {}))]


METHODS: dict[str, Method] = {
    "connect": _connect,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "publish": _publish,
    "ping": _ping,
}
# Methods of the protocol that this server does not offer, as opposed to typing mistakes.
NOT_YET = frozenset(
    {"presence", "presence_stats", "history", "rpc", "send", "refresh", "sub_refresh"}
)


def _fail(command: Command, error: ReplyError) -> list[Effect]:
    return [Reply(protocol.failure(command.id, error))]


def _channel_name(command: Command) -> str:
    name = command.params.get("channel")
    return name if isinstance(name, str) else ""


def _channel_error(session: Session, channel: str) -> ReplyError | None:
    if not 0 < len(channel) <= MAX_CHANNEL_LENGTH:
        return codes.BAD_REQUEST
    # A name that no token can claim as such: * is a pattern, and the rest is unprintable.
    if "*" in channel or not channel.isprintable():
        return codes.UNKNOWN_CHANNEL
    if session.claims is None or not session.claims.allows(channel):
        return codes.PERMISSION_DENIED
    return None
