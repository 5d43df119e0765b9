"""What the doctor varies in a handshake, each by its name as a table shows it. Pure."""

from dataclasses import replace
from enum import Enum
from typing import Any

from stack.probe.exchange import Question


class Variation(Enum):
    """One thing varied; the value names it in a table, ``{}`` stands for what it is about."""

    PAGE = "page"
    AGAIN = "again {}"
    AGAIN_ALONE = "again {} alone"
    ADDRESS = "{}"
    NEIGHBOUR = "port {}"
    REDIRECT = "redirect {}"
    # Asked of the suspect.
    NO_ORIGIN = "no origin"
    OWN_ORIGIN = "own origin"
    FOREIGN_ORIGIN = "foreign origin"
    HTTP_ORIGIN = "http origin"
    PORTLESS_ORIGIN = "own origin without its port"
    USUAL_PORT_ORIGIN = "own origin at the usual port"
    FORWARDED_PROTO = "with X-Forwarded-Proto"
    HTTP_1_0 = "http/1.0"
    WITH_SLASH = "with a slash"
    WITHOUT_SLASH = "without the slash"
    PLAIN = "plain"
    ROOT = "root"
    POLLING = "socket.io polling"
    NEGOTIATE = "signalr negotiate"
    FALLBACK = "event stream"
    NO_SUBPROTOCOL = "no subprotocol"
    NO_TOKEN = "no token"  # noqa: S105 - a kind of question
    AT_WS = "at /ws"
    AT_ROOT = "at /"
    UNCHECKED = "unchecked"
    WITH_TLS = "with TLS"
    WITHOUT_TLS = "without TLS"
    PLAIN_BY_HTTP2 = "plain by HTTP/2"
    EXTENDED_CONNECT = "extended CONNECT"
    WITHHELD = "body withheld"
    # Asked of the hop behind the suspect, as a faulty proxy would ask it.
    WITHOUT_UPGRADE = "without Upgrade"
    WITHOUT_BOTH = "without both headers"
    CONNECTION_CLOSE = "with Connection: close"
    BY_HTTP_1_0 = "by HTTP/1.0"
    BY_HTTP2 = "by HTTP/2"
    OTHER_HOST = "with another Host"
    WITHOUT_QUERY = "without its query"
    WITHOUT_FORWARDED_PROTO = "without X-Forwarded-Proto"
    WITHOUT_PREFIX = "without {}"


def vary(base: Question, variation: Variation, about: object = "", **changes: Any) -> Question:
    """Return the question with these changes, labelled with the name of the variation."""
    label = variation.value.format(about)
    return replace(base, label=label, variation=variation, **changes)
