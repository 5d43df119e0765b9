"""Paths: the slash, other usual paths, pages in place of a WebSocket, dev servers."""

from dataclasses import replace

import pytest

from stack.diagnose.doctor.conclusions import path
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.probe.exchange import Exchange
from tests.unit.diagnose.seen import TARGET, answered, evidence, failed, varied
from tests.unit.diagnose.tables import advised, concluded, table, told

HTML = (("content-type", "text/html; charset=utf-8"),)
NEXT, EXPRESS = (("x-powered-by", "Next.js"),), (("x-powered-by", "Express"),)


def other(variation: Variation, status: int, base: int = 404, path: str = "/x?a=b") -> Evidence:
    answer = answered(status, target=replace(TARGET, path=path))
    return evidence(answered(base), varied=(varied(variation, answer),))


def rooted(base: Exchange, root: Exchange) -> Evidence:
    """Give an answer, and what stands at / there."""
    return evidence(base, varied=(varied(Variation.ROOT, root),))


def reloading(path: str, base: Exchange | None = None) -> Evidence:
    target = replace(TARGET, path=path)
    base = base or answered(404)
    return evidence(replace(base, question=replace(base.question, target=target)))


@table(
    {
        "with a slash it opens": (other(Variation.WITH_SLASH, 101), "WS141 error"),
        "without it it opens": (other(Variation.WITHOUT_SLASH, 101), "WS141 error"),
        "whatever the status without": (other(Variation.WITH_SLASH, 101, 418), "WS141 error"),
        "with a slash it is not found": (other(Variation.WITH_SLASH, 404), "WS142 error"),
        "without it it is not found": (other(Variation.WITHOUT_SLASH, 404), "WS142 error"),
        "something else opens": (other(Variation.NO_TOKEN, 101), "WS142 error"),
    }
)
def test_a_slash_that_makes_the_difference(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "/ws opens": (other(Variation.AT_WS, 101), "WS145 error"),
        "/ opens": (other(Variation.AT_ROOT, 101), "WS145 error"),
        "/ws opens, and here it is a 400": (other(Variation.AT_WS, 101, 400), "WS145 error"),
        "/ws opens, and here it is a 405": (other(Variation.AT_WS, 101, 405), "WS177 error"),
        "/ws is not found": (other(Variation.AT_WS, 404), "WS142 error"),
        "/ is not found": (other(Variation.AT_ROOT, 404), "WS142 error"),
    }
)
def test_another_usual_path_that_opens(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_the_path_that_opens_is_advised() -> None:
    assert advised(other(Variation.WITH_SLASH, 101, path="/x/?token=abc")) == "use /x/"
    assert advised(other(Variation.AT_WS, 101, path="/ws")) == "use /ws"


@pytest.mark.parametrize(
    ("where", "which"),
    [
        ("/_next/webpack-hmr", "Next or webpack"),
        ("/_next/hmr?id=1", "Next or webpack"),
        ("/@vite/client", "Vite"),
        ("/__vite_hmr", "Vite"),
        ("/webpack-dev-server", "Next or webpack"),
        ("/sockjs-node", "Next or webpack"),
    ],
)
def test_the_paths_of_dev_servers(where: str, which: str) -> None:
    seen = reloading(where)
    assert concluded(seen) == "WS144 error"
    assert told(seen) == f"the hot-reload socket of {which} answers 404"


def offering(subprotocol: str) -> Evidence:
    base = answered(404)
    headers = (*base.question.headers, ("Sec-WebSocket-Protocol", subprotocol))
    return evidence(replace(base, question=replace(base.question, headers=headers)))


@table(
    {
        "the path of Next": (reloading("/_next/webpack-hmr"), "WS144 error"),
        "the subprotocol of Vite": (offering("vite-hmr"), "WS144 error"),
        "another path": (reloading("/_next/image"), "WS142 error"),
        "another subprotocol": (offering("vite"), "WS142 error"),
        "no answer": (reloading("/_next/webpack-hmr", failed("silent")), "WS106 error"),
        "no answer that anybody understands": (
            reloading("/_next/webpack-hmr", failed("")),
            "WS177 error",
        ),
        "it opens": (reloading("/_next/webpack-hmr", answered(101)), ""),
    }
)
def test_a_socket_of_a_dev_server(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_a_socket_of_vite_is_known_by_its_subprotocol() -> None:
    assert told(offering("vite-hmr")) == "the hot-reload socket of Vite answers 404"
    assert path.hot_reload(reloading("/@vite", answered(101))) is None


@table(
    {
        "a page": (evidence(answered(200, headers=HTML)), "WS143 error"),
        "any answer": (evidence(answered(200)), "WS143 error"),
        "a 404 of Next": (evidence(answered(404, headers=NEXT)), "WS143 error"),
        "a 404, and / is of Next": (rooted(answered(404), answered(200, "/_next/")), "WS143 error"),
        "a 426 of Vite": (evidence(answered(426, "/@vite/client")), "WS143 error"),
        "a 404 of Express": (evidence(answered(404, headers=EXPRESS)), "WS143 error"),
        "a 404 of nobody": (evidence(answered(404)), "WS142 error"),
        "a 404, and / says nothing": (rooted(answered(404), failed("closed")), "WS142 error"),
        "a 426 of nobody": (evidence(answered(426)), "WS177 error"),
        "a 410 of Next": (evidence(answered(410, headers=NEXT)), "WS142 error"),
        "a 201": (evidence(answered(201, headers=NEXT)), "WS177 error"),
    }
)
def test_a_page_in_place_of_a_websocket(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (evidence(answered(200, headers=HTML)), "an HTML page"),
        (evidence(answered(200)), "an ordinary answer"),
        (evidence(answered(200, "/_next/static")), "a page of Next.js"),
        (evidence(answered(200, headers=NEXT)), "a page of Next.js"),
        (evidence(answered(200, '<script src="/@vite/client">')), "a page of Vite"),
        (evidence(answered(200, headers=EXPRESS)), "a page of Express"),
        (rooted(answered(200), answered(200, headers=EXPRESS)), "a page of Express"),
        (rooted(answered(200, headers=HTML), answered(404)), "an HTML page"),
    ],
)
def test_who_made_the_page_is_told(seen: Evidence, kind: str) -> None:
    assert told(seen) == f"answers 200 with {kind}: no WebSocket server listens at this path"


@table(
    {
        "not found": (evidence(answered(404)), "WS142 error"),
        "gone": (evidence(answered(410)), "WS142 error"),
        "not allowed": (evidence(answered(405)), "WS177 error"),
        "just above": (evidence(answered(411)), "WS177 error"),
    }
)
def test_a_path_that_is_unknown(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


def test_a_server_that_does_not_know_the_path_is_named() -> None:
    assert told(evidence(answered(404))) == "/ws is unknown there"
    named = evidence(answered(404, headers=(("server", "nginx"),)))
    assert told(named) == "/ws is unknown there (Server: nginx)"
