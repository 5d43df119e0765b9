"""What each command changes here, and what is to be done outside; no I/O, no waiting.

A method is one function here. It changes the hub and returns effects, which the connection
carries out in order; what has to wait (the verifier, the broker) is an effect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ws_server.core import codes, protocol
from ws_server.core.codes import ReplyError
from ws_server.core.effects import (
    Call,
    Close,
    Connect,
    Effect,
    Fail,
    Join,
    Leave,
    Offer,
    Publish,
    ReadHistory,
    ReadPresence,
    Refresh,
    Reply,
    Wanted,
)
from ws_server.core.hub import Hub
from ws_server.core.namespaces import PERSONAL, Namespaces, is_channel, is_personal
from ws_server.core.protocol import AnyCommand, Command, Publishing
from ws_server.core.publication import Position
from ws_server.core.session import Session

MAX_HISTORY = 1000  # publications of one answer
NOT_DONE = ("delta", "tf", "type")  # of a subscribe: Fossil deltas, filters by tags, map channels
REJECT_UNRECOVERED = 2  # bit of a subscribe's flag; the others ask for what is not offered here


def history_limit(limit: int) -> int:
    """Return how many publications an answer may have; below 0, as many as possible."""
    return MAX_HISTORY if limit < 0 else min(limit, MAX_HISTORY)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the commands are judged by. ``rate`` is commands a second and session; 0 is no limit."""

    namespaces: Namespaces
    max_channels: int
    rate: float = 0.0

    def is_too_large(self, channel: str, payload: bytes) -> bool:
        """Whether a ``pub`` object is larger than the namespace of the channel allows."""
        return 0 < self.namespaces.of(channel).max_publication_bytes < len(payload)


Method = Callable[[Hub, Rules, Session, Command], Effect]
"""What a method of METHODS is; ``publish`` is read in a way of its own."""


def handle(hub: Hub, rules: Rules, session: Session, command: AnyCommand) -> Effect | None:
    """Carry out one command as far as that needs no waiting; return what is left to do, if any."""
    if isinstance(command, Publishing):
        if session.claims is None:
            return Close(codes.BAD_FRAME.because("connect comes first"))
        return _publish(hub, rules, session, command)
    if command.method == "":
        session.pong_by = float("inf")
        return None
    if command.id == 0 and command.method != "send":
        return Close(codes.BAD_FRAME.because(f"{command.method[:32]} without an id"))
    if session.claims is None and command.method != "connect":
        return Close(codes.BAD_FRAME.because("connect comes first"))
    method = METHODS.get(command.method)
    if method is None:
        return Fail(command.id, codes.METHOD_NOT_FOUND)
    return method(hub, rules, session, command)


def limited(rules: Rules, session: Session, count: int, now: float) -> bool:
    """Whether so many commands at once are more than the session may send at ``now``."""
    return rules.rate > 0 and not session.spend(count, rules.rate, now)


def affordable(rules: Rules, session: Session, count: int, now: float) -> bool:
    """Whether ``limited`` would let so many commands through; takes nothing."""
    return rules.rate == 0 or session.has(count, rules.rate, now)


def may_subscribe(rules: Rules, session: Session, channel: str) -> bool:
    """Whether the connection's own token, or the channel's name or namespace, opens it."""
    claims = session.claims
    if claims is None:
        return False
    if claims.allows(channel):
        return True
    options = rules.namespaces.of(channel)
    if PERSONAL in channel:
        return options.allow_user_limited_channels and is_personal(channel, claims.user)
    if not claims.user:
        return options.allow_subscribe_for_anonymous
    return options.allow_subscribe_for_client


