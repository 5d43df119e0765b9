"""The command line from outside: exit codes, help that works, JSON that parses, no traceback."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys

import pytest

from stack.cli.main import app
from stack.project.state import State
from tests.unit.command_line import ENVIRON, MAIN, OK, Stack

COMMANDS = [
    str(info.name or info.callback.__name__) for info in app.registered_commands if info.callback
]
# An example that parses says that there is no stack.yaml, or how it ended without one.
WITHOUT_A_STACK = {
    "init": ({0}, "wrote stack.yaml"),
    "schema": ({0}, '"properties"'),
    "down": ({1}, "no engine answers"),  # its example names a project
    "list": ({1}, "no engine answers"),
    "explain": ({0}, "WS001"),
    "bundle": ({0}, "saved the evidence"),
    "lint": ({2}, "nginx.conf: not found"),
    "doctor": ({0, 1}, "ws://localhost:3002/ws"),  # where something may listen on this machine
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_parses(stack: Stack, command: str) -> None:
    done = stack(command, "--help")
    found = re.search(r"Example: stack (.*)", done.out)
    assert found, done.out
    words = shlex.split(found[1].partition(" > ")[0])
    assert words[0] == command
    codes, says = WITHOUT_A_STACK.get(command, ({2}, "not found in"))
    tried = stack(*words)
    assert tried.code in codes
    assert says in tried.out + tried.err


def test_help_is_quick_because_it_loads_little() -> None:
    code = "import sys\nfrom stack.cli.main import main\ntry: main()\nexcept SystemExit: pass\n"
    heavy = ("docker", "pydantic", "rich", "yaml", "jinja2", "crossplane", "stack.diagnose")
    code += f"print([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-c", code, "--help"]
    done = subprocess.run(command, env=ENVIRON, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["init"], 2),  # there is one already
        (["init", "--force"], 0),
        (["token"], 0),
        (["schema"], 0),
        (["render", "--check"], 1),
        (["render", "--out", "made"], 0),
        (["render", "--target", "deploy"], 2),
        (["render", "--target", "moon"], 2),
        (["nonsense"], 2),
        (["up", "--nonsense"], 2),
        (["logs", "--tail", "many"], 2),
        (["up", "--timeout", "0"], 2),
        (["up", "--timeout", "nan"], 2),
        (["exec"], 2),
        (["up", "--timeout", "inf"], 2),
        (["up", "--timeout", "1e400"], 2),
        (["up", "--timeout", "-1"], 2),
        (["restart", "--timeout", "inf"], 2),
        (["down", "--timeout", "inf"], 2),
        (["doctor", "ws://localhost:9/", "--timeout", "inf"], 2),
        (["doctor", "ws://localhost:9/", "--idle", "nan"], 2),
        (["token", "--ttl", "0"], 2),
        (["token", "--ttl", "999ms"], 2),
        (["token", "--ttl", "forever"], 2),
        (["token", "--ttl", "9" * 400 + "s"], 2),
        (["status"], 1),  # no engine answers
        (["up", "--dry-run"], 1),
        (["down"], 1),
        (["status", "--file", "none/stack.yaml"], 2),
        (["status", "--file", "."], 2),
        (["status", "--file", "stack.yaml\x1b[31m"], 2),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else str(value),
)
def test_exit_codes(shop: Stack, arguments: list[str], code: int) -> None:
    done = shop(*arguments)
    assert done.code == code, done.out + done.err
    assert (done.err == "") == (code == 0 or arguments == ["render", "--check"])


def test_without_a_stack_yaml_init_is_named(stack: Stack) -> None:
    assert stack("up").err == (
        f"error: stack.yaml: not found in {stack.folder}\n  hint: stack init\n"
    )


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "restart", "token", "render"])
def test_without_the_file_init_of_that_file_is_named(stack: Stack, command: str) -> None:
    done = stack(command, "--file", "dev.yaml")
    assert done.err.splitlines()[-1] == "  hint: stack init --file dev.yaml"


def test_no_hint_of_init_leads_to_another_file(stack: Stack) -> None:
    assert stack("init", "-f", "dev.yaml").out == (
        "  wrote dev.yaml; next: stack up --file dev.yaml\n"
    )
    text = (stack.folder / "dev.yaml").read_text()
    assert "Start it with: stack up --file dev.yaml\n" in text
    assert "for: stack render --file dev.yaml --target deploy\n" in text
    done = stack("init", "-f", "dev.yaml")
    assert done.err.splitlines() == [
        "error: dev.yaml: exists already",
        "  hint: stack up --file dev.yaml, or: stack init --file dev.yaml --force",
    ]
    (stack.folder / "dev.yaml").write_text("# nothing\n")
    assert " stack init --file dev.yaml --force" in stack("up", "-f", "dev.yaml").err


def test_what_init_writes_can_be_loaded(stack: Stack) -> None:
    stack("init")
    assert stack("render", "--json").code == 0
    assert {"compose.yaml", "nginx-dev.conf"} <= {path.name for path in stack.folder.iterdir()}


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["up"],
        ["render", "--target", "deploy"],
        ["token", "--ttl", "x"],
        ["up", "--nonsense"],
        ["logs", "--tail", "x"],
    ],
    ids=" ".join,
)
def test_an_error_is_json_where_json_is_wanted(shop: Stack, arguments: list[str]) -> None:
    done = shop(*arguments, "--json")
    (line,) = done.out.splitlines()
    event = json.loads(line)
    assert event["event"] == "error"
    assert event["message"]
    assert done.err == ""


def test_render_is_done_once_and_then_nothing_differs(shop: Stack) -> None:
    assert json.loads(shop("render", "--json").out)["written"]
    assert json.loads(shop("render", "--json").out)["written"] == []
    assert shop("render", "--check").out == "nothing differs\n"


def test_a_foreign_file_is_not_overwritten(shop: Stack) -> None:
    (shop.folder / "compose.yaml").write_text("services: {}\n")
    assert shop("render").code == 1
    assert (shop.folder / "compose.yaml").read_text() == "services: {}\n"


def test_a_terminal_that_knows_only_ascii_is_no_reason_to_crash(shop: Stack) -> None:
    odd = OK.replace("{host: 3000}", "{image: x, port: 1, env: {A: é€}}")
    (shop.folder / "stack.yaml").write_text(odd, encoding="utf-8")
    environ = {**ENVIRON, "PYTHONIOENCODING": "ascii"}
    command = [*MAIN, "render", "--check"]
    done = subprocess.run(command, cwd=shop.folder, env=environ, capture_output=True, check=False)
    assert (done.returncode, b"\\u20ac" in done.stdout) == (1, True)


def test_a_reader_that_leaves_early_is_no_error(shop: Stack) -> None:
    with subprocess.Popen(
        [*MAIN, "schema"],
        cwd=shop.folder,
        env=ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in {0, 1, 141}


@pytest.mark.parametrize("option", [["--file", "my stack.yaml"], ["-f", "my stack.yaml"]])
def test_a_hint_is_about_the_same_stack_file(shop: Stack, option: list[str]) -> None:
    (shop.folder / "stack.yaml").rename(shop.folder / "my stack.yaml")
    (shop.folder / ".stack" / "secrets").mkdir(parents=True)
    (shop.folder / ".stack" / "secrets" / "nextauth-secret").write_text("x" * 43)
    done = shop("render", *option)
    assert done.err.splitlines()[-1] == "  hint: stack up --file 'my stack.yaml' moves them"


ENDINGS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: str(number.name))
def test_a_signal_ends_a_command_that_waits_for_another(
    shop: Stack, number: signal.Signals
) -> None:
    code, word = ENDINGS[number]
    with State(shop.folder, "shop").lock(0, lambda _: None), begun(shop, "down") as process:
        assert process.stdout
        assert process.stdout.readline() == f"  waiting for process {os.getpid()}\n"
        process.send_signal(number)
        _, said = process.communicate()
    assert (process.returncode, said.splitlines()[0]) == (code, f"error: {word}")


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: str(number.name))
@pytest.mark.parametrize("command", ["up", "down", "status", "list", "logs", "doctor"])
def test_a_signal_ends_a_command_whose_engine_is_silent(
    shop: Stack, command: str, number: signal.Signals
) -> None:
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(shop.folder / "silent"))
        engine.listen()
        host = {"DOCKER_HOST": f"unix://{shop.folder}/silent"}
        with begun(shop, command, **host) as process:
            link, _ = engine.accept()
            with link:
                link.recv(1)
                process.send_signal(number)
                _, said = process.communicate()
    code, word = ENDINGS[number]
    is_changing = command in {"up", "down"}
    hint = f"\n  hint: continue with: stack {command}" if is_changing else ""
    assert (process.returncode, said) == (code, f"error: {word}{hint}\n")


def begun(shop: Stack, command: str, **environ: str) -> subprocess.Popen[str]:
    """Start a command, and do not wait for it."""
    return subprocess.Popen(
        [*MAIN, command],
        cwd=shop.folder,
        env=ENVIRON | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_bug_is_3_with_a_log_and_no_traceback(shop: Stack) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    shop.monkeypatch.setattr("stack.project.project.open_project", fail)
    done = shop("restart")
    assert (done.code, done.err.splitlines()[0]) == (3, "error: stack: a bug: ZeroDivisionError")
    (log,) = shop.folder.glob("stack-bug-*.log")
    assert "ZeroDivisionError" in log.read_text()


def test_a_token_needs_no_engine(shop: Stack) -> None:
    value = json.loads(shop("token", "--sub", "alice", "--ttl", "90", "--json").out)
    assert value.keys() == {"token", "expires"}
    assert shop("token").out.count(".") == 2


def test_the_log_of_a_bug_holds_no_secret(shop: Stack) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("mellon-speak-friend")

    shop.monkeypatch.setenv("GITLAB_TOKEN", "mellon-speak-friend")
    shop.monkeypatch.setattr("stack.cli.doctor.new_report", fail)
    shop("doctor", "ws://a", "--token", "one-two-3", "--cookie=four-five-6")
    (log,) = shop.folder.glob("stack-bug-*.log")
    said = log.read_text()
    assert "ZeroDivisionError" in said
    assert not [text for text in ("mellon", "one-two", "four-five") if text in said]
