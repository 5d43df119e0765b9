"""Limits of Nginx: what is concluded from its own pages, with and without its configuration."""

from dataclasses import replace
from pathlib import Path

import pytest

from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.variation import Variation
from stack.diagnose.lint import inspection
from stack.diagnose.nginx.limits import Written
from stack.diagnose.nginx.tree import Directive
from stack.finding import Place
from stack.probe.exchange import Exchange
from tests.unit.diagnose.seen import OPTIONS, answered, evidence, failed, varied
from tests.unit.diagnose.tables import concluded, shown, table, told

PAGE = "<center>nginx</center>"
OWN_500, OWN_503 = answered(500, PAGE), answered(503, PAGE)
EARLY, LATE = varied(Variation.WITHHELD, OWN_500), varied(Variation.WITHHELD, answered(100))
ELSEWHERE = varied(Variation.WITHHELD, answered(404))
AUTH, LOOP = "auth_request /auth;", "rewrite ^ /ws last;"
LIMIT = "limit_conn addr 3;"


def written(tmp_path: Path, inside: str, around: str = "") -> Written:
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"events {{ worker_connections 64; }}\nhttp {{ {around} server {{ listen 80;\n"
        f"location /ws {{ {inside} proxy_pass http://127.0.0.1:3002; }} }} }}\n"
    )
    return inspection.written(file, inspection.options(None, ["/ws"]))


@pytest.mark.parametrize(
    ("inside", "withheld", "expected", "words"),
    [
        (None, EARLY, "WS189 error", "auth_request, or a rewrite loop; --nginx FILE may tell"),
        (None, LATE, "WS187 error", "no worker_connections or open files are left"),
        (
            None,
            None,
            "WS179 error",
            "auth_request, a rewrite loop, worker_connections or open files",
        ),
        (AUTH, EARLY, "WS189 error", "auth_request /auth ("),
        (AUTH, None, "WS189 error", "auth_request /auth ("),
        (AUTH, LATE, "WS187 error", "are left"),
        (None, ELSEWHERE, "WS179 error", "because of one of: auth_request, a rewrite loop"),
        (LOOP, EARLY, "WS179 error", "rewrite ^ /ws last ("),
        (LOOP, None, "WS179 error", "rewrite ^ /ws last ("),
        ("try_files /a /b;", None, "WS179 error", "try_files /a /b ("),
        ("error_page 404 /ws;", None, "WS179 error", "error_page 404 /ws ("),
        ("", ELSEWHERE, "WS187 error", "worker_connections 64 ("),
        ("", EARLY, "WS179 error", "a proxy_pass that does not form a valid URL"),
        ("", None, "WS187 error", "worker_connections 64 ("),
        ("auth_request off;", None, "WS187 error", "worker_connections 64 ("),
    ],
)
def test_a_500_of_nginx(
    tmp_path: Path, inside: str | None, withheld: Exchange | None, expected: str, words: str
) -> None:
    file = None if inside is None else written(tmp_path, inside)
    options = replace(OPTIONS, written=file)
    asked = (withheld,) if withheld else ()
    seen = evidence(OWN_500, options=options, varied=asked)
    assert (concluded(seen), words in told(seen)) == (expected, True), told(seen)


def test_what_an_application_answers_is_not_said_of_nginx() -> None:
    assert concluded(evidence(answered(500, "oops"))) == "WS194 error"
    assert concluded(evidence(answered(503, "oops"))) == "WS192 error"
    assert told(evidence(answered(503, "oops"))) == "answers 503"
    assert concluded(evidence(answered(502, PAGE))) == "WS191 error"


@pytest.mark.parametrize(
    ("inside", "around", "expected", "words"),
    [
        (None, "", "WS192 error", "limit_conn, limit_req or a return that says so; --nginx FILE"),
        (LIMIT, "", "WS186 error", "limit_conn addr 3 ("),
        ("", LIMIT, "WS186 error", "limit_conn addr 3 ("),
        ("limit_req zone=a;", "", "WS186 error", "limit_req zone=a ("),
        ("return 503;", "", "WS192 error", "return 503 ("),
        ("if ($a) { return 503; }", LIMIT, "WS192 error", "limit_conn, limit_req or a return"),
        ("", "", "WS192 error", "limit_conn, limit_req or a return"),
    ],
)
def test_a_503_of_nginx(
    tmp_path: Path, inside: str | None, around: str, expected: str, words: str
) -> None:
    file = None if inside is None else written(tmp_path, inside, around)
    seen = evidence(OWN_503, options=replace(OPTIONS, written=file))
    assert (concluded(seen), words in told(seen)) == (expected, True), told(seen)


