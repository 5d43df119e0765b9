"""Control messages: what one replica tells the others to do with their sessions. No I/O.

A message has a name and fields: ``{"disconnect":{"user":"alice","code":3503,"reason":"…"}}``.
A replica ignores what it does not understand: an older one may still run beside a newer one.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from ws_server.core import codes, protocol
from ws_server.core.codes import Disconnect, Unsubscribe
from ws_server.core.commands import position
from ws_server.core.effects import Wanted
from ws_server.core.session import Session
from ws_server.service.service import Service

Fields = Mapping[str, Any]
Handler = Callable[[Service, Fields], None]


def encode(name: str, **fields: object) -> bytes:
    """Return a control message as it travels."""
    return protocol.encode({name: fields})


def handle(service: Service, handlers: Mapping[str, Handler], payload: bytes) -> None:
    """Do what a control message says, if there is a handler of that name."""
    with suppress(LookupError, ValueError, TypeError, OverflowError, RecursionError):
        message = json.loads(payload)
        for name, fields in message.items() if isinstance(message, dict) else ():
            if name in handlers and isinstance(fields, dict):
                handlers[name](service, fields)


def _disconnect(service: Service, fields: Fields) -> None:
    kept = set(fields.get("whitelist") or ())
    code, reason = fields.get("code"), fields.get("reason")
    why = Disconnect(_close_code(code), "").named(str(reason or "")) if code else codes.FORCED
    meant = [each for each in _meant(service, fields) if each.id not in kept]
    service.disconnect(meant, why)


def _subscribe(service: Service, fields: Fields) -> None:
    since = position(fields.get("recover_since"))
    wanted = Wanted(str(fields["channel"]), since=since, data=fields.get("data"))
    for session in _meant(service, fields):
        service.grant(session, wanted, _end(fields))


def _refresh(service: Service, fields: Fields) -> None:
    if fields.get("expired"):
        service.disconnect(_meant(service, fields), codes.CONNECTION_EXPIRED)
        return
    for session in _meant(service, fields):
        service.prolong(session, _end(fields))


def _end(fields: Fields) -> float:
    """Return the end in Unix seconds; 0 is none."""
    return float(fields.get("expire_at") or math.inf)


def _unsubscribe(service: Service, fields: Fields) -> None:
    code, reason = fields.get("code"), fields.get("reason")
    why = Unsubscribe(int(code), str(reason or "")) if code else codes.SERVER_UNSUBSCRIBE
    for session in _meant(service, fields):
        service.unsubscribe(session, str(fields.get("channel", "")), why)


def _close_code(value: Any) -> int:
    """Return a close code that an application may send (RFC 6455 §7.4.2). Raises ValueError."""
    code = int(value)
    if not 3000 <= code <= 4999:
        raise ValueError(f"{code} is no close code of ours")
    return code


def _meant(service: Service, fields: Fields) -> Iterable[Session]:
    """Return the sessions of the user, or the one of them that ``client`` names."""
    client = fields.get("client")
    found = service.hub.of_user(str(fields.get("user", "")))
    return [session for session in found if not client or session.id == client]


HANDLERS: Mapping[str, Handler] = {
    "disconnect": _disconnect,
    "unsubscribe": _unsubscribe,
    "subscribe": _subscribe,
    "refresh": _refresh,
}
