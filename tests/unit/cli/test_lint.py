"""``stack lint`` and ``stack explain`` from outside: exit codes, formats, and what --fix writes."""

import errno
import json
import re

import pytest

from tests.render.golden import CASES
from tests.unit.command_line import Stack

BAD = """\
location /ws/ {
    proxy_pass http://127.0.0.1:3002;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
}
"""
CONNECTION = '    proxy_set_header Connection "upgrade";\n'
GOOD = BAD.replace("    proxy_set_header Upgrade", f"{CONNECTION}    proxy_set_header Upgrade")
PLAIN = "location / {\n    root /srv;\n}\n"
BROKEN = "location / {\n    root /srv;\n"


@pytest.fixture
def nginx(stack: Stack) -> Stack:
    """A command line in a folder of Nginx files."""
    for name, text in {"bad": BAD, "good": GOOD, "plain": PLAIN, "broken": BROKEN}.items():
        (stack.folder / f"{name}.conf").write_text(text)
    return stack


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.conf"], 0),
        (["plain.conf", "good.conf"], 0),
        (["bad.conf"], 1),
        (["good.conf", "bad.conf", "--format", "github"], 1),
        (["bad.conf", "--format", "sarif"], 1),
        (["bad.conf", "--diff"], 1),
        (["broken.conf"], 2),
        (["bad.conf", "none.conf"], 2),
        (["."], 2),
        ([], 2),
        (["good.conf", "--nginx-version", "1.26.3"], 0),
        (["good.conf", "--nginx-version", "nginx/1.29.7"], 0),
        (["good.conf", "--nginx-version", "1.26"], 2),
        (["good.conf", "--nginx-version", "\u0661.\u0662.\u0663"], 2),
        (["good.conf", "--route", "ws"], 2),
        (["good.conf", "--format", "xml"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_exit_codes_of_lint(nginx: Stack, arguments: list[str], code: int) -> None:
    done = nginx("lint", *arguments)
    assert done.code == code, done.out + done.err
    assert (done.err == "") == (code != 2)
    assert (done.out == "") == (code == 2)


def test_all_files_that_cannot_be_read_are_said_at_once(nginx: Stack) -> None:
    err = nginx("lint", "none.conf", "bad.conf", "broken.conf").err
    assert err.splitlines()[:2] == [
        "error: none.conf: not found",
        'broken.conf:2: unexpected end of file, expecting "}"',
    ]


def test_silence_says_what_was_looked_at(nginx: Stack) -> None:
    assert nginx("lint", "good.conf").out == "good.conf: no findings on 1 WebSocket route\n"
    assert nginx("lint", "good.conf", "plain.conf").out.startswith("2 files: no findings on 1 ")
    assert "--route PATH" in nginx("lint", "plain.conf").out


def test_text_shows_the_line_the_edit_and_the_next_step(nginx: Stack) -> None:
    lines = nginx("lint", "bad.conf").out.splitlines()
    assert re.match(r"bad\.conf:5  error WS002  \w", lines[0])
    assert "  > 5 |     proxy_set_header Upgrade $http_upgrade;" in lines
    assert '    +     proxy_set_header Connection "upgrade";' in lines
    assert lines[-3:] == [
        "  more: stack explain WS002",
        "",
        "1 error in 1 file; stack lint --fix fixes 1",
    ]


def test_json_is_the_same_by_both_flags(nginx: Stack) -> None:
    value = json.loads(nginx("lint", "bad.conf", "--json").out)
    assert value == json.loads(nginx("lint", "bad.conf", "--format", "json").out)
    assert (value["ok"], value["routes"], value["files"]) == (False, 1, ["bad.conf"])
    assert [(found["code"], found["line"]) for found in value["findings"]] == [("WS002", 5)]


@pytest.mark.parametrize(
    "flag", [["--json"], ["--format", "json"], ["--format=json"]], ids=" ".join
)
def test_an_error_is_json_by_both_flags(nginx: Stack, flag: list[str]) -> None:
    done = nginx("lint", "broken.conf", *flag)
    assert json.loads(done.out)["message"].startswith("broken.conf:2: ")


def test_github_and_sarif(nginx: Stack) -> None:
    out = nginx("lint", "bad.conf", "--format", "github").out
    assert out.startswith("::error file=bad.conf,line=5,title=WS002 ")
    log = json.loads(nginx("lint", "bad.conf", "--format", "sarif").out)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["WS002"]


def test_a_path_can_be_named_a_websocket_route(nginx: Stack) -> None:
    (nginx.folder / "chat.conf").write_text(BAD.replace("/ws/", "/chat").replace("Upgrade", "X"))
    assert nginx("lint", "chat.conf").code == 0
    assert nginx("lint", "chat.conf", "--route", "/chat").code == 1


def test_one_snippet_in_two_files_is_found_once(nginx: Stack) -> None:
    for name in ("a", "b"):
        text = "server {\n    include bad.conf;\n}\n"
        (nginx.folder / f"{name}.conf").write_text(text)
    assert nginx("lint", "a.conf", "b.conf").out.count("WS002  ") == 1


def test_a_snippet_is_judged_where_it_is_included(nginx: Stack) -> None:
    version = "    proxy_http_version 1.1;\n"
    (nginx.folder / "snippet.conf").write_text(BAD.replace(version, ""))
    text = f"server {{\n{version}    include snippet.conf;\n}}\n"
    (nginx.folder / "whole.conf").write_text(text)
    assert "WS004" in nginx("lint", "snippet.conf").out
    together = json.loads(nginx("lint", "snippet.conf", "whole.conf", "--json").out)
    assert (together["files"], together["routes"]) == (["snippet.conf", "whole.conf"], 1)
    assert "WS004" not in {found["code"] for found in together["findings"]}


def test_a_snippet_of_several_files_is_found_by_its_worst_case(nginx: Stack) -> None:
    (nginx.folder / "good.conf").write_text(GOOD.replace("proxy_http_version 1.1;", ""))
    # Only an old Nginx takes `ssl on`, and it spoke HTTP/1.0.
    for name, before in (("new", ""), ("old", "ssl on; ")):
        text = f"server {{\n    {before}include good.conf;\n}}\n"
        (nginx.folder / f"{name}.conf").write_text(text)
    for files in (("new.conf", "old.conf"), ("old.conf", "new.conf")):
        found = json.loads(nginx("lint", *files, "--json").out)["findings"]
        assert [(f["code"], f["severity"]) for f in found] == [("WS004", "error")]


def test_a_snippet_of_several_files_is_mended_once(nginx: Stack) -> None:
    (nginx.folder / "sites").mkdir()
    for name, path in (("sites/one", "../bad.conf"), ("two", str(nginx.folder / "bad.conf"))):
        text = f"server {{\n    include {path};\n}}\n"
        (nginx.folder / f"{name}.conf").write_text(text)
    names = ("sites/one.conf", "two.conf", "bad.conf")
    assert len(json.loads(nginx("lint", *names, "--json").out)["findings"]) == 1
    done = nginx("lint", *names, "--fix")
    assert (done.code, done.out.count("fixed ")) == (0, 1)
    assert (nginx.folder / "bad.conf").read_text() == GOOD


def test_an_edit_that_does_not_suit_all_who_include_a_snippet_is_not_made(nginx: Stack) -> None:
    table = "map $http_upgrade $to_upgrade {\n    default upgrade;\n    '' close;\n}\n"
    for name, before in (("one", ""), ("two", table)):
        text = f"{before}server {{\n    include bad.conf;\n}}\n"
        (nginx.folder / f"{name}.conf").write_text(text)
    for files in (("one.conf", "two.conf"), ("two.conf", "one.conf")):
        done = nginx("lint", *files, "--fix")
        assert (done.code, done.out.count("WS002")) == (1, 2)  # with: more: stack explain WS002
        assert (nginx.folder / "bad.conf").read_text() == BAD


def test_diff_shows_and_writes_nothing(nginx: Stack) -> None:
    out = nginx("lint", "bad.conf", "--diff").out
    assert out.startswith("--- a/bad.conf\n+++ b/bad.conf\n@@ ")
    assert f"+{CONNECTION}" in out
    assert (nginx.folder / "bad.conf").read_text() == BAD


@pytest.mark.parametrize("more", [[], ["--diff"], ["--json"]], ids=" ".join)
def test_fix_writes_says_so_and_is_done(nginx: Stack, more: list[str]) -> None:
    done = nginx("lint", "bad.conf", "--fix", *more)
    assert done.code == 0
    assert (nginx.folder / "bad.conf").read_text() == GOOD
    if more == ["--json"]:
        assert [found["code"] for found in json.loads(done.out)["fixed"]] == ["WS002"]
    else:
        assert "fixed bad.conf:5  WS002  " in done.out
    assert ("--- a/bad.conf" in done.out) == (more == ["--diff"])
    assert "fixed" not in nginx("lint", "bad.conf", "--fix").out


def test_fix_keeps_the_link_the_mode_and_the_line_endings(nginx: Stack) -> None:
    target = nginx.folder / "target.conf"
    target.write_bytes(BAD.replace("\n", "\r\n").encode())
    target.chmod(0o640)
    link = nginx.folder / "link.conf"
    link.symlink_to("target.conf")
    assert nginx("lint", "link.conf", "--fix").code == 0
    assert (link.is_symlink(), target.stat().st_mode & 0o7777) == (True, 0o640)
    assert target.read_bytes() == GOOD.replace("\n", "\r\n").encode()


def test_fix_leaves_a_file_that_is_not_utf_8(nginx: Stack) -> None:
    file = nginx.folder / "latin.conf"
    file.write_bytes(b"# \xe9\n" + BAD.encode())
    assert nginx("lint", "latin.conf", "--fix").code == 1
    assert file.read_bytes() == b"# \xe9\n" + BAD.encode()


def test_fix_says_where_it_may_not_write(nginx: Stack) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    nginx.monkeypatch.setattr("stack.diagnose.lint.inspection.write", refuse)
    done = nginx("lint", "bad.conf", "--fix")
    assert done.code == 1
    assert done.err.startswith("error: bad.conf: not written: permission denied\n  hint: ")


def test_fix_writes_a_file_that_cannot_be_given_back_to_its_owner(nginx: Stack) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    nginx.monkeypatch.setattr("os.chown", refuse)
    assert nginx("lint", "bad.conf", "--fix").code == 0
    assert (nginx.folder / "bad.conf").read_text() == GOOD


def test_control_characters_of_a_file_never_reach_the_terminal(nginx: Stack) -> None:
    odd = BAD.replace("    proxy_http", "    # \x1b[31m \u202e\n    proxy_http")
    (nginx.folder / "odd.conf").write_text(odd)
    for form in ("text", "github", "sarif", "json"):
        out = nginx("lint", "odd.conf", "--format", form, "--diff").out
        assert not {"\x1b", "\u202e"} & set(out)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 0), (["WS002"], 0), (["ws002"], 0), (["connection-not-forwarded"], 0), (["WS999x"], 2)],
    ids=str,
)
def test_exit_codes_of_explain(stack: Stack, arguments: list[str], code: int) -> None:
    done = stack("explain", *arguments)
    assert (done.code, done.err == "") == (code, code == 0)
    assert ("WS002" in done.out) == (code == 0)