def test_a_file_that_is_not_here_rules_nothing_out(tmp_path: Path) -> None:
    file = written(tmp_path, f"include {tmp_path}/missing.conf;")
    assert not file.is_whole
    seen = evidence(OWN_500, options=replace(OPTIONS, written=file))
    assert concluded(seen) == "WS179 error"
    early = replace(seen, varied=(EARLY,))
    assert concluded(early) == "WS189 error"
    assert told(early).endswith("auth_request, or a rewrite loop; --nginx FILE may tell")


def test_a_file_is_asked_for_only_where_there_is_none() -> None:
    unread = evidence(OWN_503)
    read = replace(unread, options=replace(OPTIONS, written=Written((), True)))
    assert told(unread).endswith("a return that says so; --nginx FILE may tell")
    assert told(read).endswith("a return that says so")


def test_defaults_are_told_where_no_limit_is_written() -> None:
    options = replace(OPTIONS, written=Written((), True))
    assert told(evidence(OWN_500, options=options)).endswith("rewrite: defaults")


def again(base: Exchange, *others: Exchange, written: Written | None = None) -> Evidence:
    rows = [varied(Variation.AGAIN, item, number) for number, item in enumerate(others)]
    return evidence(base, options=replace(OPTIONS, written=written), varied=tuple(rows))


OPENED, CLOSED = answered(101), failed("closed")


@table(
    {
        "503 of Nginx": (again(OPENED, OWN_503, OWN_503), "WS186 error"),
        "503 of Nginx at first": (again(OWN_503, OPENED), "WS186 error"),
        "503 of Nginx always": (again(OWN_503, OWN_503), "WS192 error"),
        "503 of the application": (again(OPENED, answered(503, "oops")), "WS196 error"),
        "503 of Nginx, asked once": (again(OWN_503), "WS192 error"),
        "503 of both": (again(OPENED, answered(503, "oops"), OWN_503), "WS196 error"),
        "500 of Nginx": (again(OPENED, OWN_500, OWN_500), "WS179 error"),
        "500 of Nginx always": (again(OWN_500, OWN_500), "WS179 error"),
        "500 of Nginx, and hung up": (again(OPENED, OWN_500, CLOSED), "WS187 error"),
        "500 of Nginx, and no TLS": (again(OPENED, OWN_500, failed("tls")), "WS187 error"),
        "500 of Nginx, and refused": (again(OPENED, OWN_500, failed("refused")), "WS196 error"),
        "500 of Nginx, and both": (
            again(OPENED, OWN_500, CLOSED, failed("refused")),
            "WS196 error",
        ),
        "500 and 503 of Nginx": (again(OPENED, OWN_500, OWN_503), "WS196 error"),
        "500 and 503 of Nginx, and hung up": (
            again(OPENED, OWN_500, OWN_503, CLOSED),
            "WS196 error",
        ),
        "503 of Nginx, and hung up": (again(OPENED, OWN_503, CLOSED), "WS196 error"),
        "502 of Nginx": (again(OPENED, answered(502, PAGE)), "WS196 error"),
        "502 and 500 of Nginx": (again(OPENED, answered(502, PAGE), OWN_500), "WS196 error"),
        "500 of the application, and hung up": (
            again(OPENED, answered(500, "oops"), CLOSED),
            "WS196 error",
        ),
        "hung up": (again(OPENED, CLOSED), "WS196 error"),
        "all open": (again(OPENED, OPENED), ""),
    }
)
def test_some_handshakes_fail_at_nginx(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


OWN_PAGE = "handshakes at once get {} by a page of Nginx's own"
LIMITED = Written((Directive("limit_conn", ("a", "3"), Place("nginx.conf", 7)),), True)


@table(
    {
        "hung up": (
            again(OPENED, OWN_500, CLOSED),
            (
                f"1 of 3 {OWN_PAGE.format(500)} and the connections of others are closed: "
                "worker_connections"
            ),
        ),
        "without a file": (
            again(OPENED, OWN_503),
            f"1 of 2 {OWN_PAGE.format(503)} because of limit_conn or limit_req",
        ),
        "with a file that names no limit": (
            again(OPENED, OWN_503, written=Written((), True)),
            f"1 of 2 {OWN_PAGE.format(503)} because of limit_conn or limit_req",
        ),
        "with a file": (
            again(OPENED, OWN_503, written=LIMITED),
            f"1 of 2 {OWN_PAGE.format(503)} because of limit_conn a 3 (nginx.conf:7)",
        ),
    }
)
def test_how_many_handshakes_fail_is_told(seen: Evidence, expected: str) -> None:
    assert told(seen) == expected


def test_what_nginx_answered_otherwise_is_shown() -> None:
    assert shown(evidence(OWN_500, varied=(LATE,))) == ["body withheld"]
    assert shown(again(OPENED, OWN_503, OPENED)) == ["again 0", "again 1"]
