"""The commands that look at a running stack, plain and as JSON, with their exit codes."""

import json
import signal
import subprocess
import time

import jwt
import pytest

from stack.layout import images
from stack.layout.images import Source
from tests.integration.projects import SITE, STACK, Project, environment

ALL = {"echo", "nginx", "postgres", "redis", "ws"}


def test_status_says_what_runs_and_what_the_front_answers(demo: Project) -> None:
    seen = demo.json("status")
    assert seen["ok"] is True
    assert {row["service"] for row in seen["services"]} == ALL
    assert {row["state"] for row in seen["services"]} == {"running"}
    answers = {row["route"]: row["answer"] for row in seen["routes"]}
    upgraded = "101 Switching Protocols"
    assert answers == {"/": "200 OK", "/echo": upgraded, "/ws": upgraded}


def test_plain_status_is_the_same_in_a_table(demo: Project) -> None:
    lines = [line.split() for line in demo.stack("status").splitlines()]
    assert ["ws", f"{demo.name}-ws-2", "running"] in [line[:3] for line in lines]
    assert ["/ws", "ws", "101", "Switching", "Protocols"] in [line[:5] for line in lines]


def test_status_of_what_does_not_run_ends_with_1(echoing: Project) -> None:
    done = echoing.run("status", "--json")
    seen = json.loads(done.stdout)
    assert (done.returncode, seen["ok"]) == (1, False)
    assert {row["state"] for row in seen["services"]} == {"missing"}
    assert {row["answer"] for row in seen["routes"]} == {"the front does not run"}


def test_logs_of_one_service_and_of_all(demo: Project) -> None:
    assert demo.stack("logs", "echo") == (
        f"{demo.name}-echo-1 | starting\n{demo.name}-echo-1 | listening on 8000\n"
    )
    lines = [json.loads(line) for line in demo.stack("logs", "--json").splitlines()]
    services = {line["container"].split("-")[-2] for line in lines}
    assert services == ALL
    assert len(demo.stack("logs", "postgres", "--tail", "1").splitlines()) == 1


def test_followed_logs_show_new_lines_until_ctrl_c(demo: Project) -> None:
    command = [str(STACK), "logs", "nginx", "--follow", "--tail", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=demo.folder, env=environment(), stdout=pipe, stderr=pipe, text=True
    ) as process:
        time.sleep(2)  # there is no sign that it follows
        demo.stack("status")
        assert process.stdout
        assert (
            "/ws"
            in process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
        )
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(10) == 130
        finally:
            process.kill()


def test_exec_gives_output_and_exit_code(demo: Project) -> None:
    assert demo.stack("exec", "redis", "printf", "a\\nb\\n") == "a\nb\n"
    assert demo.run("exec", "redis", "sh", "-c", "exit 7").returncode == 7


def test_exec_reads_standard_input(demo: Project) -> None:
    command = [str(STACK), "exec", "redis", "cat"]
    answer = subprocess.run(
        command,
        cwd=demo.folder,
        env=environment(),
        input=b"one\ntwo\n",
        capture_output=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (0, b"one\ntwo\n")


@pytest.mark.parametrize("verb", [["logs"], ["exec"], ["restart"], ["up"]])
def test_an_unknown_service_is_wrong_usage(demo: Project, verb: list[str]) -> None:
    extra = ["true"] if verb == ["exec"] else []
    said = demo.fails(*verb, "postgers", *extra, code=2)
    assert "postgers: no such service; did you mean postgres?" in said


def test_nothing_is_left_to_do_on_a_running_stack(demo: Project) -> None:
    assert demo.json("up", "--dry-run") == {"steps": []}


def test_images_says_where_each_comes_from(demo: Project) -> None:
    rows = {row["service"]: row for row in demo.json("images")}  # and builds nothing again
    origin = {"registry": "a registry", "debian": "Debian packages"}[demo.images]
    assert rows.keys() == ALL
    assert {rows[name]["from"] for name in ("nginx", "redis", "postgres")} == {origin}
    assert rows["echo"]["from"] == "./echo"
    assert rows["nginx"]["image"] in demo.stack("images")


def test_a_token_carries_what_was_asked_for(demo: Project) -> None:
    args = ["token", "--sub", "bob", "--channel", "a", "--channel", "b:*", "--ttl", "90s"]
    made = demo.json(*args)
    claims = jwt.decode(made["token"], options={"verify_signature": False})
    assert (claims["sub"], claims["channels"]) == ("bob", ["a", "b:*"])
    assert claims["exp"] == made["expires"] == claims["iat"] + 90
    assert demo.stack(*args).count(".") == 2


def test_restart_restarts_one_service_and_asks_the_front(echoing: Project) -> None:
    echoing.stack("up")
    ids, starts = containers(echoing)
    said = echoing.stack("restart", "echo")
    assert "/echo  echo  101 Switching Protocols" in said
    events = echoing.events("restart", "echo")
    assert (events[-1]["event"], events[-1]["ok"]) == ("up", True)
    later_ids, later_starts = containers(echoing)
    assert later_ids == ids
    assert {name for name in starts if starts[name] != later_starts[name]} == {
        f"{echoing.name}-echo-1"
    }


def test_down_deletes_all_data_only_when_told_twice(project: Project, source: Source) -> None:
    redis = images.recipe_for("redis", source).reference  # declares a volume, so one has no name
    project.write({**SITE, "own": {"image": redis}, "redis": {"preset": "redis"}}, {"/": "site"})
    project.stack("up")
    mounts = [mount for each in project.containers() for mount in each.attrs["Mounts"]]
    mine = {mount["Name"] for mount in mounts if mount["Type"] == "volume"}
    project.fails("down", "--volumes", code=2)
    assert (len(mine), mine - volumes(project), len(project.containers())) == (2, set(), 3)
    project.stack("down", "--volumes", "--yes")
    assert mine.isdisjoint(volumes(project))


def volumes(project: Project) -> set[str]:
    return {str(volume.name) for volume in project.client.volumes.list()}


def containers(project: Project) -> tuple[set[str], dict[str, str]]:
    found = project.containers()
    starts = {str(each.name): each.attrs["State"]["StartedAt"] for each in found}
    return {str(each.id) for each in found}, starts


@pytest.mark.parametrize("command", [("logs", "app"), ("exec", "app", "true"), ("restart", "app")])
def test_what_stack_did_not_start_is_said_to_be_so(
    project: Project, command: tuple[str, ...]
) -> None:
    project.write({**SITE, "app": {"host": 3999}}, {"/": "site", "/app": "app"})
    project.stack("up")
    said = project.fails(*command, code=2)
    assert "app: a process of this machine on port 3999, not started by stack" in said
    assert "name nginx" in project.fails(command[0], "site", *command[2:], code=2)


def test_restart_of_nothing_says_so_at_once(project: Project) -> None:
    project.write({**SITE, "redis": {"preset": "redis"}}, {"/": "site"})
    project.stack("up", "nginx")
    said = project.fails("restart", "redis")
    assert "redis: has no container" in said
    assert "hint: stack up redis" in said
    project.stack("down")
    assert f"{project.name}: nothing of it runs\n  hint: stack up\n" in project.fails("restart")
