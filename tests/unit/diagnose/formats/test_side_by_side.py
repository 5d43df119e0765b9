"""Answers side by side: what differs, aligned and cut, and nothing that is alike."""

from dataclasses import replace

from stack.diagnose.formats.side_by_side import LINE, side_by_side
from tests.unit.diagnose.seen import OPENED, answered, failed, named


def test_what_differs_is_aligned_below_each_answer() -> None:
    front = answered(502, "<h1>Bad\n  Gateway", (("server", "nginx"), ("via", "1.1 a")))
    server = answered(404, "no", (("server", "uvicorn"), ("via", "1.1 a")), seconds=0.004)
    assert side_by_side([front, named("server", server)]) == [
        ("as given", "502 (0 ms)\nServer  nginx\nBody    <h1>Bad Gateway"),
        ("server", "404 (4 ms)\nServer  uvicorn\nBody    no"),
    ]


def test_a_header_that_one_lacks_is_shown_as_lacking() -> None:
    rows = side_by_side([answered(403, headers=(("via", "a"),)), answered(403)])
    assert [text for _, text in rows] == ["403 (0 ms)\nVia  a", "403 (0 ms)\nVia  -"]


def test_the_same_body_is_not_repeated_and_the_kind_is_told_once() -> None:
    kind = (("content-type", "text/html"),)
    rows = side_by_side([answered(404, "x", kind), answered(101), answered(404, "x", kind)])
    assert [text.split("\n")[1:] for _, text in rows] == [
        ["Content-Type  text/html", "Body          x"],
        [],
        ["Body          the same"],
    ]


def test_headers_of_switching_are_compared_between_101s_only() -> None:
    good, bad = answered(101), answered(101)
    assert bad.head
    bad = replace(bad, head=replace(bad.head, headers=OPENED[1:]))
    assert [text for _, text in side_by_side([bad, good, answered(403)])] == [
        "101 (0 ms)\nUpgrade  -",
        "101 (0 ms)\nUpgrade  websocket",
        "403 (0 ms)",
    ]


def test_one_alone_says_all_of_itself() -> None:
    one = answered(302, "", (("location", "/a?token=b"), ("x-powered-by", "Express")))
    (row,) = side_by_side([one])
    assert row[1] == "302 (0 ms)\nLocation      /a\nX-Powered-By  Express"


def test_tls_is_shown_where_its_version_differs() -> None:
    rows = side_by_side([answered(404, tls="TLSv1.3"), answered(404, tls="TLSv1.2")])
    assert [text.split("\n")[1:] for _, text in rows] == [["TLS  TLSv1.3"], ["TLS  TLSv1.2"]]


def test_long_values_are_cut() -> None:
    answer = answered(500, "x" * 2000)
    (row,) = side_by_side([answer], LINE)
    assert row[1] == f"500 (0 ms)\nBody  {'x' * 89}…"
    assert side_by_side([answer])[0][1] == f"500 (0 ms)\nBody  {'x' * 2000}"


def test_no_answer_has_nothing_but_its_failure() -> None:
    assert side_by_side([failed("refused", "connection refused")]) == [
        ("as given", "connection refused (0 ms)")
    ]
