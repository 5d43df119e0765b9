"""Limits of Nginx: what is concluded from its own pages, with and without its configuration."""

from dataclasses import replace
from pathlib import Path

import pytest

from stack.diagnose.doctor.upgrade import conclude
from stack.diagnose.doctor.variation import Variation
from stack.diagnose.lint import inspection
from stack.diagnose.nginx.limits import Written
from stack.probe.exchange import Exchange
from tests.unit.diagnose.seen import OPTIONS, answered, evidence, failed, varied

PAGE = "<center>nginx</center>"
OWN_500, OWN_503 = answered(500, PAGE), answered(503, PAGE)
EARLY, LATE = varied(Variation.WITHHELD, OWN_500), varied(Variation.WITHHELD, answered(100))
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
    ("inside", "withheld", "code", "words"),
    [
        (None, EARLY, "WS189", "auth_request, or a rewrite loop; --nginx FILE may tell"),
        (None, LATE, "WS187", "no worker_connections or open files are left"),
        (None, None, "WS179", "auth_request, a rewrite loop, worker_connections or open files"),
        (AUTH, EARLY, "WS189", "auth_request /auth ("),
        (AUTH, None, "WS189", "auth_request /auth ("),
        (AUTH, LATE, "WS187", "are left"),
        (LOOP, EARLY, "WS179", "rewrite ^ /ws last ("),
        (LOOP, None, "WS179", "rewrite ^ /ws last ("),
        ("", EARLY, "WS179", "a proxy_pass that does not form a valid URL"),
        ("", None, "WS187", "worker_connections 64 ("),
        ("auth_request off;", None, "WS187", "worker_connections 64 ("),
    ],
)
def test_a_500_of_nginx(
    tmp_path: Path, inside: str | None, withheld: Exchange | None, code: str, words: str
) -> None:
    file = None if inside is None else written(tmp_path, inside)
    options = replace(OPTIONS, written=file)
    asked = (withheld,) if withheld else ()
    (found,) = conclude(evidence(OWN_500, options=options, varied=asked))
    assert (found.code, words in found.message) == (code, True), found.message


def test_what_an_application_answers_is_not_said_of_nginx() -> None:
    assert [found.code for found in conclude(evidence(answered(500, "oops")))] == ["WS194"]
    assert [found.code for found in conclude(evidence(answered(503, "oops")))] == ["WS192"]


@pytest.mark.parametrize(
    ("inside", "around", "code", "words"),
    [
        (None, "", "WS192", "limit_conn, limit_req or a return that says so; --nginx FILE"),
        (LIMIT, "", "WS186", "limit_conn addr 3 ("),
        ("", LIMIT, "WS186", "limit_conn addr 3 ("),
        ("return 503;", "", "WS192", "return 503 ("),
        ("if ($a) { return 503; }", LIMIT, "WS192", "limit_conn, limit_req or a return"),
        ("", "", "WS192", "limit_conn, limit_req or a return"),
    ],
)
def test_a_503_of_nginx(
    tmp_path: Path, inside: str | None, around: str, code: str, words: str
) -> None:
    file = None if inside is None else written(tmp_path, inside, around)
    (found,) = conclude(evidence(OWN_503, options=replace(OPTIONS, written=file)))
    assert (found.code, words in found.message) == (code, True), found.message


def test_a_file_that_is_not_here_rules_nothing_out(tmp_path: Path) -> None:
    file = written(tmp_path, f"include {tmp_path}/missing.conf;")
    assert not file.is_whole
    (found,) = conclude(evidence(OWN_500, options=replace(OPTIONS, written=file)))
    assert found.code == "WS179"


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ((OWN_503, OWN_503), "WS186"),
        ((OWN_500, OWN_500), "WS179"),
        ((OWN_500, failed("closed")), "WS187"),
        ((OWN_500, OWN_503), "WS196"),
        ((OWN_500, failed("refused")), "WS196"),
        ((failed("closed"), failed("closed")), "WS196"),
        ((answered(503, "oops"), OWN_503), "WS196"),
        ((answered(502, PAGE), OWN_500), "WS196"),
    ],
)
def test_some_handshakes_fail(others: tuple[Exchange, ...], code: str) -> None:
    again = [varied(Variation.AGAIN, item, number) for number, item in enumerate(others)]
    findings = conclude(evidence(answered(101), varied=tuple(again)))
    assert [found.code for found in findings] == [code]
