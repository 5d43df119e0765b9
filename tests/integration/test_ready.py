"""`stack up` waits for the answer that was asked for, and says what it got when none comes."""

import time
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from stack.layout.images import Source
from tests.integration.projects import SITE, Project, Services, echo_service, project_in

DELAY = 0.7  # seconds until the services listen
GOOD: dict[str, Any] = {
    "tcp": {"tcp": 8000},
    "http": {"http": "/healthz"},
    "websocket": {"websocket": "/socket"},
    "command": {"command": ["bash", "-c", "</dev/tcp/127.0.0.1/8000"]},
    "log": {"log": r"listening on \d+"},
}
# What never comes true: how to ask, what is said to have been asked, and the last answer.
BAD: dict[str, tuple[Any, str, str]] = {
    "tcp": ({"tcp": 9}, "asked TCP port 9", "Connection refused"),
    "http": ({"http": "/missing"}, "asked HTTP on /missing", "HTTP/1.1 404 Not Found"),
    "websocket": (
        {"websocket": "/missing"},
        "asked a handshake on /missing",
        "HTTP/1.1 404 Not Found",
    ),
    "command": (
        {"command": ["sh", "-c", "echo not yet; exit 7"]},
        "asked its command",
        "exit code 7: not yet",
    ),
    "log": ({"log": "never said"}, "asked for 'never said' in its log", "listening on 8000"),
}


def services(image: str, **changed: Any) -> Services:
    """Give one service of each kind, named after it; ``changed`` replaces some."""
    env = {"ECHO_DELAY": str(DELAY)}
    kinds = {kind: echo_service(image, env=env, ready=ready) for kind, ready in GOOD.items()}
    return {**SITE, **kinds, **changed}


@pytest.fixture(scope="module")
def lab(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: Source,
    python_image: str,
) -> Iterator[Project]:
    """A project with one running service of each kind; each test changes it as it likes."""
    with project_in(docker_client, tmp_path_factory.mktemp("lab"), source) as one:
        one.write(services(python_image), {"/": "site"})
        one.stack("up")
        yield one


@pytest.mark.parametrize("kind", BAD)
def test_what_never_answers_is_given_up_at_the_timeout(
    lab: Project, python_image: str, kind: str
) -> None:
    ready, asked, answer = BAD[kind]
    good = services(python_image)
    lab.write({**good, kind: {**good[kind], "ready": ready}}, {"/": "site"})
    start = time.monotonic()
    error = failure(lab, "up", kind, "--timeout", "2")
    assert time.monotonic() - start < 10
    assert error["message"] == f"{kind}: did not answer in time; {asked}, last answer: {answer}"
    # Another command makes another health check, so that container is new and may be silent yet;
    # the others ran before, and may be what somebody spoiled.
    restart = "" if kind == "command" else f"stack restart {kind}\n"
    assert error["hint"] == f"{restart}stack logs {kind}"
    assert kind == "command" or error["log"] == ["starting", "listening on 8000"]


@pytest.mark.parametrize("kind", GOOD)
def test_a_process_that_ends_is_noticed_at_once(lab: Project, python_image: str, kind: str) -> None:
    command = ["sh", "-c", "seq 1 30; exit 3"]
    ended = echo_service(python_image, ready=GOOD[kind], command=command)
    lab.write(services(python_image, **{kind: ended}), {"/": "site"})
    start = time.monotonic()
    error = failure(lab, "up", kind, "--timeout", "60")
    assert time.monotonic() - start < 15
    assert error["message"].startswith(f"{kind}: ended with exit code 3; asked ")
    assert error["log"] == [str(number) for number in range(11, 31)]


def test_a_command_that_hangs_is_given_up_too(lab: Project, python_image: str) -> None:
    hanging = echo_service(python_image, ready={"command": ["sh", "-c", "echo on it; sleep 30"]})
    lab.write({**SITE, "tcp": hanging}, {"/": "site"})
    start = time.monotonic()
    error = failure(lab, "up", "tcp", "--timeout", "6")  # enough to start on a busy machine
    assert time.monotonic() - start < 20
    assert error["message"].endswith("last answer: on it (it does not end)")


def test_a_restart_waits_for_a_new_line_in_the_log(lab: Project, python_image: str) -> None:
    lab.write({**SITE, "log": services(python_image)["log"]}, {"/": "site"})
    lab.stack("up")
    times = finished(lab.events("restart", "log"))
    name = f"{lab.name}-log-1"
    assert times[f"ready {name}"] - times[f"restart {name}"] > DELAY / 2


def finished(events: list[dict[str, Any]]) -> dict[str, float]:
    """Map each step to when it was finished."""
    return {event["step"]: event["time"] for event in events if event["event"] == "finished"}


