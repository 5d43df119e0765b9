"""One truth in three forms; nothing that others wrote can steer a terminal or break JSON."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from stack.cli.report import Form, Report, aligned, coloured, printable
from stack.diagnose.formats.line import Line, Style, of_diff
from stack.diagnose.formats.text import ticked
from stack.engines.steps import AwaitRoute, Key, Kind, Plan, Step, Verb
from stack.errors import StackError
from stack.layout.topology import FrontRoute
from stack.lifecycle.down import Kept
from stack.lifecycle.outcome import Outcome, RouteCheck
from stack.lifecycle.run import Finished, Started
from stack.lifecycle.status import RouteStatus, ServiceStatus, Status
from stack.proof.ready import NotReadyError

NASTY = "a\x1b[31mred\x1b]0;title\x07\r\x9b1m\u202eb\x7f\u2028\u0085\ud800"
SPELT = "a\\x1b[31mred\\x1b]0;title\\x07\\r\\x9b1m\\u202eb\\x7f\\u2028\\x85\\ud800"
WS = FrontRoute("/ws", "ws", "preset", websocket=True)
STATUS = Status(
    [
        ServiceStatus("ws", "shop-ws-1", "running", "Up 3 minutes (healthy)"),
        ServiceStatus("redis", "shop-redis-1", "missing", "stack up starts it"),
    ],
    [RouteStatus("/ws", "ws", "101 Switching Protocols", ok=True, ms=3)],
)
FAILURE = NotReadyError("a", "b", probe="", answer="", evidence=(NASTY,))
STEP = Step(Key(Verb.START, Kind.CONTAINER, "shop-ws-1"))


class Said(Report):
    """A report that remembers what it says."""

    def __init__(self, form: Form = "plain") -> None:
        self.said, self.complained = io.StringIO(), io.StringIO()
        super().__init__(form, self.said, self.complained)

    @property
    def text(self) -> str:  # type: ignore[override]
        """All of it, streams together."""
        return self.said.getvalue() + self.complained.getvalue()

    @property
    def event(self) -> dict[str, Any]:
        """The one line of JSON."""
        value: dict[str, Any] = json.loads(self.said.getvalue())
        value.pop("time", None)
        return value


def outcome(steps: tuple[Step, ...] = (STEP,)) -> Outcome:
    made = Outcome("shop", Plan(steps), seconds=1.234)
    made.routes = [RouteCheck(WS, "101 Switching Protocols", is_well=True)]
    return made


def test_control_characters_are_spelt_out() -> None:
    assert printable(NASTY) == SPELT


@pytest.mark.parametrize("text", ["a\tb\nc", "é€😀👩\u200d🚀", "שלום", "1\u00a0000", ""])
def test_all_other_text_stays_readable(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("form", ["plain", "rich"])
@pytest.mark.parametrize(
    "say",
    [
        lambda report: report.note(NASTY),
        lambda report: report.log_line("shop-ws-1", NASTY),
        lambda report: report.log_line(NASTY, "line"),
        lambda report: report.error(StackError(NASTY, NASTY)),
        lambda report: report.error(
            NotReadyError("a", "b", probe="", answer="", evidence=(NASTY,))
        ),
        lambda report: report.table(("name",), [(NASTY,)]),
        lambda report: report.drift({"a": [NASTY]}),
        lambda report: report.status(Status([], [RouteStatus("/", "a", NASTY, ok=False, ms=1)])),
        lambda report: report.plan(Plan((Step(Key(Verb.START, Kind.CONTAINER, NASTY)),))),
        lambda report: report.findings({}, [NASTY]),
    ],
    ids=["note", "log", "name", "error", "evidence", "table", "drift", "answer", "plan", "found"],
)
def test_nothing_steers_the_terminal(form: Form, say: Any) -> None:
    report = Said(form)
    say(report)
    assert SPELT in report.text
    assert not set(NASTY).intersection("\x1b\x07\r\x9b\u202e\x7f") & set(report.text)


def test_a_line_break_in_an_answer_makes_no_row() -> None:
    report = Said()
    report.status(Status([], [RouteStatus("/", "a", "200\n/admin ok", ok=True, ms=1)]))
    assert "200\\n/admin ok" in report.text


@pytest.mark.parametrize("line", [NASTY, "1\u00a0000", "é", '"\\', "\ud800"], ids=ascii)
def test_json_is_json_whatever_a_log_says(line: str) -> None:
    report = Said("json")
    report.log_line("shop-ws-1", line)
    assert report.said.getvalue().isascii()
    assert report.event == {"container": "shop-ws-1", "line": line}


def test_status_in_plain_text() -> None:
    report = Said()
    report.status(STATUS)
    assert report.text == (
        "SERVICE  CONTAINER     STATE    DETAIL\n"
        "ws       shop-ws-1     running  Up 3 minutes (healthy)\n"
        "redis    shop-redis-1  missing  stack up starts it\n"
        "\n"
        "ROUTE  SERVICE  THE FRONT ANSWERS        IN\n"
        "/ws    ws       101 Switching Protocols  3 ms\n"
    )


def test_status_in_json_says_the_same() -> None:
    report = Said("json")
    report.status(STATUS)
    assert report.event == {
        "ok": False,
        "services": [vars(row) for row in STATUS.services],
        "routes": [vars(row) for row in STATUS.routes],
    }


def test_up_in_plain_text_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outcome, "url", "http://localhost:8080")
    plain, data = Said(), Said("json")
    for report in (plain, data):
        report.up(outcome())
    assert plain.text == (
        "✓ shop is up in 1.2 s\n\n  ws://localhost:8080/ws  ws  101 Switching Protocols\n"
    )
    (route,) = data.event.pop("routes")
    shown = ["ws://localhost:8080/ws", "ws", "101 Switching Protocols", True]
    assert list(route.values()) == shown
    assert data.event["ok"] is True
    assert data.event["url"] == "http://localhost:8080"


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (1, "! shop is up; 1 of 3 routes does not answer as wanted, in 1.2 s\n"),
        (2, "! shop is up; 2 of 3 routes do not answer as wanted, in 1.2 s\n"),
    ],
)
def test_up_is_green_only_if_every_route_answers(bad: int, text: str) -> None:
    made = outcome()
    made.routes *= 3 - bad
    made.routes += [RouteCheck(WS, "502", is_well=False)] * bad
    made.warnings = [StackError("/ws: nothing listens", "start it")]
    plain, data = Said(), Said("json")
    for report in (plain, data):
        report.up(made)
    assert plain.text.startswith(text)
    assert plain.text.endswith("\n  /ws: nothing listens\n  hint: start it\n")
    assert (data.event["ok"], [route["ok"] for route in data.event["routes"]].count(False)) == (
        False,
        bad,
    )
    assert data.event["warnings"] == [{"message": "/ws: nothing listens", "hint": "start it"}]


def test_every_command_is_about_the_same_stack_file() -> None:
    made = outcome()
    made.warnings = [StackError("/ws: no answer", "stack logs ws; then: stack up\nstack doctor")]
    for report in (Said(), Said("json")):
        report.which = " --file dev.yaml"
        report.up(made)
        report.status(STATUS)
        report.error(StackError("a: b", "stack restart ws\nstack logs ws"))
        assert report.text.count(" --file dev.yaml") == 6
    plain = Said()
    plain.which = " --file dev.yaml"
    plain.drift({"a": ["-b"]})
    assert "hint: stack render --file dev.yaml writes them anew" in plain.text


def test_up_with_nothing_to_change_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outcome, "url", "http://a")
    report = Said()
    report.up(outcome((AwaitRoute(Key(Verb.PROVE, Kind.ROUTE, "/ws"), route=WS),)))
    assert report.text.startswith("✓ shop is up to date in 1.2 s\n")


def test_down() -> None:
    plain, data = Said(), Said("json")
    for report in (plain, data):
        report.down(
            outcome((Step(Key(Verb.REMOVE, Kind.CONTAINER, "shop-ws-1")),)),
            Kept(("db",), ("a" * 64, "b" * 64), ("old",), ("c" * 64,)),
            "stack down --volumes",
        )
    kept = "  volumes kept: db, 2 anonymous (stack down --volumes removes them)\n"
    kept += "  volumes kept: old (docker volume rm shop_old removes them)\n"
    kept += f"  volumes kept: 1 anonymous (docker volume rm {'c' * 64} removes them)\n"
    assert plain.text == f"✓ 1 removed in 1.2 s\n{kept}"
    assert data.event["removed"] == ["container shop-ws-1"]
    assert data.event["kept"] == ["db", "old", "a" * 64, "b" * 64, "c" * 64]


def test_down_of_nothing() -> None:
    report = Said()
    report.down(outcome(()), Kept(), "")
    assert report.text == "nothing to remove\n"


@pytest.mark.parametrize(
    ("steps", "text"), [((), "  nothing to change\n"), ((STEP,), "  start shop-ws-1\n")]
)
def test_plan(steps: tuple[Step, ...], text: str) -> None:
    plain, data = Said(), Said("json")
    for report in (plain, data):
        report.plan(Plan(steps))
    assert (plain.text, data.event) == (text, {"steps": [step.says for step in steps]})


def test_timing() -> None:
    plain, data = Said(), Said("json")
    for report in (plain, data):
        report.timing([Finished(STEP, 0.5, 2.0)], 2.0)
    assert plain.text == (
        "\n  critical path (2.00 s)\n  STEP             START  SECONDS\n"
        "  start shop-ws-1  0.50   1.50\n"
    )
    (step,) = data.event["steps"]
    assert list(step.values()) == ["start shop-ws-1", "0.50", "1.50"]


def test_progress_in_lines() -> None:
    report = Said()
    with report.progress() as show:
        show(Started(STEP))
        show(Finished(STEP, 0, 1.5))
        show(Finished(STEP, 0, 1, StackError("no")))
    assert report.text == "  ok       1.50 s  start shop-ws-1\n  failed   1.00 s  start shop-ws-1\n"


def test_progress_in_json() -> None:
    report = Said("json")
    with report.progress() as show:
        show(Started(STEP))
        show(Finished(STEP, 0, 1.5))
    events = [json.loads(line) for line in report.said.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["started", "finished"]
    assert events[1]["seconds"] == 1.5


def test_an_error_with_its_log_and_hints() -> None:
    error = NotReadyError("ws: no", "one\ntwo", probe="p", answer="a", evidence=("last line",))
    plain, data = Said(), Said("json")
    for report in (plain, data):
        report.error(error)
    assert plain.complained.getvalue() == (
        "error: ws: no\n  its last log lines:\n  │ last line\n  hint: one\n  hint: two\n"
    )
    assert data.event == {
        "event": "error", "message": "ws: no", "hint": "one\ntwo", "log": ["last line"]
    }  # fmt: skip


def test_written() -> None:
    report = Said()
    report.written(["a", "b"], ["b"], Path("out"))
    assert report.text == "  kept  out/a\n  wrote out/b\n"


def test_no_rows_are_no_lines() -> None:
    assert aligned([]) == []


FOUND = [
    Line("ws://x/ws  ", ("error", Style.BAD), "   WS104  it does not"),
    Line("nginx.conf:7  ", ("warning", Style.DOUBTFUL), " WS031  Upgrade is hidden"),
    Line("  ", (">", Style.BAD), " 7 |     proxy_hide_header Upgrade;"),
    of_diff("    - old"),
    of_diff("    + new"),
    Line(("  more: stack explain WS031", Style.FAINT)),
    ticked(False, "/ws  ws  404"),
    ticked(True, "/ws  ws  101"),
]


def test_findings_have_colours_on_a_terminal_only() -> None:
    plain, rich = Said(), Said("rich")
    plain.findings({}, FOUND)
    rich.findings({}, FOUND)
    assert plain.text.splitlines() == FOUND
    marked = rich.text.splitlines()
    assert marked[0] == "ws://x/ws  \x1b[31merror\x1b[0m   WS104  it does not"
    assert marked[2] == "  \x1b[31m>\x1b[0m 7 |     proxy_hide_header Upgrade;"
    assert marked[4] == "\x1b[32m    + new\x1b[0m"
    assert all(line.count("\x1b[") == 2 for line in marked)
    assert [re.sub("\x1b\\[[0-9]+m", "", line) for line in marked] == FOUND


def test_what_looks_like_a_mark_of_ours_gets_no_colour() -> None:
    for line in ("  ✗ said a server", "    - said a server", "x  error WS104  it does not"):
        assert coloured(line) == line


def test_no_text_steers_the_terminal_from_inside_a_mark() -> None:
    assert coloured(Line(("\x1b[2J", Style.BAD))) == "\x1b[31m\\x1b[2J\x1b[0m"


def test_rich_colours_only_our_own_mark() -> None:
    report = Said("rich")
    report.down(outcome(), Kept(), "")
    assert report.text == "\x1b[32m✓\x1b[0m 1 removed in 1.2 s\n"


def test_a_redirected_error_has_no_colours() -> None:
    report = Said("rich")
    report.error(StackError("a"))
    assert report.text == "error: a\n"


@pytest.mark.parametrize("form", ["plain", "json"])
def test_no_text_of_others_is_a_command_to_github(form: Form) -> None:
    evil = "::error::x\n  ::add-mask::y\na ##[group]z"
    out, err = io.StringIO(), io.StringIO()
    report = Report(form, out, err, is_github=True)
    report.note(evil)
    report.error(NotReadyError(evil, evil, probe="", answer="", evidence=(evil,)))
    report.document({"a": evil}, [evil])
    report.log_line("a", evil)
    report.drift({"a": [evil]})
    report.up(Outcome(evil, Plan(()), warnings=[StackError(evil, evil)]))
    lines = (out.getvalue() + err.getvalue()).splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
    if form == "json":
        assert {"a": evil} in [json.loads(line) for line in lines]


@pytest.mark.parametrize(("form", "wanted"), [("plain", "::error::a\n"), ("json", "")])
def test_a_command_of_our_own_reaches_github_but_not_among_json(form: Form, wanted: str) -> None:
    out = io.StringIO()
    Report(form, out, is_github=True).command("::error::a")
    assert out.getvalue() == wanted


@pytest.mark.parametrize("form", ["plain", "json"])
def test_what_is_hidden_is_masked_in_all_that_is_said(form: Form) -> None:
    said = Said(form)
    said.note("first swordfish")
    said.hide(["swordfish"])
    said.note("then swordfish, and A_TOKEN=x1")
    said.error(
        NotReadyError("swordfish", "swordfish", probe="", answer="", evidence=("swordfish",))
    )
    said.command("::error::swordfish")
    assert said.text.count("swordfish") == 1
    assert "x1" not in said.text
