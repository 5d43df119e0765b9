"""The handshake as bytes: the vectors of RFC 6455."""

from stack.probe.exchange import Question
from stack.probe.handshake import expected_accept, upgrade_headers
from tests.unit.diagnose.seen import KEY, TARGET


def test_the_accept_of_the_rfc() -> None:
    assert expected_accept(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_the_request() -> None:
    assert Question(TARGET, "", tuple(upgrade_headers(KEY).items()), KEY).bytes() == (
        b"GET /ws HTTP/1.1\r\nHost: ws.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