def failure(project: Project, *args: str) -> dict[str, Any]:
    """Run a command that fails, and give its one error event."""
    events = project.events(*args)
    errors = [event for event in events if event["event"] == "error"]
    assert len(errors) == 1, events
    return errors[0]


def test_each_kind_waits_until_its_answer_comes(lab: Project, python_image: str) -> None:
    lab.stack("down")
    lab.write(services(python_image), {"/": "site"})
    events = lab.events("up")
    assert events[-1]["event"] == "up"
    times = finished(events)
    for kind in GOOD:
        name = f"{lab.name}-{kind}-1"
        assert times[f"ready {name}"] - times[f"start {name}"] > DELAY / 2, kind


def test_a_failure_reads_well(lab: Project, python_image: str) -> None:
    ended = echo_service(python_image, command=["sh", "-c", "echo no database; exit 4"])
    lab.write({**SITE, "tcp": ended}, {"/": "site"})
    said = lab.fails("up", "tcp")
    assert "error: tcp: ended with exit code 4; asked TCP port 8000, last answer: " in said
    assert "  its last log lines:\n  │ no database\n  hint: stack logs tcp\n" in said


def test_a_broken_init_script_is_seen_at_once_with_its_reason(project: Project) -> None:
    (project.folder / "db").mkdir()
    (project.folder / "db" / "1.sql").write_text("create table t (id int);\nnonsense;\n")
    project.write({**SITE, "postgres": {"preset": "postgres", "init": "./db"}}, {"/": "site"})
    start = time.monotonic()
    error = failure(project, "up", "--timeout", "100")
    assert time.monotonic() - start < 40
    assert error["message"].startswith("postgres: ended with exit code 3")
    assert 'syntax error at or near "nonsense"' in "\n".join(error["log"])


def test_needs_are_ready_before_and_only_what_is_needed_starts(
    project: Project, python_image: str
) -> None:
    api = echo_service(python_image, needs=["postgres"])
    others = {"other": echo_service(python_image), "redis": {"preset": "redis"}}
    project.write(
        {**SITE, **others, "postgres": {"preset": "postgres"}, "api": api},
        {"/": "site", "/api": "api"},
    )
    events = project.events("up", "api", "--timing")
    names = {str(each.name).removeprefix(f"{project.name}-") for each in project.containers()}
    assert names == {"nginx-1", "postgres-1", "api-1"}
    said = [(event["event"], event.get("step")) for event in events]
    ready, begun = f"ready {project.name}-postgres-1", f"start {project.name}-api-1"
    assert said.index(("finished", ready)) < said.index(("started", begun))
    chain = [step["step"] for step in events[-1]["steps"]]
    assert chain[-4:] == [ready, begun, f"ready {project.name}-api-1", "route /api"]
    assert "critical path" in project.stack("up", "api", "--timing")


def test_a_dry_run_changes_nothing(echoing: Project) -> None:
    said = echoing.stack("up", "--dry-run")
    assert f"start {echoing.name}-nginx-1" in said
    steps = echoing.json("up", "--dry-run")["steps"]
    assert [f"  {step}" for step in steps] == said.splitlines()
    filters = {"label": f"com.docker.compose.project={echoing.name}"}
    assert echoing.containers() == []
    assert echoing.client.networks.list(filters=filters) == []
    assert not (echoing.state / "nginx" / "nginx.conf").exists()


def test_a_folder_without_a_page_is_not_green_and_one_of_assets_is(project: Project) -> None:
    files = {"/": "site", "/assets": "files", "/none": "none"}
    project.write({**SITE, "files": {"static": "files"}, "none": {"static": "none"}}, files)
    for folder in ("files/deep", "none"):
        (project.folder / folder).mkdir(parents=True)
    (project.folder / "files" / "deep" / "a b.js").touch()
    (project.folder / "site" / "index.html").unlink()
    said = project.run("up", "--strict")
    assert said.returncode == 1
    assert "! " in said.stdout
    assert "403 Forbidden: ./site has no index.html" in said.stdout
    assert "403 Forbidden: ./none has no index.html" in said.stdout
    assert "/assets/deep/a%20b.js: 200 OK" in said.stdout
    found = [one for one in project.run("doctor").stdout.splitlines() if "error WS220" in one]
    assert [one.split()[0] for one in found] == ["site", "none"]


@pytest.mark.parametrize(
    ("command", "says", "hint"),
    [
        (["nope"], "the image has no program nope", "correct stack.yaml: services.app.command"),
        (["/etc/passwd"], "/etc/passwd may not be executed", "services.app.command"),
    ],
    ids=["missing", "no program"],
)
def test_what_the_engine_does_not_start_is_told_with_its_key(
    project: Project, python_image: str, command: list[str], says: str, hint: str
) -> None:
    project.write({**SITE, "app": {"image": python_image, "command": command}}, {"/": "site"})
    said = project.fails("up")
    assert f"start {project.name}-app-1: {says}\n" in said
    assert hint in said
