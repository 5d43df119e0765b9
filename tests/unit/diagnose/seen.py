"""Makes exchanges and evidence as the network would have given them. No sockets."""

from dataclasses import replace
from typing import Any

from stack.diagnose.doctor import questions
from stack.diagnose.doctor.evidence import Evidence, Options
from stack.diagnose.doctor.variation import Variation, vary
from stack.probe.exchange import Exchange, Head, Headers, Target
from stack.probe.handshake import expected_accept

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the one of RFC 6455 §1.3
TARGET = Target("", "ws.example.com", 80, "/ws")
OPTIONS = Options(TARGET, origin="http://example.com")
OPENED: Headers = (
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-accept", expected_accept(KEY)),
)


def answered(
    status: int, body: str = "", headers: Headers = (), target: Target = TARGET, **more: Any
) -> Exchange:
    """Give an exchange with this answer; a 101 is a right one."""
    question = questions.handshake(OPTIONS, target, KEY)
    own = OPENED if status == 101 else ()
    head = Head("1.1", status, "", (*own, *headers))
    return Exchange(question, head=head, body=body.encode(), raw=b"HTTP/1.1", **more)


def failed(failure: Any, detail: str = "", **more: Any) -> Exchange:
    """Give an exchange without an answer."""
    question = questions.handshake(OPTIONS, TARGET, KEY)
    return Exchange(question, failure, detail, **more)


def evidence(*bases: Exchange, options: Options = OPTIONS, **more: Any) -> Evidence:
    """Give evidence of these hops, at noon of some day."""
    return Evidence(options, 1_800_000_000.0, bases, **more)


def varied(variation: Variation, exchange: Exchange, about: object = "") -> Exchange:
    """Give the answer to a variation."""
    return replace(exchange, question=vary(exchange.question, variation, about))


def named(label: str, exchange: Exchange) -> Exchange:
    """Give the answer of a hop that has a name."""
    return replace(exchange, question=replace(exchange.question, label=label))


def bare(exchange: Exchange, *headers: tuple[str, str]) -> Exchange:
    """Give the same answer with these headers only: a 101 is none of a WebSocket then."""
    assert exchange.head
    return replace(exchange, head=replace(exchange.head, headers=headers))


def at(address: str, exchange: Exchange) -> Exchange:
    """Give the answer of this address, which was asked by itself."""
    question = vary(exchange.question, Variation.ADDRESS, address, address=address)
    return replace(exchange, question=question, address=address)