def test_explain_suggests_what_was_meant(stack: Stack) -> None:
    done = stack("explain", "conection-not-forwarded")
    assert done.err == (
        "error: conection-not-forwarded: there is no such finding\n  hint: stack explain WS002\n"
    )
    assert stack("explain", "%%%").err.endswith("hint: stack explain\n")


def test_explain_as_json(stack: Stack) -> None:
    assert json.loads(stack("explain", "WS002", "--json").out)["code"] == "WS002"
    codes = [cause["code"] for cause in json.loads(stack("explain", "--json").out)]
    assert codes == sorted(set(codes))


def test_what_lint_says_to_explain_can_be_explained(nginx: Stack) -> None:
    (code,) = re.findall(r"stack explain (WS\d+)", nginx("lint", "bad.conf").out)
    assert nginx("explain", code).code == 0


def test_what_stack_renders_has_no_error_and_no_warning(stack: Stack) -> None:
    files = [str(file) for case in CASES for file in case.glob("expected/nginx*.conf")]
    assert len(files) > 3
    findings = json.loads(stack("lint", "--json", *files).out)["findings"]
    grave = [found for found in findings if found["severity"] != "info"]
    # The case many-routes asks for an idle_timeout of 500 ms.
    assert {found["message"] for found in grave} == {"an idle WebSocket is cut after 0.5 s"}


def test_github_sees_no_line_of_a_file(nginx: Stack) -> None:
    (nginx.folder / "odd.conf").write_text(
        BAD.replace("    proxy_http", "::error::x y;\nproxy_http")
    )
    for more in (["--diff"], ["--fix", "--diff"]):
        out = nginx("lint", "odd.conf", "--format", "github", *more).out
        assert "::error::x" not in out.replace(" ", "")
        assert ("::error file=" in out) == (more == ["--diff"])