def _connect(_hub: Hub, rules: Rules, session: Session, command: Command) -> Effect:
    if session.claims is not None:
        return Close(codes.BAD_FRAME.because("connected already"))
    token, subs = command.params.get("token", ""), command.params.get("subs") or {}
    if not isinstance(token, str) or not isinstance(subs, dict):
        return Fail(command.id, codes.BAD_REQUEST)
    asked = [params for params in subs.values() if isinstance(params, dict)]
    if any(_is_not_done(params) for params in asked):
        return Fail(command.id, codes.NOT_AVAILABLE)
    wanted = [
        _wanted({**params, "channel": name}) if isinstance(params, dict) else None
        for name, params in subs.items()
    ]
    if len(wanted) > rules.max_channels or not all(isinstance(each, Wanted) for each in wanted):
        return Fail(command.id, codes.BAD_REQUEST)
    allowed = tuple(each for each in wanted if each)
    return Connect(command.id, token, allowed, command.params.get("data"))


def _subscribe(hub: Hub, rules: Rules, session: Session, command: Command) -> Effect:
    wanted = _wanted(command.params)
    if wanted is None:
        return Fail(command.id, codes.BAD_REQUEST)
    if _is_not_done(command.params):
        return Fail(command.id, codes.NOT_AVAILABLE)
    if wanted.channel in session.channels:
        return Fail(command.id, codes.ALREADY_SUBSCRIBED)
    if len(session.channels) >= rules.max_channels:
        return Fail(command.id, codes.LIMIT_EXCEEDED)
    if not is_channel(wanted.channel):
        return Fail(command.id, codes.UNKNOWN_CHANNEL)
    is_allowed = may_subscribe(rules, session, wanted.channel)
    hook = rules.namespaces.of(wanted.channel).proxy_subscribe
    if not (is_allowed or wanted.token or hook):
        return Fail(command.id, codes.PERMISSION_DENIED)
    hub.channels.join(session, wanted.channel)
    # A token that was sent says when it ends, even where nothing depends on it.
    return Join(command.id, wanted, is_allowed and not wanted.token)


def _unsubscribe(_hub: Hub, _rules: Rules, _session: Session, command: Command) -> Effect:
    channel = _text(command.params, "channel")
    return Leave(command.id, channel) if channel else Fail(command.id, codes.BAD_REQUEST)


def _publish(hub: Hub, rules: Rules, session: Session, command: Publishing) -> Effect:
    channel = command.channel
    options = rules.namespaces.of(channel)
    if options.proxy_publish and is_channel(channel):
        payload = protocol.publication_raw(command.data, session.info)
        if rules.is_too_large(channel, payload):
            return Fail(command.id, codes.LIMIT_EXCEEDED)
        return Offer(command.id, channel, command.data)
    may = options.allow_publish_for_subscriber, options.allow_publish_for_client
    is_allowed = _permits(hub, session, channel, *may, options.allow_publish_for_anonymous)
    if not is_allowed or not is_channel(channel):
        error = codes.PERMISSION_DENIED if is_channel(channel) else codes.BAD_REQUEST
        return Fail(command.id, error)
    payload = protocol.publication_raw(command.data, session.info)
    if 0 < options.max_publication_bytes < len(payload):
        return Fail(command.id, codes.LIMIT_EXCEEDED)
    return Publish(command.id, channel, payload)


def _permits(
    hub: Hub, session: Session, channel: str, subscriber: bool, client: bool, anonymous: bool
) -> bool:
    """Whether the session may, by an option each for those who listen, have a user, have none.

    What all may opens no channel of some users.
    """
    if (client if session.user else anonymous) and PERSONAL not in channel:
        return True
    return subscriber and hub.channels.is_member(session, channel)


def _publish_any(hub: Hub, rules: Rules, session: Session, command: Command) -> Effect:
    """Read a publish command that is written in another way than usual."""
    channel = _text(command.params, "channel") or ""
    if "data" not in command.params:
        return Fail(command.id, codes.BAD_REQUEST)
    try:
        data = protocol.encode(command.params["data"])
    except ValueError:
        return Fail(command.id, codes.BAD_REQUEST)
    return _publish(hub, rules, session, Publishing(command.id, channel, data))


