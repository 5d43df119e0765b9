"""A 101 that is none, what it chose that nobody offered, and handshakes that are refused."""

from dataclasses import replace

from stack.diagnose.doctor.conclusions import handshake
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Ending, Exchange
from tests.unit.diagnose.seen import KEY, OPTIONS, answered, bare, evidence, failed, varied
from tests.unit.diagnose.tables import advised, concluded, shown, table, told

ACCEPT = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")  # RFC 6455 §1.3
UPGRADE, CONNECTION = ("upgrade", "websocket"), ("connection", "Upgrade")
WRONG = ("sec-websocket-accept", "d3Jvbmc=")
OFFERING = replace(OPTIONS, subprotocols=("chat", "log"))
NGINX = "<center>nginx/1.31.0</center>"


def switched(*headers: tuple[str, str], status: int = 101) -> Evidence:
    return evidence(bare(answered(status), *headers))


def chose(name: str, value: str, status: int = 101, offers: bool = False) -> Evidence:
    """Give an answer with this header, to a handshake that offers subprotocols or none."""
    exchange = answered(status, headers=((name, value),) if value else ())
    offered = ("Sec-WebSocket-Protocol", "chat, log")
    question = exchange.question
    if offers:
        question = replace(question, headers=(*question.headers, offered))
    return evidence(replace(exchange, question=question), options=OFFERING if offers else OPTIONS)


