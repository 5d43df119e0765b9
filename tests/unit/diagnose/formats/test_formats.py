"""Findings as text, JSON, GitHub commands and SARIF: what a reader and a parser get."""

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.diagnose.formats.as_json import document
from stack.diagnose.formats.github import github_lines
from stack.diagnose.formats.manual import cause_lines, list_lines
from stack.diagnose.formats.sarif import sarif_log
from stack.diagnose.formats.text import counted, doctor_lines, lint_lines
from stack.finding import Finding, Place
from tests.unit.diagnose.findings import (
    CAUSE,
    IN_FILE,
    NGINX,
    ON_WIRE,
    REPLACED,
    SOURCES,
    with_edits,
)

# The part of https://json.schemastore.org/sarif-2.1.0.json that our logs use.
LEVEL = {"enum": ["none", "note", "warning", "error"]}
LINE = {"type": "integer", "minimum": 1}


def _object(required: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    names = [*required.split(), *optional.split()]
    assert sorted(names) == sorted(properties)
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


TEXT = _object("text", text={"type": "string", "minLength": 1})
FILE = _object("uri", uri={"type": "string", "pattern": r"^(file://)?[\w./%~-]+$"})
REGION = _object(
    "startLine",
    "startColumn endLine endColumn",
    startLine=LINE,
    startColumn=LINE,
    endLine=LINE,
    endColumn=LINE,
)
LOCATION = _object("artifactLocation region", artifactLocation=FILE, region=REGION)
REPLACEMENT = _object("deletedRegion insertedContent", deletedRegion=REGION, insertedContent=TEXT)
CHANGE = _object(
    "artifactLocation replacements", artifactLocation=FILE, replacements=_list(REPLACEMENT)
)
RULE = _object(
    "id name shortDescription fullDescription help helpUri defaultConfiguration",
    id={"type": "string"},
    name={"type": "string", "pattern": "^[A-Z][A-Za-z0-9]+$"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=TEXT,
    helpUri={"type": "string", "pattern": "^https://"},
    defaultConfiguration=_object("level", level=LEVEL),
)
RESULT = _object(
    "ruleId ruleIndex level message",
    "locations fixes",
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=TEXT,
    locations=_list(_object("physicalLocation", physicalLocation=LOCATION)),
    fixes=_list(
        _object("description artifactChanges", description=TEXT, artifactChanges=_list(CHANGE))
    ),
)
DRIVER = _object(
    "name version rules",
    name={"const": "stack lint"},
    version={"type": "string"},
    rules={"type": "array", "items": RULE, "uniqueItems": True},
)
RUN = _object(
    "tool results",
    tool=_object("driver", driver=DRIVER),
    results={"type": "array", "items": RESULT},
)
SARIF = {
    "type": "object",
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": _list(RUN),
    },
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
}


def test_lint_text() -> None:
    assert "\n".join(lint_lines([IN_FILE], SOURCES, "1 error in 1 file")) == (
        """\
nginx.conf:3  error WS001  the location does not forward Upgrade
    2 |     server {
  > 3 |         location /ws {
    4 |             proxy_pass http://ws:3002;
    nginx.conf:5
    +             proxy_set_header Upgrade $http_upgrade;
  fix: add the line
  more: stack explain WS001

1 error in 1 file"""
    )


def test_doctor_text_puts_what_was_seen_side_by_side() -> None:
    assert "\n".join(doctor_lines([replace(ON_WIRE, severity="error"), IN_FILE])) == (
        """\
front         error WS001  Upgrade is lost
  front   426 Upgrade Required
          Content-Type: text/html
  direct  101
  fix: stack lint nginx.conf
  more: stack explain WS001

nginx.conf:3  error WS001  the location does not forward Upgrade
  fix: add the line
  more: stack explain WS001"""
    )


def test_without_findings_the_doctor_has_nothing_to_add() -> None:
    assert doctor_lines([]) == []
    assert lint_lines([], {}, "nginx.conf: no findings") == ["nginx.conf: no findings"]


def test_a_long_line_is_shown_whole_only_once() -> None:
    long = " ".join(["proxy_pass http://ws:3002;", *(f"# {n}" for n in range(40))])
    sources = {"nginx.conf": f"{long}\n{long}\n{long}\n"}
    finding = replace(IN_FILE, where="nginx.conf:2", place=Place("nginx.conf", 2), edits=())
    before, line, after = lint_lines([finding], sources, "")[1:4]
    assert line == f"  > 2 | {long}"
    assert {len(before), len(after)} == {80}
    assert before.endswith("…")
    edit = replace(REPLACED, first=2, last=2)
    shown = lint_lines([replace(finding, edits=(edit,))], sources, "")
    assert [text for text in shown if long in text] == [f"    - {long}"]


def test_several_findings_of_a_line_show_it_once() -> None:
    shown = lint_lines([IN_FILE, replace(IN_FILE, message="and more")], SOURCES, "")
    assert sum(line.startswith("  > ") for line in shown) == 1


@pytest.mark.parametrize(("line", "numbers"), [(1, [1, 2]), (7, [6, 7, 8]), (8, [7, 8]), (99, [])])
def test_an_excerpt_ends_with_the_file(line: int, numbers: list[int]) -> None:
    finding = replace(IN_FILE, place=Place("nginx.conf", line), edits=())
    shown = "\n".join(lint_lines([finding], SOURCES, ""))
    assert [
        int(number) for number in re.findall(r"^ [ >]+(\d+) \|", shown, re.MULTILINE)
    ] == numbers


def test_a_message_cannot_imitate_a_second_finding() -> None:
    forged = replace(ON_WIRE, message="x\nfront  error WS001  forged", seen=(("a\nb", "c\nd"),))
    assert not [line for line in doctor_lines([forged])[1:] if not line.startswith("  ")]


def test_what_there_is_is_counted() -> None:
    three = [IN_FILE, ON_WIRE, ON_WIRE]
    assert counted(three) == "1 error, 2 warnings"
    assert counted([replace(IN_FILE, severity="info")]) == "1 info"
    assert counted([]) == ""


def test_json_says_all_of_a_finding() -> None:
    value = json.loads(json.dumps(document([IN_FILE, ON_WIRE], routes=2)))
    assert (value["ok"], value["routes"]) == (False, 2)
    first, second = value["findings"]
    assert (first["code"], first["file"], first["line"]) == ("WS001", "nginx.conf", 3)
    assert first["edits"][0] == {
        "file": "nginx.conf",
        "first": 5,
        "last": 4,
        "lines": ["            proxy_set_header Upgrade $http_upgrade;"],
        "safe": True,
    }
    assert (second["file"], second["seen"][1]) == (None, {"label": "direct", "text": "101"})
    assert document([ON_WIRE])["ok"]


def test_github_gets_one_command_for_each_finding() -> None:
    first, second = github_lines([IN_FILE, replace(ON_WIRE, fix="", severity="info")])
    assert first == (
        "::error file=nginx.conf,line=3,title=WS001 Upgrade is not forwarded::"
        "the location does not forward Upgrade%0Afix: add the line"
    )
    assert second == "::notice title=WS001 Upgrade is not forwarded::Upgrade is lost"


@given(file=st.text(min_size=1), message=st.text(), title=st.text())
def test_github_reads_back_what_was_meant(file: str, message: str, title: str) -> None:
    cause = replace(CAUSE, title=title)
    finding = replace(IN_FILE, cause=cause, place=Place(file, 1), message=message, fix="")
    (line,) = github_lines([finding])
    assert not {"\r", "\n"} & set(line)
    given_, _, data = line.removeprefix("::error ").partition("::")
    values = dict(part.split("=", 1) for part in given_.split(","))
    assert values.keys() == {"file", "line", "title"}
    read = {"%3A": ":", "%2C": ",", "%0D": "\r", "%0A": "\n", "%25": "%"}
    for text, wanted in ((values["file"], file), (data, message)):
        assert re.sub("%(3A|2C|0D|0A|25)", lambda found: read[found[0]], text) == wanted


@pytest.mark.parametrize(
    "findings", [[], [IN_FILE], [IN_FILE, ON_WIRE, with_edits(REPLACED)]], ids=len
)
def test_sarif_is_what_the_schema_wants(findings: list[Finding]) -> None:
    jsonschema.validate(sarif_log(findings, "1.0"), SARIF)


def test_sarif_points_to_the_rule_the_line_and_the_edit() -> None:
    finding = replace(IN_FILE, place=Place("a b/ü\udcff.conf", 7), severity="info")
    other = replace(IN_FILE, cause=replace(CAUSE, code="WS002"), place=Place("/etc/x", 1))
    (run,) = sarif_log([other, finding], "1.0")["runs"]
    result = run["results"][1]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (rule["id"], rule["name"], result["level"]) == ("WS001", "UpgradeMissing", "note")
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 7}
    assert place["artifactLocation"]["uri"] == "a%20b/%C3%BC%FF.conf"
    assert unquote(
        run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    ) == ("file:///etc/x")


def test_sarif_regions_hold_whole_lines() -> None:
    (run,) = sarif_log([with_edits(REPLACED)], "1.0")["runs"]
    (replacement,) = run["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"]
    region = replacement["deletedRegion"]
    assert (region["startLine"], region["endLine"], region["endColumn"]) == (4, 5, 1)
    assert replacement["insertedContent"]["text"] == f"{REPLACED.lines[0]}\n"


def test_a_cause_is_told_at_length() -> None:
    cause = replace(CAUSE, why="long " * 40 + "\n\n  kept as it is", bad=NGINX, good="x;")
    lines = cause_lines(cause)
    assert lines[:2] == ["WS001  upgrade-missing  (error)", "Upgrade is not forwarded"]
    assert max(map(len, lines)) <= 80
    assert {"wrong:", "    http {", "right:", "    x;", "  kept as it is"} <= set(lines)
    assert lines[-1] == f"more: {CAUSE.link}"


def test_causes_are_listed_in_columns() -> None:
    assert list_lines([CAUSE]) == ["WS001  error    Upgrade is not forwarded"]