def _history(hub: Hub, rules: Rules, session: Session, command: Command) -> Effect:
    channel = _text(command.params, "channel") or ""
    options = rules.namespaces.of(channel)
    may = options.allow_history_for_subscriber, options.allow_history_for_client
    is_allowed = _permits(hub, session, channel, *may, options.allow_history_for_anonymous)
    error = _reading_error(channel, options.has_history, is_allowed)
    since, limit = command.params.get("since"), command.params.get("limit", 0)
    start = None if since is None else position(since)
    if error is None and (type(limit) is not int or (since is not None and start is None)):
        error = codes.BAD_REQUEST
    if error is not None:
        return Fail(command.id, error)
    is_reverse = command.params.get("reverse") is True
    return ReadHistory(command.id, channel, start, history_limit(limit), is_reverse)


def _presence(hub: Hub, rules: Rules, session: Session, command: Command) -> Effect:
    channel = _text(command.params, "channel") or ""
    options = rules.namespaces.of(channel)
    may = options.allow_presence_for_subscriber, options.allow_presence_for_client
    is_allowed = _permits(hub, session, channel, *may, options.allow_presence_for_anonymous)
    error = _reading_error(channel, options.presence, is_allowed)
    if error is not None:
        return Fail(command.id, error)
    return ReadPresence(command.id, channel, command.method == "presence_stats")


def _rpc(_hub: Hub, _rules: Rules, _session: Session, command: Command) -> Effect:
    method = _text(command.params, "method")
    if method is None:
        return Fail(command.id, codes.BAD_REQUEST)
    return Call(command.id, method, command.params.get("data"))


def _send(_hub: Hub, _rules: Rules, _session: Session, command: Command) -> Effect:
    return Call(0, "", command.params.get("data"))


def _refresh(_hub: Hub, _rules: Rules, _session: Session, command: Command) -> Effect:
    token = _text(command.params, "token")
    return Refresh(command.id, token) if token else Fail(command.id, codes.BAD_REQUEST)


def _sub_refresh(hub: Hub, _rules: Rules, session: Session, command: Command) -> Effect:
    token, channel = _text(command.params, "token"), _text(command.params, "channel")
    if not token or not channel:
        return Fail(command.id, codes.BAD_REQUEST)
    if not hub.channels.is_member(session, channel):
        return Fail(command.id, codes.PERMISSION_DENIED)
    return Refresh(command.id, token, channel)


def _ping(_hub: Hub, _rules: Rules, _session: Session, command: Command) -> Effect:
    return Reply(protocol.reply(command.id, "ping", {}))


METHODS: dict[str, Method] = {
    "connect": _connect,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "publish": _publish_any,
    "history": _history,
    "presence": _presence,
    "presence_stats": _presence,
    "rpc": _rpc,
    "send": _send,
    "refresh": _refresh,
    "sub_refresh": _sub_refresh,
    "ping": _ping,
}


def _reading_error(channel: str, is_on: bool, is_allowed: bool) -> ReplyError | None:
    """Return why a session may not look at presence or history."""
    if not is_channel(channel):
        return codes.BAD_REQUEST
    if not is_on:
        return codes.NOT_AVAILABLE
    return None if is_allowed else codes.PERMISSION_DENIED


def _is_not_done(params: Mapping[str, Any]) -> bool:
    """Whether a SubscribeRequest asks for what is not offered here, and would be ignored."""
    return any(params.get(name) for name in NOT_DONE)


def _wanted(params: Mapping[str, Any]) -> Wanted | None:
    """Read a SubscribeRequest; return None when a field is of the wrong type."""
    channel, token = _text(params, "channel"), _text(params, "token")
    since = position(params) if params.get("recover") is True else None
    flag = params.get("flag", 0)
    if not channel or token is None or (since is None and params.get("recover") is True):
        return None
    if type(flag) is not int:
        return None
    return Wanted(channel, token, since, params.get("data"), bool(flag & REJECT_UNRECOVERED))


def position(value: Any) -> Position | None:
    """Read a StreamPosition; return None when it is none."""
    if not isinstance(value, dict):
        return None
    offset, epoch = value.get("offset", 0), value.get("epoch", "")
    if type(offset) is not int or not 0 <= offset < 2**63 or not isinstance(epoch, str):
        return None
    return Position(offset, epoch)


def _text(params: Mapping[str, Any], name: str) -> str | None:
    value = params.get(name, "")
    return value if isinstance(value, str) else None