@table(
    {
        "another proof": (switched(UPGRADE, CONNECTION, WRONG), "WS171 error"),
        "no proof": (switched(UPGRADE, CONNECTION), "WS171 error"),
        "another proof, and no Connection": (switched(UPGRADE, WRONG), "WS171 error"),
        "the right proof": (switched(UPGRADE, CONNECTION, ACCEPT), ""),
        "the right proof, and no Connection": (switched(UPGRADE, ACCEPT), "WS172 error"),
        "another proof, and no Upgrade": (switched(CONNECTION, WRONG), "WS172 error"),
        "another proof, and another Upgrade": (
            switched(("upgrade", "h2c"), CONNECTION, WRONG),
            "WS172 error",
        ),
        "another status": (switched(UPGRADE, CONNECTION, WRONG, status=200), "WS143 error"),
        "no answer": (evidence(failed("closed")), "WS107 error"),
    }
)
def test_a_proof_that_is_wrong(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_the_proof_is_told_beside_the_right_one() -> None:
    wanted = f"this key requires {ACCEPT[1]}"
    assert told(switched(UPGRADE, WRONG)) == f"sec-websocket-accept is {WRONG[1]}, {wanted}"
    assert told(switched(UPGRADE)) == f"sec-websocket-accept is missing, {wanted}"


@table(
    {
        "neither header": (switched(ACCEPT), "WS172 error"),
        "both headers": (switched(UPGRADE, CONNECTION, ACCEPT), ""),
        "both headers, and a close frame": (
            evidence(answered(101, ending=Ending(1008, "", 0.0))),
            "WS181 error",
        ),
        "another status": (switched(ACCEPT, status=200), "WS143 error"),
        "no answer": (evidence(failed("silent")), "WS106 error"),
    }
)
def test_a_101_without_its_headers(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_the_headers_that_lack_are_told() -> None:
    wrong = ("connection", "close")
    assert told(switched(ACCEPT)) == "answered 101 without upgrade and connection header"
    assert told(switched(UPGRADE, ACCEPT)) == "answered 101 without connection header"
    assert told(switched(CONNECTION, ACCEPT)) == "answered 101 without upgrade header"
    assert told(switched(UPGRADE, wrong, ACCEPT)) == "answered 101 without the right header"


@table(
    {
        "chosen, and none offered": (chose("sec-websocket-protocol", "chat"), "WS174 error"),
        "chosen, and others offered": (
            chose("sec-websocket-protocol", "x", offers=True),
            "WS174 error",
        ),
        "one that was offered": (chose("sec-websocket-protocol", "chat", offers=True), ""),
        "the last that was offered": (chose("sec-websocket-protocol", "log", offers=True), ""),
        "none, and some offered": (
            chose("sec-websocket-protocol", "", offers=True),
            "WS173 error",
        ),
        "none, and none offered": (chose("sec-websocket-protocol", ""), ""),
        "chosen in a refusal": (chose("sec-websocket-protocol", "chat", 404), "WS142 error"),
    }
)
def test_a_subprotocol_that_was_chosen(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_what_was_offered_is_told() -> None:
    name = "sec-websocket-protocol"
    assert told(chose(name, "x")) == "the server chose x, offered: nothing"
    assert told(chose(name, "x", offers=True)) == "the server chose x, offered: chat, log"
    assert told(chose(name, "", offers=True)) == "the server chose none of chat, log"


@table(
    {
        "one that nobody offered": (chose("sec-websocket-extensions", "x-zip"), "WS176 error"),
        "one of two": (
            chose("sec-websocket-extensions", "permessage-deflate; a=1, x-zip; b=2"),
            "WS176 error",
        ),
        "the one that was offered": (
            chose("sec-websocket-extensions", "permessage-deflate; a=1"),
            "",
        ),
        "none": (chose("sec-websocket-extensions", ""), ""),
        "in a refusal": (chose("sec-websocket-extensions", "x-zip", 404), "WS142 error"),
    }
)
def test_an_extension_that_was_not_offered(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def demanding(base: Exchange, other: Exchange | None = None) -> Evidence:
    asked = (varied(Variation.NO_SUBPROTOCOL, other),) if other else ()
    return evidence(base, varied=asked)


@table(
    {
        "it opens without the offer": (demanding(answered(404), answered(101)), "WS175 error"),
        "it says so": (demanding(answered(400, "Unknown Sub-Protocol")), "WS175 error"),
        "it says so in one word": (demanding(answered(499, "bad subprotocol")), "WS175 error"),
        "just below": (demanding(answered(399, "subprotocol"), answered(101)), "WS177 error"),
        "just above": (demanding(answered(500, "subprotocol"), answered(101)), "WS194 error"),
        "it is refused without as well": (demanding(answered(404), answered(404)), "WS142 error"),
        "it speaks of another protocol": (demanding(answered(400, "protocol")), "WS177 error"),
        "it opens, and ends": (
            demanding(answered(101, ending=Ending(1008, "", 0.0)), answered(101)),
            "WS181 error",
        ),
    }
)
def test_a_subprotocol_that_is_refused(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_a_refusal_of_a_subprotocol_says_what_was_offered() -> None:
    assert told(chose("", "", 400)).startswith("answers 400")
    says = (answered(400, "subprotocol"), "requires a subprotocol, none is offered")
    offering = chose("", "", 400, offers=True)
    seen = replace(offering, varied=(varied(Variation.NO_SUBPROTOCOL, answered(101)),))
    assert told(evidence(says[0])) == says[1]
    assert (told(seen), shown(seen)) == ("refuses chat, log", ["no subprotocol"])


def plainly(base: Exchange, plain: Exchange | None) -> Evidence:
    return evidence(base, varied=(varied(Variation.PLAIN, plain),) if plain else ())


@table(
    {
        "a page of Nginx, and only to an Upgrade": (
            plainly(answered(400, NGINX), answered(200)),
            handshake._ASK_BEHIND,
        ),
        "a page of Nginx, to all alike": (
            plainly(answered(400, NGINX), answered(400, NGINX)),
            handshake.REFUSED.fix,
        ),
        "nobody asked without an Upgrade": (
            plainly(answered(400, NGINX), None),
            handshake.REFUSED.fix,
        ),
        "a page of somebody else": (
            plainly(answered(400, "no"), answered(200)),
            handshake.REFUSED.fix,
        ),
        "another status": (plainly(answered(406, NGINX), answered(200)), handshake.REFUSED.fix),
    }
)
def test_an_nginx_that_refuses_an_upgrade(seen: Evidence, expected: str) -> None:
    assert (concluded(seen), advised(seen)) == ("WS177 error", expected)


def test_the_key_of_these_tests_is_that_of_the_rfc() -> None:
    assert concluded(switched(UPGRADE, CONNECTION, ACCEPT)) == ""
    assert KEY == "dGhlIHNhbXBsZSBub25jZQ=="
