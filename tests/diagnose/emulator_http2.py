"""The side of an emulated server that speaks HTTP/2, by the library. Judges nothing.

A rule: ``only`` (no HTTP/1.1 at all), ``connect`` (announce the extended CONNECT of RFC 8441),
``status`` and ``body`` of each answer, ``reset`` (an error code instead), ``silent``, ``raw``
(bytes in hex, sent again and again without a look at what came).
"""

import contextlib
import socket
from collections.abc import Mapping
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import H2Error
from h2.settings import SettingCodes


def answer(connection: socket.socket, rule: Mapping[str, Any]) -> None:
    """Speak until the client leaves, or breaks the rules: then say so, and leave as well."""
    if "raw" in rule:
        while True:
            connection.sendall(bytes.fromhex(rule["raw"]))
    config = H2Configuration(client_side=False, validate_inbound_headers=False)
    speaker = H2Connection(config)
    if rule.get("connect"):
        speaker.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL] = 1
        speaker.local_settings.acknowledge()
    speaker.initiate_connection()
    connection.sendall(speaker.data_to_send())
    with contextlib.suppress(H2Error):
        while data := connection.recv(8192):
            for event in speaker.receive_data(data):
                if isinstance(event, RequestReceived) and not rule.get("silent"):
                    _respond(speaker, event, rule)
            connection.sendall(speaker.data_to_send())
    connection.sendall(speaker.data_to_send())


def _respond(speaker: H2Connection, event: RequestReceived, rule: Mapping[str, Any]) -> None:
    if "reset" in rule:
        speaker.reset_stream(event.stream_id, rule["reset"])
        return
    status, body = rule.get("status", 200), str(rule.get("body", "")).encode()
    is_tunnel = dict(event.headers)[b":method"] == b"CONNECT" and status < 300
    speaker.send_headers(event.stream_id, [(":status", str(status)), ("server", "two")])
    speaker.send_data(event.stream_id, body, end_stream=not is_tunnel)
