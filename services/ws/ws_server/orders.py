"""What one replica tells all of them to do with their sessions; an order is a JSON object. No I/O.

An order has one name and its fields: ``{"disconnect":{"user":"alice","code":3503,"reason":"…"}}``.
What a replica does not understand it leaves alone: an older one may still run beside a newer.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from ws_server import codes, protocol
from ws_server.codes import Disconnect, Unsubscribe
from ws_server.service import Service
from ws_server.session import Session

Obey = Callable[[Service, Mapping[str, Any]], None]


def encode(name: str, **fields: object) -> bytes:
    """Give an order as it travels."""
    return protocol.encode({name: fields})


def obey(service: Service, payload: bytes) -> None:
    """Do what an order says to the sessions of this replica."""
    try:
        order = json.loads(payload)
    except (ValueError, RecursionError):
        return
    for name, fields in order.items() if isinstance(order, dict) else ():
        if name in ORDERS and isinstance(fields, dict):
            with suppress(TypeError, ValueError):  # a field that is not what it is here
                ORDERS[name](service, fields)


def _disconnect(service: Service, fields: Mapping[str, Any]) -> None:
    kept = set(fields.get("whitelist") or ())
    code, reason = fields.get("code"), fields.get("reason")
    why = Disconnect(_close_code(code), "").named(str(reason or "")) if code else codes.FORCED
    meant = [each for each in _meant(service, fields) if each.id not in kept]
    service.disconnect(meant, why)


def _unsubscribe(service: Service, fields: Mapping[str, Any]) -> None:
    code, reason = fields.get("code"), fields.get("reason")
    why = Unsubscribe(int(code), str(reason or "")) if code else codes.SERVER_UNSUBSCRIBE
    for session in _meant(service, fields):
        service.unsubscribe(session, str(fields.get("channel", "")), why)


def _close_code(value: Any) -> int:
    """A close code that an application may send (RFC 6455 §7.4.2). Raises ValueError."""
    code = int(value)
    if not 3000 <= code <= 4999:
        raise ValueError(f"{code} is no close code of ours")
    return code


def _meant(service: Service, fields: Mapping[str, Any]) -> Iterable[Session]:
    """The sessions of the user, or the one of them that ``client`` names."""
    client = fields.get("client")
    found = service.hub.of_user(str(fields.get("user", "")))
    return [session for session in found if not client or session.id == client]


ORDERS: dict[str, Obey] = {"disconnect": _disconnect, "unsubscribe": _unsubscribe}
